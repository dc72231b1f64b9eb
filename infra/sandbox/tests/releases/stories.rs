//! What a shop can have stored: every kind of item, every state of a payment, what is under way in it, and forms in each of
//! theirs. The order's uuid is the story's name, so that a reader of the files finds it.

use std::time::Duration;

use serde_json::{Value, json};
use shared::platform::clock::Timestamp;
use standins::{Decision, Fault, Options, System};

use testkit::World;

use crate::house::House;

/// When the stories begin: 22 November 2026, 10:00 UTC.
const BEGIN: i64 = 1_795_341_600_000;

/// A document that the shop has made.
pub(crate) const DOCUMENT: &[u8] = b"%PDF-1.7\nA document of the shop's own.\n%%EOF\n";

const HOUR: Duration = Duration::from_hours(1);
const FIVE_MINUTES: Duration = Duration::from_mins(5);

/// A house in which everything has happened.
pub(crate) async fn told() -> House {
    let house = House::new(World::start_at(Timestamp::from_millis(BEGIN), Options::default()).await);
    the_day_before(&house).await;
    house.world.advance(25 * HOUR);
    mismatch(&house).await;
    simple_ends(&house).await;
    under_way(&house).await;
    customers(&house).await;
    prices(&house).await;
    house.world.pump().await;
    untold(&house).await;
    forms(&house).await;
    // What is over goes now or never, so that nothing goes away in the middle of a test.
    house.world.sweep();
    house
}

impl House {
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
        self.world.standins().fault(system, method, fault, 1).unwrap();
    }

    async fn is(&self, payment: &str, state: &str, unknown: bool) {
        let stored = self.payment(payment).await;
        assert_eq!((&stored["state"], &stored["unknown"]), (&json!(state), &json!(unknown)), "{stored:#}");
    }
}

/// What needs a day: parts are given back from the next day on, attempts run out.
async fn the_day_before(house: &House) {
    for uuid in ["partially-refunded", "refund-unknown", "refund-refused"] {
        house.captured(uuid).await;
    }
    house.pending("expired").await;
    // Codes that nobody enters.
    for number in 0..21 {
        let (status, answer) = house.form("callback", &format!("+996 770 10 00 {number:02}"), None).await;
        assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
    }
    house.world.push_sms_reports().await;
    house.world.advance(2 * FIVE_MINUTES);
    house.world.watch_sms().await;
    house.world.pump().await;
}

/// Mokka holds another amount, for so long that a person is asked.
async fn mismatch(house: &House) {
    let payment = house.pending("mismatch").await;
    house.decide(&payment, Decision::Approved).await;
    house.world.standins().set_mokka_amount(&payment, "1.00").unwrap();
    house.callback(&payment).await;
    assert!(house.payment(&payment).await["mismatch"].is_string());
    house.world.advance(HOUR + FIVE_MINUTES);
    house.world.tick().await;
    house.world.pump().await;
    assert_eq!(house.payment(&payment).await["attention"], "open");
}

async fn simple_ends(house: &House) {
    house.order("ordered").await;
    let (status, answer) = house.push("pushed", &pushed_order()).await;
    assert_eq!(status, 200, "{answer}");
    house.pending("pending").await;
    house.held("held").await;
    house.captured("captured").await;
    let payment = house.pending("declined").await;
    house.decide(&payment, Decision::Declined).await;
    house.callback(&payment).await;
    let payment = house.held("canceled").await;
    house.operate(&payment, "cancel", json!({})).await;
    house.is(&payment, "canceled", false).await;
    let payment = house.captured("refunded").await;
    house.refund(&payment, "all", json!({})).await;
    house.is(&payment, "refunded", false).await;
    let payment = house.held("changed").await;
    house.operate(&payment, "change", changed_cart()).await;
    house.is(&payment, "held", false).await;
    let (_, answer) = house.refund(&id_of(house, "partially-refunded").await, "part", json!({"amount": "300.00"})).await;
    assert_eq!(answer["payment"]["state"], "partially_refunded", "{answer}");
    house.fault(System::Mokka, "return", Fault::Status(32));
    house.refund(&id_of(house, "refund-refused").await, "part", json!({"amount": "300.00"})).await;
}

