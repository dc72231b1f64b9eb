//! Wires the function to Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::platform::runtime::work(
        price_feed::Deps::from_env,
        async |deps: &price_feed::Deps| deps.warm().await,
        |deps, event| Box::pin(price_feed::handle(deps, event)),
    )
    .await
}
