//! YooKassa's client from the outside: against the strict stand-in, its faults, and answers with what nobody has seen yet.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod answers;
mod faults;
mod operations;
mod payments;
mod secrets;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use shared::payments::yookassa::types::{
    AmountRequest, CaptureRequest, ConfirmationRequest, Payment, PaymentMethodRequest, PaymentRequest, RefundRequest,
};
use shared::payments::yookassa::{Cause, Client, Error, Operation, Settings};
use shared::platform::clock::Deadline;
use shared::platform::metrics::Metrics;
use shared::platform::money::{Currency, Decimal, Money};
use shared::platform::outbound::Http;
use shared::platform::secret::{Keys, Secret};
use standins::{CardDecision, CardOutcome, Clock, Fault, Options, StandIns, System};
use time::macros::datetime;
use tokio::net::TcpListener;
use url::Url;

const KEY: &str = "test_demo_key";

thread_local! {
    /// Making one reads the machine's root certificates, which takes longer than a test.
    static HTTP: Http = Http::new(Metrics::default()).unwrap();
}

fn deadline() -> Deadline {
    Deadline::within(Duration::from_secs(30))
}

fn secret(text: &str) -> Secret {
    Secret::parse(text).unwrap()
}

fn amount(text: &str) -> AmountRequest {
    Money::new(Decimal::parse(text).unwrap(), Currency::Rub).into()
}

/// A shop at the simulated YooKassa, and a client of it.
struct Shop {
    client: Client,
    standins: StandIns,
}

impl Shop {
    async fn open() -> Self {
        Self::with(secret(KEY).into(), Options { exact_requests: true, ..Options::default() }).await
    }

    async fn with(keys: Keys, options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let standins = StandIns::start(listener, options, Clock::standing_at(datetime!(2026-11-18 09:00 UTC)));
        let base_url = Url::parse(&format!("{}/yookassa/v3", standins.base_url())).unwrap();
        let settings = Settings { base_url, shop_id: "506751".to_owned(), secret: keys };
        Self { client: Client::new(HTTP.with(Clone::clone), settings), standins }
    }

    /// A payment that waits for its customer.
    async fn pending(&self, sum: &str) -> Payment {
        self.client.create_payment(&create(sum, 1), deadline()).await.unwrap()
    }

    /// A payment that is held.
    async fn held(&self, sum: &str) -> Payment {
        let payment = self.pending(sum).await;
        self.decide(&payment, CardDecision::Paid).await
    }

    /// A payment that is captured as a whole.
    async fn captured(&self, sum: &str) -> Payment {
        let payment = self.held(sum).await;
        self.client.capture(&payment.id, &capture(sum, 1), deadline()).await.unwrap()
    }

    async fn decide(&self, payment: &Payment, decision: CardDecision) -> Payment {
        self.standins.decide_yookassa(&payment.id, &CardOutcome::new(decision)).await.unwrap();
        self.client.payment(&payment.id, deadline()).await.unwrap()
    }

    fn fault(&self, method: &str, fault: Fault, times: u32) {
        self.standins.fault(System::Yookassa, method, fault, times).unwrap();
    }

    fn calls(&self, method: &str) -> usize {
        self.standins.calls_to(System::Yookassa, method).len()
    }
}

/// The `number`th try to open a payment in two stages.
fn create(sum: &str, number: u32) -> Operation {
    let request = PaymentRequest {
        amount: amount(sum),
        capture: false,
        confirmation: ConfirmationRequest::Redirect { return_url: "https://api.example/v1/return/1001-1/token".to_owned() },
        payment_method_data: Some(PaymentMethodRequest::BankCard),
        receipt: None,
        description: "Заказ 1001".to_owned(),
        metadata: BTreeMap::from([("payment_id", "1001-1".to_owned()), ("order_id", "1001".to_owned())]),
    };
    Operation::new("shop-one", "1001-1", "create", number, &request).unwrap()
}

fn capture(sum: &str, number: u32) -> Operation {
    Operation::new("shop-one", "1001-1", "capture", number, &CaptureRequest { amount: amount(sum), receipt: None }).unwrap()
}

fn cancel(number: u32) -> Operation {
    Operation::new("shop-one", "1001-1", "cancel", number, &json!({})).unwrap()
}

fn refund(payment: &Payment, sum: &str, number: u32) -> Operation {
    let request = RefundRequest {
        payment_id: payment.id.clone(),
        amount: amount(sum),
        receipt: None,
        metadata: BTreeMap::from([("payment_id", "1001-1".to_owned())]),
    };
    Operation::new("shop-one", "1001-1", "refund", number, &request).unwrap()
}

/// Why a call was refused.
fn cause<T>(answer: Result<T, Error>) -> Option<Cause> {
    match answer {
        Err(Error::Refused(refusal)) => Some(refusal.cause()),
        Ok(_) | Err(Error::NotSent(_) | Error::Throttled | Error::Unknown { .. }) => None,
    }
}
