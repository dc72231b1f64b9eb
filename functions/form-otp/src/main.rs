//! Wires the function to Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::platform::runtime::run(
        form_otp::Deps::from_env,
        async |deps: &form_otp::Deps| deps.warm().await,
        |deps, request| Box::pin(form_otp::handle(deps, request)),
    )
    .await
}
