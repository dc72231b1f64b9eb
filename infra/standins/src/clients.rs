//! The HTTP clients for what is sent from here: one for each scheme, so that thousands of messages do not each open a connection.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long an unused connection is kept; shorter than servers usually do, so that none dies under a message.
const IDLE: Duration = Duration::from_secs(2);

/// The clients for http and for https, made when first needed.
#[derive(Default)]
pub(crate) struct Clients {
    plain: OnceLock<Client>,
    tls: OnceLock<Client>,
}

impl Clients {
    pub(crate) fn get(&self, scheme: &str) -> Result<Client, reqwest::Error> {
        let slot = if scheme == "http" { &self.plain } else { &self.tls };
        if let Some(client) = slot.get() {
            return Ok(client.clone());
        }
        let mut client = Client::builder().timeout(PATIENCE).pool_idle_timeout(IDLE).no_proxy().redirect(Policy::none());
        if scheme == "http" {
            // Loopback needs no root certificates, and a machine without any must still be able to run this.
            client = client.tls_certs_only([]);
        }
        let client = client.build()?;
        Ok(slot.get_or_init(|| client).clone())
    }
}
