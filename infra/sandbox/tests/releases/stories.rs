//! What a shop can have stored: every kind of item, every state of a payment, what is under way in it, and forms in each of
//! theirs. The order's uuid is the story's name, so that a reader of the files finds it.

use std::time::Duration;

use serde_json::{Value, json};
use shared::platform::clock::Timestamp;
use standins::{Decision, Fault, Options, System};

use testkit::TestEnvironment;

use crate::deployment::Deployment;

/// When the stories begin: 22 November 2026, 10:00 UTC.
const BEGIN: i64 = 1_795_341_600_000;

/// A document that the shop has made.
pub(crate) const DOCUMENT: &[u8] = b"%PDF-1.7\nA document of the shop's own.\n%%EOF\n";

const HOUR: Duration = Duration::from_hours(1);
const FIVE_MINUTES: Duration = Duration::from_mins(5);

/// A deployment in which everything has happened.
pub(crate) async fn told() -> Deployment {
    let deployment = Deployment::new(TestEnvironment::start_at(Timestamp::from_millis(BEGIN), Options::default()).await);
    the_day_before(&deployment).await;
    deployment.environment.advance(25 * HOUR);
    mismatch(&deployment).await;
    simple_ends(&deployment).await;
    under_way(&deployment).await;
    customers(&deployment).await;
    prices(&deployment).await;
    deployment.environment.poll_stream().await;
    untold(&deployment).await;
    forms(&deployment).await;
    // What is over goes now or never, so that nothing goes away in the middle of a test.
    deployment.environment.sweep();
    deployment
}

impl Deployment {
    /// An order and its payment on Mokka's page.
    async fn pending(&self, uuid: &str) -> String {
        let id = self.order(uuid).await;
        let (status, answer) = self.create(uuid, &id).await;
        assert_eq!((status, &answer["success"]), (200, &json!(true)), "{uuid}: {answer}");
        format!("{id}-1")
    }

    async fn held(&self, uuid: &str) -> String {
        let payment = self.pending(uuid).await;
        self.hold(&payment).await;
        payment
    }

    async fn captured(&self, uuid: &str) -> String {
        let payment = self.pending(uuid).await;
        self.decide(&payment, Decision::Approved).await;
        self.callback(&payment).await;
        assert_eq!(self.state(&payment).await, "captured", "{uuid}");
        payment
    }

    fn fault(&self, system: System, method: &str, fault: Fault) {
        self.environment.standins().fault(system, method, fault, 1).unwrap();
    }

    async fn is(&self, payment: &str, state: &str, unknown: bool) {
        let stored = self.payment(payment).await;
        assert_eq!((&stored["state"], &stored["unknown"]), (&json!(state), &json!(unknown)), "{stored:#}");
    }
}

/// What needs a day: parts are given back from the next day on, attempts run out.
async fn the_day_before(deployment: &Deployment) {
    for uuid in ["partially-refunded", "refund-unknown", "refund-refused"] {
        deployment.captured(uuid).await;
    }
    deployment.pending("expired").await;
    // Codes that are not entered.
    for number in 0..21 {
        let (status, answer) = deployment.form("callback", &format!("+996 770 10 00 {number:02}"), None).await;
        assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
    }
    deployment.environment.push_sms_reports().await;
    deployment.environment.advance(2 * FIVE_MINUTES);
    deployment.environment.watch_sms().await;
    deployment.environment.poll_stream().await;
}

/// Mokka holds another amount, for so long that a person is asked.
async fn mismatch(deployment: &Deployment) {
    let payment = deployment.pending("mismatch").await;
    deployment.decide(&payment, Decision::Approved).await;
    deployment.environment.standins().set_mokka_amount(&payment, "1.00").unwrap();
    deployment.callback(&payment).await;
    assert!(deployment.payment(&payment).await["mismatch"].is_string());
    deployment.environment.advance(HOUR + FIVE_MINUTES);
    deployment.environment.tick().await;
    deployment.environment.poll_stream().await;
    assert_eq!(deployment.payment(&payment).await["attention"], "open");
}

