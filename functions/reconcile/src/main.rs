//! Wires the function to Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::platform::runtime::work(
        reconcile::Deps::from_env,
        async |deps: &reconcile::Deps| deps.warm().await,
        |deps, event| Box::pin(reconcile::handle(deps, event)),
    )
    .await
}
