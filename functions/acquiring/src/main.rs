//! Wires the function to Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::platform::runtime::run(
        acquiring::Deps::from_env,
        async |deps: &acquiring::Deps| deps.warm().await,
        |deps, request| Box::pin(acquiring::handle(deps, request)),
    )
    .await
}