async fn simple_ends(deployment: &Deployment) {
    deployment.order("ordered").await;
    let (status, answer) = deployment.push("pushed", &pushed_order()).await;
    assert_eq!(status, 200, "{answer}");
    deployment.pending("pending").await;
    deployment.held("held").await;
    deployment.captured("captured").await;
    let payment = deployment.pending("declined").await;
    deployment.decide(&payment, Decision::Declined).await;
    deployment.callback(&payment).await;
    let payment = deployment.held("canceled").await;
    deployment.operate(&payment, "cancel", json!({})).await;
    deployment.is(&payment, "canceled", false).await;
    let payment = deployment.captured("refunded").await;
    deployment.refund(&payment, "all", json!({})).await;
    deployment.is(&payment, "refunded", false).await;
    let payment = deployment.held("changed").await;
    deployment.operate(&payment, "change", changed_cart()).await;
    deployment.is(&payment, "held", false).await;
    let (_, answer) =
        deployment.refund(&id_of(deployment, "partially-refunded").await, "part", json!({"amount": "300.00"})).await;
    assert_eq!(answer["payment"]["state"], "partially_refunded", "{answer}");
    deployment.fault(System::Mokka, "return", Fault::Status(32));
    deployment.refund(&id_of(deployment, "refund-refused").await, "part", json!({"amount": "300.00"})).await;
}

/// Calls without an answer, and captures that are not made yet.
async fn under_way(deployment: &Deployment) {
    let id = deployment.order("creating").await;
    deployment.fault(System::Mokka, "checkout", Fault::Http500);
    deployment.create("creating", &id).await;
    deployment.is(&format!("{id}-1"), "creating", true).await;
    for uuid in ["finishing", "finished-unheard"] {
        let payment = deployment.pending(uuid).await;
        deployment.decide(&payment, Decision::Approved).await;
        deployment.fault(System::Mokka, "finish", Fault::Http500);
        deployment.callback(&payment).await;
        deployment.is(&payment, "finishing", true).await;
    }
    // Mokka did it, and could not say so.
    let standins = deployment.environment.standins();
    standins.set_mokka_status(&id_of(deployment, "finished-unheard").await, "finished").unwrap();
    let payment = deployment.held("document").await;
    standins.fault(System::Mokka, "finish", Fault::Http500, 2).unwrap();
    deployment.finish_with_document(&payment, DOCUMENT).await;
    deployment.is(&payment, "finishing", true).await;
    for (uuid, action, body) in [("cancel-unknown", "cancel", json!({})), ("change-unknown", "change", changed_cart())] {
        let payment = deployment.held(uuid).await;
        standins.fault(System::Mokka, action, Fault::Http500, 2).unwrap();
        deployment.operate(&payment, action, body).await;
        deployment.is(&payment, "held", true).await;
    }
    standins.set_mokka_status(&id_of(deployment, "cancel-unknown").await, "canceled").unwrap();
    standins.set_mokka_amount(&id_of(deployment, "change-unknown").await, "2000.00").unwrap();
    let payment = id_of(deployment, "refund-unknown").await;
    deployment.fault(System::Mokka, "return", Fault::AnswerLost);
    deployment.refund(&payment, "part", json!({"amount": "300.00"})).await;
    deployment.is(&payment, "captured", true).await;
}

/// Requests for a limit, one of them decided.
async fn customers(deployment: &Deployment) {
    for decided in [false, true] {
        let body = json!({"redirect_url": "https://shop.example/limit", "phone": "+7 (888) 000-11-22"});
        let (status, answer) =
            deployment.call("POST", "/v1/back-office/registrations", testkit::settings::OPERATOR_KEY, &body).await;
        assert_eq!(status, 200, "{answer}");
        if decided {
            let id = answer["registration_id"].as_str().unwrap_or_else(|| panic!("{answer}"));
            let (status, answer) = register(deployment, id).await;
            assert_eq!(status, 200, "{answer}");
        }
    }
}

