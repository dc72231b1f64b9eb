//! Has the real SMSPRO send a code to a phone, and checks what is typed. It costs an SMS.
//!
//! ```sh
//! SMSPRO_BASE_URL=https://smspro.nikita.kg SMSPRO_KEY=… cargo run -p shared --example smspro_code -- '+996 770 00 11 22'
//! ```

#![expect(clippy::print_stdout, reason = "a person reads what it prints")]

use std::error::Error;
use std::io;
use std::time::Duration;

use shared::forms::smspro::{Client, Settings};
use shared::platform::clock::{Deadline, Random};
use shared::platform::env::Env;
use shared::platform::metrics::Metrics;
use shared::platform::outbound::Http;
use shared::platform::phone::Phone;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let phone = std::env::args().nth(1).ok_or("name a phone, as `smspro_code '+996 770 00 11 22'` does")?;
    let phone = Phone::parse(&phone)?;
    let mut env = Env::process();
    let (base_url, key) = (env.url("SMSPRO_BASE_URL"), env.secret("SMSPRO_KEY"));
    let settings = base_url.zip(key).map(|(base_url, key)| Settings { base_url, key });
    let client = Client::new(Http::new(Metrics::default())?, env.finish(settings)?);
    let within = || Deadline::within(Duration::from_secs(9));
    let token = client.send(&phone, &Random::System.hex32()?, within()).await?;
    println!("The code that has come:");
    let mut code = String::new();
    io::stdin().read_line(&mut code)?;
    client.verify(&token, code.trim(), within()).await?;
    println!("It is the right one.");
    Ok(())
}
