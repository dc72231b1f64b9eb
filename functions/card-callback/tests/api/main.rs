//! Payments by card and by SBP from outside, against the strict stand-in of YooKassa: HTTP events in; answers, stored state and calls out.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod capture;
mod counts;
mod crash;
mod create;
mod faults;
mod gone;
mod health;
mod notifications;
mod operate;
mod other_method;
mod receipts;
mod sbp;
mod stages;

use std::time::Duration;

use serde_json::{Value, json};
use shared::payments::texts;
use shared::platform::clock::Timestamp;
use standins::{CabinetAct, CardDecision, CardOutcome, Fault, Options, StandIns, System};
use testkit::settings::{CASHIER_KEY, IMSHOP_KEY, OPERATOR_KEY, WITH_CARDS};
use testkit::{Answer, Cast, Event, Function, Placed, http, worker};

/// What the order of a story costs.
const AMOUNT: &str = "3250.00";

/// The functions of these tests.
struct Here;

impl Cast for Here {
    fn functions() -> Vec<Function> {
        vec![http!(orders), http!(acquiring), http!(mokka_callback), http!(card_callback), http!(back_office), worker!(reconcile)]
    }
}

type Story = testkit::Story<Here>;

/// An order, and its payment by card.
struct Shop {
    story: Story,
    order: Placed,
    payment: String,
}

impl Shop {
    /// The order is placed.
    async fn open() -> Self {
        Self::with(&[]).await
    }

    /// The same with other settings.
    async fn with(changes: &[(&str, &str)]) -> Self {
        let changes: Vec<_> = [("PAYMENTS_CONFIG", WITH_CARDS)].iter().chain(changes).copied().collect();
        let story = Story::start_with(Options::default(), &changes).await;
        let order = story.order().await;
        let payment = order.payment(1);
        Self { story, order, payment }
    }

    /// The customer is on YooKassa's page.
    async fn pending() -> Self {
        let shop = Self::open().await;
        shop.opened().await;
        shop
    }

    /// The money is captured.
    async fn captured() -> Self {
        let shop = Self::pending().await;
        shop.pay(CardDecision::Paid).await;
        assert_eq!(shop.capture().await, json!({"success": true, "paymentId": shop.payment, "paymentCaptured": true}));
        shop.forget_calls();
        shop
    }

    fn standins(&self) -> &StandIns {
        self.story.environment.standins()
    }

    async fn create_by(&self, method: &str) -> Answer {
        self.create_for(&self.order, method).await
    }

    async fn create_for(&self, order: &Placed, method: &str) -> Answer {
        let body = json!({
            "command": "create",
            "paymentMethodId": method,
            "orderUuid": order.uuid,
            "orderId": order.id,
            "returnUrl": "imshop://payment/failed"
        });
        self.story.acquiring(Event::post("/v1/acquiring").key(IMSHOP_KEY).json(body).rest()).await
    }

    async fn create(&self) -> Value {
        self.create_by("yookassa/card").await.json()
    }

    async fn opened(&self) -> Value {
        let created = self.create().await;
        assert_eq!(created["success"], json!(true), "{created}");
        self.forget_calls();
        created
    }

    async fn capture(&self) -> Value {
        let body = json!({"command": "capture", "paymentMethodId": "yookassa/card", "paymentId": self.payment});
        self.story.acquiring(Event::post("/v1/acquiring").key(IMSHOP_KEY).json(body).rest()).await.json()
    }

    /// Every payment at YooKassa, oldest first.
    fn theirs(&self) -> Vec<Value> {
        self.standins().yookassa_payments()
    }

    /// The only one.
    fn their(&self) -> Value {
        let theirs = self.theirs();
        let [only] = theirs.as_slice() else { panic!("one payment at YooKassa, not {theirs:?}") };
        only.clone()
    }

    fn their_id(&self) -> String {
        self.their()["id"].as_str().unwrap().to_owned()
    }

    /// The customer, or the bank, does something, and no notification comes.
    async fn pay(&self, decision: CardDecision) {
        let outcome = CardOutcome { notify: false, ..CardOutcome::new(decision) };
        self.standins().decide_yookassa(&self.their_id(), &outcome).await.unwrap();
    }

    async fn decline(&self, reason: &str) {
        let outcome = CardOutcome { notify: false, reason: Some(reason.to_owned()), ..CardOutcome::new(CardDecision::Declined) };
        self.standins().decide_yookassa(&self.their_id(), &outcome).await.unwrap();
    }

    /// The path of the page to which YooKassa sends the customer's browser.
    async fn return_path(&self) -> String {
        let token = self.stored().await["return_token"].as_str().unwrap().to_owned();
        format!("/v1/return/{}/{token}", self.payment)
    }

    async fn come_back(&self, path: &str) -> Answer {
        self.story.mokka(Event::new("GET", path).rest()).await
    }

    async fn state(&self) -> String {
        self.story.state(&self.payment).await
    }

    async fn stored(&self) -> Value {
        self.story.payment(&self.payment).await
    }

    fn forget_calls(&self) {
        self.standins().forget_calls();
    }

    /// The methods of the calls to YooKassa, in order.
    fn called(&self) -> Vec<&'static str> {
        self.standins().calls(Some(System::Yookassa)).into_iter().map(|call| call.method).collect()
    }

    fn fault(&self, method: &str, fault: &str, times: u32) {
        self.standins().fault(System::Yookassa, method, fault.parse::<Fault>().unwrap(), times).unwrap();
    }

    /// A notification with the object as YooKassa has it now.
    async fn notify(&self, event: &str) -> Answer {
        self.notify_of(event, self.their()).await
    }

    async fn notify_of(&self, event: &str, object: Value) -> Answer {
        self.send(json!({"type": "notification", "event": event, "object": object}), "127.0.0.1").await
    }

    async fn send(&self, body: Value, sender: &str) -> Answer {
        let mut event = Event::post("/v1/cards/yookassa").json(body).rest();
        event["requestContext"]["identity"]["sourceIp"] = json!(sender);
        self.story.environment.call("card-callback", event).await
    }

    async fn back_office(&self, command: &str, key: &str, body: Option<Value>) -> Answer {
        let event = Event::post(&format!("/v1/back-office/payments/{}/{command}", self.payment)).key(key);
        let event = event.header("Idempotency-Key", command);
        self.story.back_office(body.map_or_else(|| event.clone(), |body| event.clone().json(body)).rest()).await
    }

    async fn refund(&self, key: &str, amount: Option<&str>) -> Answer {
        let event = Event::post(&format!("/v1/back-office/payments/{}/refunds", self.payment)).key(CASHIER_KEY);
        let event = event.header("Idempotency-Key", key);
        let body = amount.map_or_else(|| json!({}), |amount| json!({"amount": amount}));
        self.story.back_office(event.json(body).rest()).await
    }

    /// Lets the schedule run for so long: a run in a minute, later one in five.
    async fn wait(&self, minutes: u64) {
        let mut left = minutes;
        while left > 0 {
            let step = if left > 10 { 5 } else { 1 };
            self.story.environment.advance(Duration::from_mins(step));
            self.story.environment.tick().await;
            left -= step;
        }
    }
}

fn failed(shop: &Shop, text: &str) -> Value {
    json!({"success": false, "paymentId": shop.payment, "paymentCaptured": false, "error": text})
}