/// Mokka says that a customer has a limit.
pub(crate) async fn register(deployment: &Deployment, id: &str) -> (u16, Value) {
    let registration = deployment.environment.standins().mokka_registration(id).unwrap();
    let path = url::Url::parse(&registration.callback_url).unwrap().path().to_owned();
    deployment.call("POST", &path, "none", &json!({"order_id": id, "decision": "approved", "amount": "50000.00"})).await
}

async fn prices(deployment: &Deployment) {
    deployment.environment.load_prices().await;
    let (status, answer) = deployment.imshop("/v1/payments", cart()).await;
    assert_eq!(status, 200, "{answer}");
}

/// IMSHOP does not listen.
async fn untold(deployment: &Deployment) {
    let payment = deployment.pending("untold").await;
    deployment.environment.standins().imshop_refuses(payment.trim_end_matches("-1"), Some(500)).unwrap();
    deployment.decide(&payment, Decision::Approved).await;
    deployment.callback(&payment).await;
    deployment.environment.poll_stream().await;
    assert!(deployment.payment(&payment).await["tell_failures"].as_u64() > Some(0));
}

async fn forms(deployment: &Deployment) {
    // Entered, and refused by the shop when the customer had left.
    deployment.form("callback", "+996 770 20 00 02", None).await;
    deployment.fault(System::Shop, "forms", Fault::Http500);
    deployment.form("callback", "+996 770 20 00 02", Some(&deployment.code("996770200002"))).await;
    deployment.environment.advance(FIVE_MINUTES);
    deployment.fault(System::Shop, "forms", Fault::Refused);
    deployment.environment.deliver_forms().await;
    // Entered, and at the shop.
    deployment.form("callback", "+996 770 20 00 01", None).await;
    let (_, answer) = deployment.form("callback", "+996 770 20 00 01", Some(&deployment.code("996770200001"))).await;
    assert_eq!(answer["success"], json!(true), "{answer}");
    // Entered, and waiting for the shop.
    deployment.form("callback", "+996 770 20 00 03", None).await;
    deployment.fault(System::Shop, "forms", Fault::Http500);
    let (_, answer) = deployment.form("callback", "+996 770 20 00 03", Some(&deployment.code("996770200003"))).await;
    assert_eq!(answer["success"], json!(true), "{answer}");
    // Without a code.
    deployment.form("feedback", "+996 770 20 00 04", None).await;
    // Sent, and one wrong try.
    deployment.form("callback", "+996 770 20 00 05", None).await;
    deployment.form("callback", "+996 770 20 00 05", Some("000")).await;
    // It is unknown whether it was sent.
    deployment.fault(System::Smspro, "send", Fault::Http500);
    deployment.form("callback", "+996 770 20 00 06", None).await;
}

/// The id of a story's first payment.
pub(crate) async fn id_of(deployment: &Deployment, uuid: &str) -> String {
    let order =
        deployment.environment.item("order-holds", &format!("order#{uuid}")).await.unwrap_or_else(|| panic!("no order {uuid}"));
    format!("{}-1", order["order_id"].as_str().unwrap())
}

pub(crate) fn cart() -> Value {
    json!({"items": [{"configurationId": "kettle-1", "quantity": 1, "price": 4990}]})
}

fn changed_cart() -> Value {
    json!({"amount": "2000.00", "cart": [{"name": "Чайник", "price": "1000.00", "quantity": 2}]})
}

fn pushed_order() -> Value {
    json!({"orderId": "2001", "publicId": "B-2001", "amount": "4990.00", "currency": "RUB", "phone": "+7 (888) 000-11-22",
        "email": "aigul@shop.example", "name": "Айгуль Примерова", "checkNumber": "000017",
        "checkLink": "https://receipts.example/000017", "items": [{"sku": "KETTLE-17", "name": "Чайник", "quantity": 1,
        "price": "4990.00", "subtotal": "4990.00"}]})
}
