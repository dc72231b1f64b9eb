//! Wires the function to Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::platform::runtime::run(
        mokka_callback::Deps::from_env,
        async |deps: &mokka_callback::Deps| deps.warm().await,
        |deps, request| Box::pin(mokka_callback::handle(deps, request)),
    )
    .await
}
