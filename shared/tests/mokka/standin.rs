//! The client against the strict stand-in: what each method comes to, every code, repeats, signatures, the second store.

use std::time::Duration;

use shared::mokka::signature::{Order, OrderSetting};
use shared::mokka::types::{LimitStatus, OrderStatus};
use shared::mokka::{Code, Outcome, Settings, Store};
use shared::outbound;
use shared::secret::Secret;
use standins::{Call, Clock, Decision, Fault, Options, SignatureOrder, StandIns, System};
use tokio::net::TcpListener;
use url::Url;

use super::*;

const SECRET: &str = "mokka-demo-secret";

/// A stand-in and a client of it.
pub(crate) struct Mokka {
    pub(crate) client: Client,
    standins: StandIns,
}

impl Mokka {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default(), OrderSetting::Auto, None).await
    }

    async fn with(options: Options, signature_order: OrderSetting, limits: Option<(u64, &str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let standins = StandIns::start(listener, options, Clock::real());
        let settings = Settings {
            base_url: Url::parse(&format!("{}/mokka", standins.base_url())).unwrap(),
            store_id: 72,
            secret: Secret::parse(SECRET).unwrap(),
            limits: limits.map(|(id, secret)| Store { id, secret: Secret::parse(secret).unwrap() }),
            signature_order,
        };
        Self { client: Client::new(outbound::client().unwrap(), settings), standins }
    }

    pub(crate) fn calls(&self, method: &str) -> Vec<Call> {
        self.standins.calls_to(System::Mokka, method)
    }

    /// An order whose customer has agreed.
    pub(crate) async fn hold(&self, order_id: &str) {
        self.client.checkout(&checkout(order_id), deadline()).await.unwrap();
        self.standins.decide(order_id, Decision::Approved, false, 1).await.unwrap();
    }

    async fn status(&self, order_id: &str) -> OrderStatus {
        self.client.status(order_id, deadline()).await.unwrap().current_order.status
    }

    fn fault(&self, method: &str, fault: Fault, times: u32) {
        self.standins.fault(System::Mokka, method, fault, times).unwrap();
    }
}
