//! What every kept release has stored is read by today's functions, and each of it comes to its end.

use std::time::Duration;

use serde_json::{Value, json};
use shared::payments::gateway::mokka::client_from_env;
use shared::payments::mokka::Client;
use shared::payments::mokka::types::{CheckoutOrder, CheckoutRequest, RegistrationOrder, RegistrationRequest, ReturnRequest};
use shared::platform::clock::{Deadline, Timestamp};
use shared::platform::env::Env;
use shared::platform::money::{Currency, Decimal, Money};
use standins::{Decision, MokkaStatus, Options, Sms, StandIns, System};
use testkit::TestEnvironment;
use testkit::settings::OPERATOR_KEY;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::deployment::{Deployment, picture};
use crate::stored::{self, Files};
use crate::stories::{self, DOCUMENT, id_of};

const DAY: Duration = Duration::from_hours(24);
/// More looks than any payment needs to come to rest.
const LOOKS: u32 = 40;

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

fn deadline() -> Deadline {
    Deadline::within(Duration::from_secs(9))
}

fn moment(value: &Value, name: &str) -> OffsetDateTime {
    OffsetDateTime::parse(text(value, name), &Rfc3339).unwrap()
}

fn money(value: &Value, name: &str) -> Money {
    Money::new(Decimal::parse(text(value, name)).unwrap(), Currency::Rub)
}

/// A new environment, two days before the release's, in which Mokka and SMSPRO come to know what they knew, and the tables hold what
/// they held.
async fn restored(files: &Files) -> Deployment {
    let outside = &files["outside"];
    let at = Timestamp::from_millis(outside["at"].as_i64().unwrap());
    let deployment = Deployment::new(TestEnvironment::start_at(at.minus(2 * DAY), Options::default()).await);
    let mut env = Env::from_map(deployment.environment.env());
    let mokka = client_from_env(&mut env, deployment.environment.platform().http).unwrap();
    let standins = deployment.environment.standins();
    for order in outside["orders"].as_array().unwrap() {
        register(&mokka, order).await;
        if ["finished", "refunded"].contains(&text(order, "status")) {
            standins.set_mokka_status(text(order, "order_id"), MokkaStatus::Finished).unwrap();
        }
    }
    for each in outside["registrations"].as_array().unwrap() {
        let order = RegistrationOrder { order_id: text(each, "order_id").to_owned() };
        let request = RegistrationRequest {
            callback_url: text(each, "callback_url").to_owned(),
            redirect_url: text(each, "redirect_url").to_owned(),
            primary_phone: None,
            primary_email: None,
            current_order: order,
            person: None,
            additional_data: None,
        };
        mokka.registration(&request, deadline()).await.unwrap();
    }
    deployment.environment.advance(2 * DAY);
    for order in outside["orders"].as_array().unwrap() {
        let id = text(order, "order_id");
        for each in order["returns"].as_array().unwrap() {
            let amount = money(each, "amount").into();
            mokka.refund(&ReturnRequest { order_id: id.to_owned(), amount }, deadline()).await.unwrap();
        }
        standins.set_mokka_status(id, text(order, "status")).unwrap();
        standins.set_mokka_amount(id, text(order, "amount")).unwrap();
    }
    remember_codes(standins, files);
    stored::restore(&deployment, files).await;
    deployment
}

async fn register(mokka: &Client, order: &Value) {
    // What was changed to one ruble was no amount that Mokka would have taken.
    let amount = if text(order, "amount") == "1.00" { "3250.00" } else { text(order, "amount") };
    let amount = Money::new(Decimal::parse(amount).unwrap(), Currency::Rub);
    let till = Timestamp::from_millis(i64::try_from(moment(order, "valid_till").unix_timestamp_nanos() / 1_000_000).unwrap());
    let current = CheckoutOrder::new(text(order, "order_id").to_owned(), amount.into(), till.into());
    let urls = [text(order, "callback_url").to_owned(), text(order, "redirect_url").to_owned()];
    let [callback, redirect] = urls;
    mokka.checkout(&CheckoutRequest::new(callback, redirect, current), deadline()).await.unwrap();
}

