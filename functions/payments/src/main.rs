//! Wires the function to Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::platform::runtime::run_and_finish(
        payments::Deps::from_env,
        async |deps: &payments::Deps| deps.warm().await,
        |deps, request| Box::pin(payments::handle(deps, request)),
        |deps| Box::pin(payments::finish(deps)),
    )
    .await
}