/// Calls without an answer, and captures that are not made yet.
async fn under_way(house: &House) {
    let id = house.order("creating").await;
    house.fault(System::Mokka, "checkout", Fault::Http500);
    house.create("creating", &id).await;
    house.is(&format!("{id}-1"), "creating", true).await;
    for uuid in ["finishing", "finished-unheard"] {
        let payment = house.pending(uuid).await;
        house.decide(&payment, Decision::Approved).await;
        house.fault(System::Mokka, "finish", Fault::Http500);
        house.callback(&payment).await;
        house.is(&payment, "finishing", true).await;
    }
    // Mokka did it, and could not say so.
    let standins = house.world.standins();
    standins.set_mokka_status(&id_of(house, "finished-unheard").await, "finished").unwrap();
    let payment = house.held("document").await;
    standins.fault(System::Mokka, "finish", Fault::Http500, 2).unwrap();
    house.finish_with_document(&payment, DOCUMENT).await;
    house.is(&payment, "finishing", true).await;
    for (uuid, action, body) in [("cancel-unknown", "cancel", json!({})), ("change-unknown", "change", changed_cart())] {
        let payment = house.held(uuid).await;
        standins.fault(System::Mokka, action, Fault::Http500, 2).unwrap();
        house.operate(&payment, action, body).await;
        house.is(&payment, "held", true).await;
    }
    standins.set_mokka_status(&id_of(house, "cancel-unknown").await, "canceled").unwrap();
    standins.set_mokka_amount(&id_of(house, "change-unknown").await, "2000.00").unwrap();
    let payment = id_of(house, "refund-unknown").await;
    house.fault(System::Mokka, "return", Fault::AnswerLost);
    house.refund(&payment, "part", json!({"amount": "300.00"})).await;
    house.is(&payment, "captured", true).await;
}

/// Requests for a limit, one of them decided.
async fn customers(house: &House) {
    for decided in [false, true] {
        let body = json!({"redirect_url": "https://shop.example/limit", "phone": "+7 (888) 000-11-22"});
        let (status, answer) = house.call("POST", "/v1/back-office/registrations", testkit::settings::OPERATOR_KEY, &body).await;
        assert_eq!(status, 200, "{answer}");
        if decided {
            let id = answer["registration_id"].as_str().unwrap_or_else(|| panic!("{answer}"));
            let (status, answer) = register(house, id).await;
            assert_eq!(status, 200, "{answer}");
        }
    }
}

/// Mokka says that a customer has a limit.
pub(crate) async fn register(house: &House, id: &str) -> (u16, Value) {
    let registration = house.world.standins().mokka_registration(id).unwrap();
    let path = url::Url::parse(&registration.callback_url).unwrap().path().to_owned();
    house.call("POST", &path, "none", &json!({"order_id": id, "decision": "approved", "amount": "50000.00"})).await
}

async fn prices(house: &House) {
    house.world.load_prices().await;
    let (status, answer) = house.imshop("/v1/payments", cart()).await;
    assert_eq!(status, 200, "{answer}");
}

/// IMSHOP does not listen.
async fn untold(house: &House) {
    let payment = house.pending("untold").await;
    house.world.standins().imshop_refuses(payment.trim_end_matches("-1"), Some(500)).unwrap();
    house.decide(&payment, Decision::Approved).await;
    house.callback(&payment).await;
    house.world.pump().await;
    assert!(house.payment(&payment).await["tell_failures"].as_u64() > Some(0));
}

async fn forms(house: &House) {
    // Entered, and refused by the shop when nobody waited any more.
    house.form("callback", "+996 770 20 00 02", None).await;
    house.fault(System::Shop, "forms", Fault::Http500);
    house.form("callback", "+996 770 20 00 02", Some(&house.code("996770200002"))).await;
    house.world.advance(FIVE_MINUTES);
    house.fault(System::Shop, "forms", Fault::Refused);
    house.world.deliver_forms().await;
    // Entered, and at the shop.
    house.form("callback", "+996 770 20 00 01", None).await;
    let (_, answer) = house.form("callback", "+996 770 20 00 01", Some(&house.code("996770200001"))).await;
    assert_eq!(answer["success"], json!(true), "{answer}");
    // Entered, and waiting for the shop.
    house.form("callback", "+996 770 20 00 03", None).await;
    house.fault(System::Shop, "forms", Fault::Http500);
    let (_, answer) = house.form("callback", "+996 770 20 00 03", Some(&house.code("996770200003"))).await;
    assert_eq!(answer["success"], json!(true), "{answer}");
    // Without a code.
    house.form("feedback", "+996 770 20 00 04", None).await;
    // Sent, and one wrong try.
    house.form("callback", "+996 770 20 00 05", None).await;
    house.form("callback", "+996 770 20 00 05", Some("000")).await;
    // Nobody knows whether it was sent.
    house.fault(System::Smspro, "send", Fault::Http500);
    house.form("callback", "+996 770 20 00 06", None).await;
}

/// The id of a story's first payment.
pub(crate) async fn id_of(house: &House, uuid: &str) -> String {
    let order = house.world.item("order-holds", &format!("order#{uuid}")).await.unwrap_or_else(|| panic!("no order {uuid}"));
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
