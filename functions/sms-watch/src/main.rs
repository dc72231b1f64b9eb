//! Wires the function to Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::platform::runtime::work(
        sms_watch::Deps::from_env,
        async |deps: &sms_watch::Deps| deps.warm().await,
        |deps, event| Box::pin(sms_watch::handle(deps, event)),
    )
    .await
}