/// SMSPRO's codes, under the tokens that the challenges have.
fn remember_codes(standins: &StandIns, files: &Files) {
    let inbox = files["outside"]["inbox"].as_array().unwrap();
    for item in files["otp-tokens"].as_array().unwrap() {
        let sent = &item["sent"]["M"];
        let Some(token) = sent["token"]["S"].as_str() else { continue };
        let sms = inbox.iter().find(|sms| sms["transaction_id"] == sent["transaction_id"]["S"]).unwrap();
        let (phone, code) = (text(sms, "phone").to_owned(), text(sms, "code").to_owned());
        let transaction_id = text(sms, "transaction_id").to_owned();
        let sms = Sms { phone, text: text(sms, "text").to_owned(), code, transaction_id, at: moment(sms, "at") };
        standins.remember_sms(sms, token.to_owned());
    }
}

#[tokio::test]
async fn stored_data_of_every_kept_release_comes_to_its_end() {
    for version in stored::releases() {
        println!("release {version}");
        let deployment = restored(&stored::read(&version)).await;
        come_to_its_end(&deployment).await;
    }
}

/// Everything of the stories, as customers, IMSHOP, the shop and the schedule go on with it.
pub(crate) async fn come_to_its_end(deployment: &Deployment) {
    codes(deployment).await;
    after_the_codes(deployment).await;
}

/// The same without the codes, whose time is soon over.
pub(crate) async fn after_the_codes(deployment: &Deployment) {
    deployment.environment.standins().forget_calls();
    waiting_forms(deployment).await;
    nothing_moves_what_is_over(deployment).await;
    go_on(deployment).await;
    rest(deployment).await;
    unclear(deployment).await;
    people(deployment).await;
    told(deployment).await;
    erased(deployment).await;
}

pub(crate) async fn codes(deployment: &Deployment) {
    let (_, answer) = deployment.form("callback", "+996 770 20 00 05", Some("000")).await;
    assert_eq!(answer["otpFailed"], json!(true), "a wrong code: {answer}");
    let (_, answer) = deployment.form("callback", "+996 770 20 00 05", Some(&deployment.code("996770200005"))).await;
    assert_eq!(answer["success"], json!(true), "a code that was sent: {answer}");
    let saved = deployment.environment.standins().forms().len();
    let (_, answer) = deployment.form("callback", "+996 770 20 00 01", Some(&deployment.code("996770200001"))).await;
    assert_eq!(answer["success"], json!(true), "the same form once more: {answer}");
    assert_eq!(deployment.environment.standins().forms().len(), saved, "it is at the shop already");
    deployment.environment.advance(Duration::from_mins(1));
    let (_, answer) = deployment.form("callback", "+996 770 20 00 06", None).await;
    assert_eq!(answer["success"], json!(true), "a send that nobody knew of: {answer}");
}

async fn waiting_forms(deployment: &Deployment) {
    deployment.environment.deliver_forms_for(Duration::from_mins(2)).await;
    let waiting =
        deployment.environment.standins().forms().into_iter().find(|saved| saved["form"]["data"]["phone"] == "+996 770 20 00 03");
    let waiting = waiting.expect("the form that waited is at the shop");
    assert_eq!(waiting["form"]["data"]["picture"], picture().as_str(), "with its photo");
    for (state, forms) in [("waiting", 0), ("refused", 1)] {
        let (status, answer) = deployment.look(&format!("/v1/back-office/forms?state={state}")).await;
        assert_eq!((status, answer["forms"].as_array().map(Vec::len)), (200, Some(forms)), "{state}: {answer}");
    }
}

