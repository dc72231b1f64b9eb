//! The main job as tests tell it: an order, its payment, what Mokka says, what IMSHOP asks.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use shared::platform::clock::Timestamp;
use standins::{Decision, Options};
use url::Url;

use crate::settings::IMSHOP_KEY;
use crate::{Answer, Event, Function, TestEnvironment, canary};

/// Which functions there are in a story.
pub trait Cast: Send + Sync + 'static {
    /// All of them.
    fn functions() -> Vec<Function>;
}

/// The functions of the main job in one environment: those of `C`.
pub struct Story<C> {
    /// Everything around them.
    pub environment: TestEnvironment,
    placed: AtomicU32,
    cast: PhantomData<C>,
}

/// An order that the shop has accepted.
#[derive(Clone, Debug)]
pub struct Placed {
    /// IMSHOP's id.
    pub uuid: String,
    /// The shop's id.
    pub id: String,
}

impl Placed {
    /// The id of an attempt to pay it.
    #[must_use]
    pub fn payment(&self, attempt: u32) -> String {
        format!("{}-{attempt}", self.id)
    }
}

impl<C: Cast> Story<C> {
    /// The functions with the sandbox's settings.
    pub async fn start() -> Self {
        Self::start_with(Options::default(), &[]).await
    }

    /// With other stand-ins, and some settings changed.
    pub async fn start_with(options: Options, changes: &[(&str, &str)]) -> Self {
        Self::of(TestEnvironment::start_with(options).await, changes)
    }

    /// On a day that matters.
    pub async fn start_at(moment: Timestamp, changes: &[(&str, &str)]) -> Self {
        Self::of(TestEnvironment::start_at(moment, Options::default()).await, changes)
    }

    fn of(environment: TestEnvironment, changes: &[(&str, &str)]) -> Self {
        Self { environment: environment.with(C::functions(), changes), placed: AtomicU32::new(0), cast: PhantomData }
    }

    /// Gives an event to `orders`.
    pub async fn orders(&self, event: Value) -> Answer {
        self.environment.call("orders", event).await
    }

    /// Gives an event to `acquiring`.
    pub async fn acquiring(&self, event: Value) -> Answer {
        self.environment.call("acquiring", event).await
    }

    /// Gives an event to `mokka-callback`.
    pub async fn mokka(&self, event: Value) -> Answer {
        self.environment.call("mokka-callback", event).await
    }

    /// Gives an event to `back-office`.
    pub async fn back_office(&self, event: Value) -> Answer {
        self.environment.call("back-office", event).await
    }

    /// The body of an order creation: 2 × 1500.00 + 250.00 delivery at the stand-in's prices.
    #[must_use]
    pub fn order_request(uuid: &str) -> Value {
        json!({
            "installId": "install-of-a-test",
            "orders": [{
                "uuid": uuid,
                "name": canary::NAME,
                "phone": canary::PHONE,
                "email": canary::EMAIL,
                "city": "Бишкек",
                "address": canary::ADDRESS,
                "delivery": "courier/1",
                "deliveryPrice": 250,
                "payment": "mokka",
                "items": [{"id": "i-1", "configurationId": "sku-1", "privateId": "p-1", "name": "Чайник «Өзгөн»", "quantity": 2}]
            }]
        })
    }

    /// Places an order through IMSHOP's webhook.
    pub async fn order(&self) -> Placed {
        let uuid = format!("order-uuid-{}", self.placed.fetch_add(1, Ordering::SeqCst) + 1);
        let answer = self.orders(Event::post("/v1/orders").key(IMSHOP_KEY).json(Self::order_request(&uuid)).rest()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let id = answer.json()["orders"][0]["id"].as_str().expect("the shop gives an id").to_owned();
        Placed { uuid, id }
    }

    #[must_use]
    pub fn create_event(order: &Placed) -> Value {
        let body = json!({
            "command": "create",
            "paymentMethodId": "mokka",
            "orderUuid": order.uuid,
            "orderId": order.id,
            "returnUrl": "imshop://payment/failed"
        });
        Event::post("/v1/acquiring").key(IMSHOP_KEY).json(body).rest()
    }

    /// IMSHOP's `create`.
    pub async fn create(&self, order: &Placed) -> Answer {
        self.acquiring(Self::create_event(order)).await
    }

    #[must_use]
    pub fn capture_event(payment_id: &str) -> Value {
        let body = json!({"command": "capture", "paymentMethodId": "mokka", "paymentId": payment_id});
        Event::post("/v1/acquiring").key(IMSHOP_KEY).json(body).rest()
    }

    /// IMSHOP's `capture`.
    pub async fn capture(&self, payment_id: &str) -> Answer {
        self.acquiring(Self::capture_event(payment_id)).await
    }

    /// The customer's decision on Mokka's form, without the callback.
    pub async fn decide(&self, payment_id: &str, decision: Decision) {
        self.environment.standins().decide(payment_id, decision, false, 1).await.expect("Mokka knows the order");
    }

    /// The event of Mokka's callback for a payment, at the address that Mokka was given.
    #[must_use]
    pub fn callback_event(&self, payment_id: &str, decision: &str) -> Value {
        let order = self.environment.standins().mokka_order(payment_id).expect("Mokka knows the order");
        let url = Url::parse(&order.callback_url).expect("a URL");
        let amount = if decision == "approved" { order.amount.as_str() } else { "0.00" };
        let mut body = json!({"order_id": payment_id, "decision": decision, "amount": amount, "term": 3});
        if order.prepayment_amount.is_some() {
            let said = if decision == "approved" { Decision::Approved } else { Decision::Declined };
            body = self.environment.standins().mokka_callback(payment_id, said).expect("Mokka knows the order");
        }
        Event::post(url.path()).json(body).rest()
    }

    /// Mokka's callback.
    pub async fn callback(&self, payment_id: &str, decision: &str) -> Answer {
        self.mokka(self.callback_event(payment_id, decision)).await
    }

    /// The customer's browser comes back.
    pub async fn come_back(&self, payment_id: &str) -> Answer {
        self.mokka(Event::new("GET", &self.return_path(payment_id)).rest()).await
    }

    /// The path to which Mokka sends the customer's browser.
    #[must_use]
    pub fn return_path(&self, payment_id: &str) -> String {
        let order = self.environment.standins().mokka_order(payment_id).expect("Mokka knows the order");
        Url::parse(&order.redirect_url).expect("a URL").path().to_owned()
    }

    /// Makes a payment one that a release without tokens of the return page opened, its page known to Mokka by the address of then.
    pub async fn open_without_return_token(&self, payment_id: &str) {
        self.environment.forget("order-holds", &format!("payment#{payment_id}"), "return_token").await;
    }

    /// The stored payment.
    pub async fn payment(&self, payment_id: &str) -> Value {
        self.environment.item("order-holds", &format!("payment#{payment_id}")).await.unwrap_or_default()
    }

    /// The stored state of a payment.
    pub async fn state(&self, payment_id: &str) -> String {
        self.payment(payment_id).await["state"].as_str().unwrap_or_default().to_owned()
    }
}
