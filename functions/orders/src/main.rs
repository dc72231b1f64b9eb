//! Wires the function to Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::platform::runtime::run_and_work(
        orders::Deps::from_env,
        async |deps: &orders::Deps| deps.warm().await,
        |deps, request| Box::pin(orders::handle(deps, request)),
        |deps, event| Box::pin(orders::record_queued(deps, event)),
    )
    .await
}
