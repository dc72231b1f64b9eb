//! Wires the function to Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::platform::runtime::work(
        form_delivery::Deps::from_env,
        async |deps: &form_delivery::Deps| deps.warm().await,
        |deps, event| Box::pin(form_delivery::handle(deps, event)),
    )
    .await
}
