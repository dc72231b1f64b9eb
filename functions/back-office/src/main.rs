//! Wires the function to Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::platform::runtime::run(
        back_office::Deps::from_env,
        async |deps: &back_office::Deps| deps.warm().await,
        |deps, request| Box::pin(back_office::handle(deps, request)),
    )
    .await
}
