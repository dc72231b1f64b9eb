//! Wires the function to Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::platform::runtime::run(
        card_callback::Deps::from_env,
        async |deps: &card_callback::Deps| deps.warm().await,
        |deps, request| Box::pin(card_callback::handle(deps, request)),
    )
    .await
}
