//! Wires the function to Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::platform::runtime::work(
        payment_events::Deps::from_env,
        async |deps: &payment_events::Deps| deps.warm().await,
        |deps, event| Box::pin(payment_events::handle(deps, event)),
    )
    .await
}
