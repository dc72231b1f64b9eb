//! Fiscal receipts: parts of a hold, parts that are given back, second receipts, against a YooKassa that checks every receipt.

mod finish;
mod refunds;
mod register;
mod second;

use std::time::Duration;

use serde_json::{Map, Value, json};
use standins::{CardDecision, CardOutcome, Fault, Options, StandIns, System};
use testkit::settings::{CASHIER_KEY, IMSHOP_KEY, OPERATOR_KEY, WITH_CARDS};
use testkit::{Answer, Event, canary, written};

use crate::{Shop, Story, assert_refused, get, post};

/// What the order of these tests costs: 2 × 1500.00 + 3 × 100.10 + 250.00 of delivery, less 50.00.
const TOTAL: &str = "3500.30";
const SECTION: &str =
    "\n[gateways.yookassa.receipt]\ntaxSystem = 2\nvat = \"20\"\nvatCodes = { \"20\" = 4, \"10\" = 3, none = 1 }\n";

/// The sandbox's ways to pay, with receipts, and with more of this in their section.
fn configured(name: &str, more: &str) -> String {
    configured_for("on_shipment", name, more)
}

/// The same, where holds are captured at once.
fn configured_at_once() -> String {
    configured_for("on_hold", "receipts-at-once.toml", "")
}

fn configured_for(policy: &str, name: &str, more: &str) -> String {
    let text = std::fs::read_to_string(WITH_CARDS).unwrap();
    let (before, methods) = text.split_once("\n[[method]]").unwrap();
    let before = before.replace("finish = \"on_hold\"", &format!("finish = \"{policy}\""));
    written(env!("CARGO_TARGET_TMPDIR"), name, &format!("{before}{SECTION}{more}\n[[method]]{methods}"))
}

fn order_request(uuid: &str) -> Value {
    let mut request = Story::order_request(uuid);
    request["orders"][0]["authorizedBonuses"] = json!(50);
    request["orders"][0]["items"] = json!([
        {"id": "i-1", "configurationId": "kettle", "privateId": "p-1", "name": "Чайник", "quantity": 2, "price": 1500},
        {"id": "i-2", "configurationId": "bowl", "privateId": "p-2", "name": "Пиала", "quantity": 3, "price": 100.10, "vat": "10"}
    ]);
    request
}

/// A shop whose receipts YooKassa makes, and an order that the customer pays there.
struct Till {
    shop: Shop,
}

impl Till {
    /// The customer is on YooKassa's page.
    async fn pending() -> Self {
        Self::with(&configured("receipts.toml", "")).await
    }

