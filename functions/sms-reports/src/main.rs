//! Wires the function to Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::platform::runtime::run(
        sms_reports::Deps::from_env,
        async |deps: &sms_reports::Deps| deps.warm().await,
        |deps, request| Box::pin(sms_reports::handle(deps, request)),
    )
    .await
}
