//! Asks the real Mokka how an order stands. It changes nothing.
//!
//! ```sh
//! MOKKA_BASE_URL=https://backend.demo.revoup.ru MOKKA_STORE_ID=… MOKKA_SECRET=… cargo run -p shared --example mokka_status -- 1001-1
//! ```

#![expect(clippy::print_stdout, reason = "a person reads what it prints")]

use std::error::Error;
use std::time::Duration;

use shared::payments::gateway::mokka::client_from_env;
use shared::platform::clock::Deadline;
use shared::platform::env::Env;
use shared::platform::metrics::Metrics;
use shared::platform::outbound::Http;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let order = std::env::args().nth(1).ok_or("name an order of the store, as `mokka_status 1001-1` does")?;
    let mut env = Env::process();
    let client = client_from_env(&mut env, Http::new(Metrics::default())?);
    let client = env.finish(client)?;
    println!("{:#?}", client.status(&order, Deadline::within(Duration::from_secs(9))).await?);
    Ok(())
}