async fn nothing_moves_what_is_over(deployment: &Deployment) {
    for uuid in ["captured", "partially-refunded", "refunded", "declined", "canceled", "expired"] {
        let payment = id_of(deployment, uuid).await;
        let before = deployment.payment(&payment).await;
        assert_eq!(before["state"], uuid.replace('-', "_"));
        let (_, answer) = deployment.capture(&payment).await;
        let paid = ["captured", "partially-refunded"].contains(&uuid);
        assert_eq!(answer["paymentCaptured"] == json!(true), paid, "{uuid}: {answer}");
        assert_eq!(deployment.payment(&payment).await["state"], before["state"], "{uuid}");
    }
}

impl Deployment {
    async fn pay(&self, payment: &str) {
        self.decide(payment, Decision::Approved).await;
        let (status, answer) = self.callback(payment).await;
        assert_eq!(status, 200, "{payment}: {answer}");
        assert_eq!(self.state(payment).await, "captured", "{payment}");
    }

    async fn give_back(&self, payment: &str, ends: &str) {
        let (_, answer) = self.refund(payment, "the-end", json!({})).await;
        assert_eq!(answer["payment"]["state"], ends, "{payment}: {answer}");
    }
}

async fn go_on(deployment: &Deployment) {
    // Orders without a payment, or whose payment failed.
    for (uuid, attempt) in [("ordered", 1), ("pushed", 1), ("declined", 2), ("expired", 2)] {
        let order = deployment.environment.item("order-holds", &format!("order#{uuid}")).await.unwrap();
        let id = text(&order, "order_id").to_owned();
        let (_, answer) = deployment.create(uuid, &id).await;
        assert_eq!(answer["paymentId"], format!("{id}-{attempt}"), "{uuid}: {answer}");
        deployment.pay(&format!("{id}-{attempt}")).await;
    }
    // A registration with a lost answer, and one that waits for its customer.
    for uuid in ["creating", "pending"] {
        let payment = id_of(deployment, uuid).await;
        deployment.environment.advance(Duration::from_secs(15));
        let (_, answer) = deployment.create(uuid, payment.trim_end_matches("-1")).await;
        assert_eq!(answer["paymentId"], payment.as_str(), "{uuid}: {answer}");
        deployment.pay(&payment).await;
        deployment.give_back(&payment, "refunded").await;
    }
    for uuid in ["held", "changed"] {
        let payment = id_of(deployment, uuid).await;
        let (_, answer) = deployment.operate(&payment, "finish", json!({})).await;
        assert_eq!(answer["payment"]["state"], "captured", "{uuid}: {answer}");
        deployment.give_back(&payment, "refunded").await;
    }
    deployment.give_back(&id_of(deployment, "captured").await, "refunded").await;
    deployment.give_back(&id_of(deployment, "partially-refunded").await, "refunded").await;
    deployment.give_back(&id_of(deployment, "refund-refused").await, "refunded").await;
    // A request for a limit whose customer has not decided.
    let open =
        deployment.environment.items("order-holds", "registration#").await.into_iter().find(|each| each["approved"].is_null());
    let id = text(&open.unwrap(), "pk").trim_start_matches("registration#").to_owned();
    let (status, answer) = stories::register(deployment, &id).await;
    assert_eq!(status, 200, "{answer}");
}

/// What only time was needed for.
async fn rest(deployment: &Deployment) {
    let payment = id_of(deployment, "mismatch").await;
    deployment.environment.standins().set_mokka_amount(&payment, "3250.00").unwrap();
    deployment.environment.standins().imshop_refuses(id_of(deployment, "untold").await.trim_end_matches("-1"), None).unwrap();
    for _ in 0..LOOKS {
        deployment.environment.advance(Duration::from_mins(20));
        let report = deployment.environment.tick().await;
        assert_eq!(report["failed"], 0, "{report}");
        deployment.environment.watch_sms().await;
        deployment.environment.poll_stream().await;
    }
}

