//! The back office from outside: HTTP events in; answers, stored state and calls to Mokka out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod ahead;
mod approval;
mod books;
mod change;
mod crash;
mod customers;
mod erase;
mod events;
mod explain;
mod export;
mod faults;
mod finish;
mod forget;
mod forms;
mod growth;
mod history;
mod holds;
mod input;
mod keys;
#[cfg(target_os = "linux")]
mod memory;
mod messages;
mod parallel;
mod prepaid;
mod queries;
mod reality;
mod receipts;
mod refund;
mod refusals;
mod reindex;
mod runs;
mod scheduled;
mod search;
mod store;
mod withdraw;

use std::time::Duration;

use serde_json::{Value, json};
use standins::{Decision, MokkaOrder, Options, System};
use testkit::settings::{CASHIER_KEY, OPERATOR_KEY, VIEWER_KEY};
use testkit::{Answer, Event, Placed};
use testkit::{Cast, Function, http, worker};

/// The functions of these tests.
struct Here;

impl Cast for Here {
    fn functions() -> Vec<Function> {
        vec![
            http!(orders),
            http!(acquiring),
            http!(mokka_callback),
            http!(back_office),
            worker!(reconcile),
            worker!(payment_events),
        ]
    }
}

type Story = testkit::Story<Here>;

/// What an order of these tests costs.
const AMOUNT: &str = "3250.00";
/// The methods of Mokka that change something.
const CHANGING: [&str; 4] = ["finish", "cancel", "change", "return"];

/// An order of a shop that captures when the goods ship, and its payment.
struct Shop {
    story: Story,
    order: Placed,
    payment: String,
}

impl Shop {
    /// The customer is on Mokka's page.
    async fn pending() -> Self {
        Self::with(&[]).await
    }

    /// The same with other settings.
    async fn with(changes: &[(&str, &str)]) -> Self {
        let changes: Vec<_> = [("MOKKA_FINISH", "on_shipment")].iter().chain(changes).copied().collect();
        let story = Story::start_with(Options::default(), &changes).await;
        let order = story.order().await;
        let created = story.create(&order).await.json();
        assert_eq!(created["success"], json!(true), "{created}");
        let payment = order.payment(1);
        story.environment.standins().forget_calls();
        Self { story, order, payment }
    }

    /// The money is held.
    async fn held() -> Self {
        let shop = Self::pending().await;
        shop.story.decide(&shop.payment, Decision::Approved).await;
        assert_eq!(shop.story.callback(&shop.payment, "approved").await.status, 200);
        assert_eq!(shop.state().await, "held");
        shop.story.environment.standins().forget_calls();
        shop
    }

    /// The money is captured, today.
    async fn captured() -> Self {
        let shop = Self::held().await;
        assert_eq!(shop.finish().await.status, 200);
        shop.story.environment.standins().forget_calls();
        shop
    }

    /// The money was captured yesterday, so that parts of it can be given back.
    async fn captured_yesterday() -> Self {
        let shop = Self::captured().await;
        shop.story.environment.advance(Duration::from_hours(24));
        shop
    }

    async fn ask(&self, event: Event) -> Answer {
        Box::pin(self.story.back_office(event.rest())).await
    }

    async fn finish(&self) -> Answer {
        self.ask(self.event("finish", OPERATOR_KEY)).await
    }

    async fn cancel(&self) -> Answer {
        self.ask(self.event("cancel", OPERATOR_KEY)).await
    }

    async fn change(&self, amount: &str) -> Answer {
        self.ask(self.event("change", OPERATOR_KEY).json(cart(amount))).await
    }

    async fn settle(&self) -> Answer {
        self.ask(self.event("settle", OPERATOR_KEY)).await
    }

    /// Gives back `amount`; everything without it.
    async fn refund(&self, key: &str, amount: Option<&str>) -> Answer {
        let event = self.event("refunds", CASHIER_KEY).header("Idempotency-Key", key);
        self.ask(match amount {
            Some(amount) => event.json(json!({"amount": amount})),
            None => event,
        })
        .await
    }

    async fn outcome(&self, refund: usize, made: bool) -> Answer {
        self.ask(self.event(&format!("refunds/{refund}/outcome"), CASHIER_KEY).json(json!({"made": made}))).await
    }

    async fn look(&self) -> Value {
        let answer = self.ask(get(&format!("payments/{}", self.payment)).key(VIEWER_KEY)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["payment"].clone()
    }

    fn event(&self, action: &str, key: &str) -> Event {
        post(&format!("payments/{}/{action}", self.payment)).key(key)
    }

    async fn state(&self) -> String {
        self.story.state(&self.payment).await
    }

    async fn stored(&self) -> Value {
        self.story.payment(&self.payment).await
    }

    fn mokka(&self) -> MokkaOrder {
        self.story.environment.standins().mokka_order(&self.payment).unwrap()
    }

    /// How often the hold was changed since it was confirmed, when its end was moved.
    fn changes(&self) -> u32 {
        self.mokka().changes.saturating_sub(1)
    }

    /// The calls to Mokka since they were last forgotten, by their methods.
    fn called(&self) -> Vec<&'static str> {
        self.story.environment.standins().calls(Some(System::Mokka)).iter().map(|call| call.method).collect()
    }

    /// The calls that change something.
    fn changing(&self) -> Vec<&'static str> {
        self.called().into_iter().filter(|method| CHANGING.contains(method)).collect()
    }

    /// Before every call that changes something Mokka was asked how things stand.
    fn assert_asked_before_each(&self, context: &str) {
        let called = self.called();
        for (index, method) in called.iter().enumerate().filter(|(_, method)| CHANGING.contains(method)) {
            let before = index.checked_sub(1).and_then(|before| called.get(before));
            assert_eq!(before, Some(&"status"), "{context}: {method} in {called:?}");
        }
    }
}

fn post(path: &str) -> Event {
    Event::post(&format!("/v1/back-office/{path}"))
}

fn get(path: &str) -> Event {
    Event::new("GET", &format!("/v1/back-office/{path}"))
}

/// A change to `amount`.
fn cart(amount: &str) -> Value {
    json!({"amount": amount, "cart": [{"name": "Чайник «Өзгөн»", "price": "1500.00", "quantity": 2, "sku": "sku-1"}]})
}

/// Asserts status and code of a refusal.
#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str, context: &str) {
    let body = answer.json();
    let seen = (answer.status, body["success"].clone(), body["code"].clone());
    assert_eq!(seen, (status, json!(false), json!(code)), "{context}: {}", answer.body);
    assert!(body["error"].as_str().is_some_and(|text| text.len() > 10), "{context}: {}", answer.body);
}

/// Compares an answer with its snapshot; moments, addresses and random ids are whatever they are.
macro_rules! assert_answer {
    ($name:literal, $answer:expr) => {{
        let answer = $answer;
        insta::with_settings!({
            filters => vec![
                (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[at]"),
                (r"http://127\.0\.0\.1:\d+/mokka/form/[0-9A-Za-z]+", "[form]"),
                (r#""[0-9a-f]{32}""#, "\"[id]\""),
            ],
        }, { insta::assert_json_snapshot!($name, answer.json()) });
    }};
}
pub(crate) use assert_answer;