    /// The same with other ways to pay.
    async fn with(config: &str) -> Self {
        let options = Options { yookassa_register: Some("atol".to_owned()), ..Options::default() };
        let story = Story::start_with(options, &[("PAYMENTS_CONFIG", config)]).await;
        let answer = story.orders(Event::post("/v1/orders").key(IMSHOP_KEY).json(order_request("order-uuid-1")).rest()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let id = answer.json()["orders"][0]["id"].as_str().unwrap().to_owned();
        let order = testkit::Placed { uuid: "order-uuid-1".to_owned(), id };
        let body = json!({"command": "create", "paymentMethodId": "yookassa/card", "orderUuid": order.uuid, "orderId": order.id,
            "returnUrl": "imshop://payment/failed"});
        let created = story.acquiring(Event::post("/v1/acquiring").key(IMSHOP_KEY).json(body).rest()).await.json();
        assert_eq!(created["success"], json!(true), "{created}");
        let payment = order.payment(1);
        Self { shop: Shop { story, order, payment } }
    }

    /// The money is held.
    async fn held() -> Self {
        Self::pending().await.paid().await
    }

    /// The money is captured.
    async fn captured() -> Self {
        Self::held().await.shipped().await
    }

    /// The customer has paid, and nobody has told us.
    async fn hold_unnoticed(&self) {
        let outcome = CardOutcome { notify: false, ..CardOutcome::new(CardDecision::Held) };
        self.standins().decide_yookassa(&self.their_id(), &outcome).await.unwrap();
        self.standins().forget_calls();
    }

    async fn paid(self) -> Self {
        self.hold_unnoticed().await;
        let seen = self.shop.settle().await;
        assert_eq!((seen.status, &seen.json()["payment"]["state"]), (200, &json!("held")), "{}", seen.body);
        self.standins().forget_calls();
        self
    }

    async fn shipped(self) -> Self {
        let finished = self.shop.finish().await;
        assert_eq!((finished.status, &finished.json()["payment"]["state"]), (200, &json!("captured")), "{}", finished.body);
        self.standins().forget_calls();
        self
    }

    fn standins(&self) -> &StandIns {
        self.shop.story.environment.standins()
    }

    fn their(&self) -> Value {
        self.standins().yookassa_payments().remove(0)
    }

    fn their_id(&self) -> String {
        self.their()["id"].as_str().unwrap().to_owned()
    }

    async fn finish(&self, body: Value) -> Answer {
        self.shop.ask(self.shop.event("finish", OPERATOR_KEY).json(body)).await
    }

    async fn refund(&self, key: &str, body: Value) -> Answer {
        self.shop.ask(self.shop.event("refunds", CASHIER_KEY).header("Idempotency-Key", key).json(body)).await
    }

    async fn second_receipt(&self) -> Answer {
        self.shop.ask(self.shop.event("receipts", OPERATOR_KEY)).await
    }

    /// The bodies of the calls to this method of YooKassa, oldest first.
    fn asked(&self, method: &str) -> Vec<Value> {
        self.standins().calls_to(System::Yookassa, method).into_iter().map(|call| call.body).collect()
    }

    /// The only one.
    #[track_caller]
    fn only(&self, method: &str) -> Value {
        let mut asked = self.asked(method);
        assert_eq!(asked.len(), 1, "{method}: {asked:?}");
        asked.remove(0)
    }

    /// Nothing that changes something was asked of YooKassa.
    #[track_caller]
    fn assert_nothing_called(&self, context: &str) {
        let calls = self.standins().calls(Some(System::Yookassa));
        let called: Vec<_> = calls.iter().map(|call| call.method).filter(|method| *method != "get").collect();
        assert_eq!(called, [""; 0], "{context}");
    }

    fn fault(&self, method: &str, fault: &str) {
        self.standins().fault(System::Yookassa, method, fault.parse::<Fault>().unwrap(), 1).unwrap();
    }

    fn show(&self, fields: &Value) {
        self.standins().set_yookassa_fields(&self.their_id(), fields.as_object().cloned().unwrap_or_else(Map::new)).unwrap();
    }

    /// The customer is forgotten.
    async fn forget_customer(&self) {
        self.shop.story.environment.advance(Duration::from_hours(1));
        let erased = post("erasures").key(OPERATOR_KEY).json(json!({"phone": canary::PHONE}));
        let answer = self.shop.ask(erased).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let order = self.shop.story.environment.item("order-holds", &format!("order#{}", self.shop.order.uuid)).await.unwrap();
        assert_eq!((order.get("email"), order.get("phone")), (None, None), "{order}");
    }

    /// The lines as the back office shows them: sku, quantity, amount.
    async fn lines(&self) -> Value {
        shown_lines(&self.shop.look().await)
    }

    /// Lets the schedule run every five minutes for so long.
    async fn wait(&self, minutes: u64) {
        for _ in 0..minutes / 5 {
            self.shop.story.environment.advance(Duration::from_mins(5));
            self.shop.story.environment.tick().await;
        }
    }

    /// The ids on the list for manual review.
    async fn review_list(&self) -> Value {
        let listed = self.shop.ask(get("payments").query("attention", "true").key(testkit::settings::VIEWER_KEY)).await;
        assert_eq!(listed.status, 200, "{}", listed.body);
        listed.json()["payments"].as_array().unwrap().iter().map(|payment| payment["payment_id"].clone()).collect()
    }
}

fn shown_lines(payment: &Value) -> Value {
    let lines = payment["receipts"]["lines"].as_array().unwrap();
    lines.iter().map(|line| json!([line["sku"], line["quantity"], line["amount"]])).collect()
}

/// What the items of a receipt are: quantity, price of one, VAT code, mode.
fn items(receipt: &Value) -> Vec<(&str, &str, i64, &str)> {
    let items = receipt["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            let text = |value: &'_ Value| value.as_str().unwrap_or_default().len();
            assert!((1..=128).contains(&text(&item["description"])), "{item}");
            (
                item["quantity"].as_str().unwrap(),
                item["amount"]["value"].as_str().unwrap(),
                item["vat_code"].as_i64().unwrap(),
                item["payment_mode"].as_str().unwrap(),
            )
        })
        .collect()
}

/// What the items of a receipt sum up to, in kopecks.
fn sum(receipt: &Value) -> i64 {
    let thousandths = |text: &str| {
        let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
        format!("{whole}{rest:0<3}").parse::<i64>().unwrap()
    };
    let sum: i64 = items(receipt).iter().map(|(quantity, price, _, _)| thousandths(quantity) * kopecks(price)).sum();
    assert_eq!(sum % 1000, 0, "{receipt}");
    sum / 1000
}

fn kopecks(amount: &str) -> i64 {
    amount.replace('.', "").parse().unwrap()
}

fn of(sku: &str, quantity: u32) -> Value {
    json!({"lines": [{"sku": sku, "quantity": quantity}]})
}