async fn unclear(deployment: &Deployment) {
    for (uuid, state) in [
        ("finishing", "captured"),
        ("finished-unheard", "captured"),
        ("document", "captured"),
        ("cancel-unknown", "canceled"),
        ("mismatch", "captured"),
        ("untold", "captured"),
    ] {
        let payment = deployment.payment(&id_of(deployment, uuid).await).await;
        assert_eq!((&payment["state"], &payment["unknown"]), (&json!(state), &json!(false)), "{uuid}: {payment:#}");
    }
    let finishes = deployment.environment.standins().calls_to(System::Mokka, "finish");
    let document = finishes.iter().find(|call| call.check.as_ref().is_some_and(|check| *check.bytes == *DOCUMENT));
    assert!(document.is_some(), "the shop's own document went to Mokka");
    let unheard = id_of(deployment, "finished-unheard").await;
    assert!(!finishes.iter().any(|call| call.body.to_string().contains(&unheard)), "what was finished is not finished again");
}

async fn people(deployment: &Deployment) {
    let payment = id_of(deployment, "refund-unknown").await;
    assert_eq!(deployment.payment(&payment).await["attention"], "open", "a person is asked");
    let (status, answer) = deployment.refund_was(&payment, 1, true).await;
    assert_eq!((status, &answer["payment"]["state"]), (200, &json!("partially_refunded")), "{answer}");
    let (status, answer) = deployment.call("GET", "/v1/back-office/payments?attention=true", OPERATOR_KEY, &json!({})).await;
    assert_eq!((status, answer["payments"].as_array().map(Vec::len)), (200, Some(0)), "{answer}");
    let payment = id_of(deployment, "change-unknown").await;
    let stored = deployment.payment(&payment).await;
    assert_eq!((&stored["amount"], &stored["unknown"]), (&json!(200_000), &json!(false)), "{stored:#}");
}

/// IMSHOP knows of every payment what is stored of it.
async fn told(deployment: &Deployment) {
    deployment.environment.tick().await;
    deployment.environment.poll_stream().await;
    for payment in deployment.environment.items("order-holds", "payment#").await {
        let id = text(&payment, "payment_id");
        let words = payment["history"].as_array().unwrap().iter().rposition(|step| !step["word"].is_null());
        let words = words.map_or(0, |index| index as u64 + 1);
        assert!(payment["told_payment_status"].as_u64() >= Some(words), "{id}: {payment:#}");
        assert!(payment["told_order_status"].as_u64() >= Some(words), "{id}: {payment:#}");
        let mokka = deployment.environment.standins().mokka_order(id).map(|order| order.status.as_str().to_owned());
        let ours = text(&payment, "state").replace("partially_refunded", "finished").replace("captured", "finished");
        assert_eq!(mokka.as_deref(), Some(ours.replace("held", "hold").as_str()), "{id}");
    }
}

async fn erased(deployment: &Deployment) {
    for phone in 1..=6 {
        let body = json!({"phone": format!("+996 770 20 00 {phone:02}")});
        let (status, answer) = deployment.call("POST", "/v1/back-office/erasures", OPERATOR_KEY, &body).await;
        assert_eq!(status, 200, "{answer}");
    }
    assert!(
        deployment.environment.items("forms", "form#").await.iter().all(|form| form["phone"].is_null()),
        "nobody's forms are left"
    );
    let mut open = 0;
    for order in deployment.environment.items("order-holds", "order#").await {
        let Some(phone) = order["phone"].as_str() else { continue };
        let body = json!({"phone": format!("+{phone}")});
        let (status, answer) = deployment.call("POST", "/v1/back-office/erasures", OPERATOR_KEY, &body).await;
        assert_eq!(status, 200, "{answer}");
        open = answer["orders_open"].as_u64().unwrap();
    }
    let orders = deployment.environment.items("order-holds", "order#").await;
    let known = orders.iter().filter(|order| !order["phone"].is_null()).count();
    assert!(
        (known as u64, orders.len()) == (open, orders.len()) && known < orders.len(),
        "{known} of {}, {open} open",
        orders.len()
    );
    for order in orders.iter().filter(|order| order["phone"].is_null()) {
        assert!(order["email"].is_null() && order["name"].is_null() && order["amount"].is_number(), "{order:#}");
    }
}
