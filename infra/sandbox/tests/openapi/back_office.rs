use std::time::Duration;

use serde_json::{Value, json};
use shared::forms::store::otp::Otp;
use shared::forms::store::submissions::Submissions;
use shared::forms::submission::{Fields, PhoneDigest, Photo, State, Submission};
use shared::platform::clock::{MOSCOW, Random, Timestamp};
use shared::platform::dynamodb::EndedRun;
use shared::platform::env::Env;
use shared::platform::ids::{FormName, InstallId, SubmissionId};
use shared::platform::phone::Phone;
use standins::{Decision, Fault, System};
use testkit::settings::{CASHIER_KEY, OPERATOR_KEY, PHOTOS, TRAINEE_KEY, VIEWER_KEY};
use testkit::{Answer, Event};

use crate::api::{Api, call, complete, with_key};
use crate::document::DOCUMENT;
use crate::receipts;

/// More often than any request tries.
pub(crate) const ALWAYS: u32 = 50;
const NO_STORE: [(&str, &str); 3] = [("ORDERS_TABLE", "gone"), ("FORMS_TABLE", "gone"), ("OTP_TABLE", "gone")];
/// What acts on a held payment: the operation, its example, Mokka's method.
const ON_A_HOLD: [(&str, &str, &str); 3] =
    [("changePayment", "less", "change"), ("cancelPayment", "empty", "cancel"), ("finishPayment", "numbered", "finish")];

#[tokio::test]
async fn the_back_offices_answers_are_documented() {
    let api = Api::start_with(&[("MOKKA_FINISH", "on_shipment")]).await;
    api.refuse_what_is_wrong("back-office").await;
    roles(&api).await;
    nothing_there(&api).await;
    let [change, cancel, finish] = three_attempts(&api).await;
    for (payment, (id, example, _)) in [&change, &cancel, &finish].into_iter().zip(ON_A_HOLD) {
        if id != "cancelPayment" {
            let answer = act(&api, id, payment, example).await;
            assert_eq!((answer.status, &answer.json()["code"]), (409, &json!("not_held")), "{}", answer.body);
        }
        hold(&api, payment).await;
        trouble(&api, id, payment, example).await;
    }
    look(&api).await;
    for (payment, (id, example, method)) in [&change, &cancel, &finish].into_iter().zip(ON_A_HOLD) {
        unclear(&api, id, payment, example, method).await;
    }
    assert_eq!(act(&api, "changePayment", &change, "less").await.json()["payment"]["amount"], "1500.00");
    upload(&api, &change).await;
    let again = attempt(&api, 2).await;
    hold(&api, &again).await;
    assert_eq!(act(&api, "cancelPayment", &again, "empty").await.json()["payment"]["state"], "canceled");
    assert_eq!(act(&api, "cancelPayment", &again, "empty").await.status, 409, "again");
    refunds(&api, &finish).await;
    messages(&api, &finish).await;
    events(&api, &finish).await;
    books(&api).await;
    customers(&api).await;
    forms(&api).await;
    let broken = Api::start_with(&NO_STORE).await;
    for operation in DOCUMENT.operations().into_iter().filter(|operation| operation.has_tag("back-office")) {
        let id = operation.value["operationId"].as_str().unwrap();
        let answer = match operation.value["requestBody"]["content"]["application/json"]["examples"].as_object() {
            Some(examples) => broken.example(id, examples.keys().next().unwrap()).await,
            None if id == "listPayments" => broken.send(call(id).query("state", "held")).await,
            None if id == "listOrders" => broken.send(call(id).query("day", "2026-11-22")).await,
            None if id == "listForms" => broken.send(call(id).query("state", "waiting")).await,
            None if ["exportBooks", "getTotals"].contains(&id) => broken.send(of_all_days(id)).await,
            None if id == "exportForms" => broken.send(call(id).query("form", "callback")).await,
            None => broken.send(call(id)).await,
        };
        let expected = match id {
            "askLimit" | "listSchedules" => 200,
            "erase" => 503,
            _ => 500,
        };
        assert_eq!(answer.status, expected, "{id}: {}", answer.body);
    }
    api.add(&broken);
    let silent = Api::start_with(&[("SHOP_EVENTS_URL", "")]).await;
    let [payment, _, _] = three_attempts(&silent).await;
    assert_eq!(resend(&silent, &payment, "1").await.json()["code"], "events_off");
    api.add(&silent);
    api.add(&receipts::played().await);
    api.assert_all_seen("back-office");
}

/// An operation's call about another payment than the example's.
pub(crate) fn about(id: &str, payment: &str) -> Event {
    let operation = DOCUMENT.operation(id);
    let path = operation.path.replace("{paymentId}", payment).replace("{refund}", "1").replace("{message}", "1");
    complete(Event::new(operation.method, &path), &operation)
}

pub(crate) async fn act(api: &Api, id: &str, payment: &str, example: &str) -> Answer {
    api.send(about(id, payment).json(DOCUMENT.body(id, example))).await
}

async fn roles(api: &Api) {
    for operation in DOCUMENT.operations().into_iter().filter(|operation| operation.has_tag("back-office")) {
        let role = operation.value["description"].as_str().unwrap().strip_prefix("Role: ").unwrap();
        let path = DOCUMENT.example_path(&operation);
        for (key, may) in
            [(VIEWER_KEY, role.starts_with("read")), (OPERATOR_KEY, role.starts_with("read") || role.starts_with("operate"))]
        {
            // A parameter that there is not: nothing is done, whatever the role.
            let answer = api.send(Event::new(operation.method, &path).key(key).query("surplus", "1")).await;
            assert_eq!(answer.status, if may { 400 } else { 403 }, "{} {path} {key}", operation.method);
        }
    }
}

async fn nothing_there(api: &Api) {
    for id in ["getOrder", "getPayment", "getRegistration", "getForm", "getFormPhoto"] {
        assert_eq!(api.send(call(id)).await.status, 404, "{id}");
    }
    let others = [
        ("settlePayment", "empty", ""),
        ("makeReceipt", "empty", ""),
        ("decideRefund", "made", ""),
        ("closeMessage", "orderStatus", ""),
    ];
    for (id, example, _) in ON_A_HOLD.into_iter().chain(others) {
        assert_eq!(act(api, id, "1001-1", example).await.status, 404, "{id}");
    }
    assert_eq!(act(api, "refundPayment", "1001-1", "rest").await.status, 404);
    let list = |name: &'static str, value: &'static str| api.send(call("listPayments").query(name, value));
    assert_eq!(list("state", "held").await.json(), json!({"success": true, "payments": []}));
    assert_eq!(list("attention", "true").await.json(), json!({"success": true, "payments": []}));
    for (name, value) in [("state", "paid"), ("attention", "false"), ("surplus", "1"), ("limit", "5")] {
        assert_eq!(list(name, value).await.status, 400, "{name}={value}");
    }
    for (name, value) in [("limit", "0"), ("limit", "101"), ("since", "yesterday"), ("cursor", "?"), ("attention", "true")] {
        let event = call("listPayments").query("state", "held").query(name, value);
        assert_eq!(api.send(event).await.status, 400, "{name}={value}");
    }
}

/// Three orders, each with an attempt to pay it.
async fn three_attempts(api: &Api) -> [String; 3] {
    api.example("createOrders", "kettle").await;
    api.example("createOrders", "split").await;
    [attempt(api, 1).await, attempt(api, 2).await, attempt(api, 3).await]
}

/// An attempt to pay the order of that number.
async fn attempt(api: &Api, order: usize) -> String {
    let mut body = DOCUMENT.body("acquiring", "create");
    body["orderUuid"] = format!("order-{order}").into();
    body["orderId"] = (1000 + order).into();
    let answer = api.send(call("acquiring").json(body)).await.json();
    answer["paymentId"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// The customer pays, and we know.
async fn hold(api: &Api, payment: &str) {
    api.environment.standins().decide(payment, Decision::Approved, false, 1).await.unwrap();
    let answer = act(api, "settlePayment", payment, "empty").await.json();
    assert_eq!(answer["payment"]["state"], "held", "{answer}");
}

/// The provider cannot be asked, or refuses: nothing is done.
async fn trouble(api: &Api, id: &str, payment: &str, example: &str) {
    let (_, _, method) = ON_A_HOLD.into_iter().find(|(one, ..)| *one == id).unwrap();
    let standins = api.environment.standins();
    standins.fault(System::Mokka, "status", Fault::Reset, ALWAYS).unwrap();
    for id in [id, "settlePayment"] {
        let example = if id == "settlePayment" { "empty" } else { example };
        let answer = act(api, id, payment, example).await;
        assert_eq!(answer.status, 503, "{id}: {}", answer.body);
    }
    let answer = api.send(Event::new("GET", "/v1/back-office/orders/1001").key(VIEWER_KEY)).await.json();
    assert_eq!(answer["payments"][0]["provider_view"], json!({"error": "unavailable"}), "{answer}");
    standins.clear_faults();
    standins.fault(System::Mokka, method, "status:32".parse().unwrap(), 1).unwrap();
    let answer = act(api, id, payment, example).await;
    assert_eq!(answer.status, 502, "{id}: {}", answer.body);
}

async fn look(api: &Api) {
    let answer = api.send(call("getOrder")).await.json();
    assert_eq!(answer["payments"][0]["provider_view"]["state"], "hold", "{answer}");
    assert_eq!(api.send(call("getPayment")).await.json()["payment"]["payment_id"], "1001-1");
    let uuid = answer["order"]["order_uuid"].clone();
    let operation = DOCUMENT.operation("searchOrders");
    let search = |body: Value| api.send(with_key(Event::post(&operation.path).json(body), &operation));
    for by in [json!({"order_uuid": uuid}), json!({"payment_id": "1001-1"}), json!({"public_id": answer["order"]["public_id"]})] {
        let found = search(by).await.json();
        assert_eq!(found["orders"][0]["payments"][0]["payment_id"], "1001-1", "{found}");
    }
    assert_eq!(search(json!({})).await.status, 400);
    let day = Timestamp::from_rfc3339(answer["payments"][0]["created_at"].as_str().unwrap()).unwrap().day(MOSCOW);
    let first = api.send(call("listOrders").query("day", &day).query("limit", "1")).await.json();
    let cursor = first["cursor"].as_str().unwrap_or_else(|| panic!("{first}"));
    let rest = api.send(call("listOrders").query("day", &day).query("cursor", cursor)).await.json();
    let is_there = |page: &Value| page["orders"].as_array().unwrap().iter().any(|order| order["order_uuid"] == uuid);
    assert!(is_there(&first) || is_there(&rest), "{first} {rest}");
    assert_eq!(api.send(call("listOrders")).await.status, 400);
    assert_eq!(api.example("reindex", "first").await.json()["indexed"], 0);
    let bounded = call("listPayments").query("state", "held").query("since", "2026-01-01").query("until", "2100-01-01");
    let bounded = bounded.query("min", "1.00").query("max", "999999.00");
    assert!(!api.send(bounded).await.json()["payments"].as_array().unwrap().is_empty());
    let first =
        api.send(call("listPayments").query("state", "held").query("limit", "1").query("since", "2026-01-01")).await.json();
    let cursor = first["cursor"].as_str().unwrap_or_else(|| panic!("{first}"));
    let event = call("listPayments").query("state", "held").query("cursor", cursor);
    assert!(!api.send(event).await.json()["payments"].as_array().unwrap().is_empty());
}

/// The provider gives no clear answer, and then it does.
async fn unclear(api: &Api, id: &str, payment: &str, example: &str, method: &str) {
    api.environment.standins().fault(System::Mokka, method, Fault::Http500, ALWAYS).unwrap();
    assert_eq!(act(api, id, payment, example).await.status, 202, "{id}");
    assert_eq!(act(api, "settlePayment", payment, "empty").await.status, 202, "{id}");
    api.environment.standins().clear_faults();
    let settled = act(api, "settlePayment", payment, "empty").await;
    assert_eq!((settled.status, &settled.json()["payment"]["unknown"]), (200, &json!(false)), "{id}: {}", settled.body);
}

async fn upload(api: &Api, payment: &str) {
    let parts = |body: &str, check: &str| {
        format!(
            "--cut\r\nContent-Disposition: form-data; name=\"body\"\r\nContent-Type: application/json\r\n\r\n{body}\r\n\
             --cut\r\nContent-Disposition: form-data; name=\"check\"; filename=\"check.pdf\"\r\n\
             Content-Type: application/pdf\r\n\r\n{check}\r\n--cut--\r\n"
        )
    };
    let send = async |parts: String| {
        let operation = DOCUMENT.operation("finishPayment");
        let path = operation.path.replace("{paymentId}", payment);
        // In place of the type that every event here has.
        let event = Event::new("POST", &path).header("content-type", "multipart/form-data; boundary=cut").text(&parts);
        api.send(with_key(event, &operation)).await
    };
    assert_eq!(send("--cut--\r\n".to_owned()).await.status, 400);
    assert_eq!(send(parts("{}", "not a PDF")).await.status, 400);
    assert_eq!(send(parts("{\"surplus\":1}", "%PDF-1.7")).await.status, 400);
    let answer = send(parts(r#"{"check_number":"ФД-17"}"#, "%PDF-1.7")).await;
    assert_eq!((answer.status, &answer.json()["payment"]["check_number"]), (200, &json!("ФД-17")), "{}", answer.body);
}

/// Has a person with a limit ask for more, and another one approve it; the refund, and the answer to the approval.
async fn approved(api: &Api, payment: &str, key: &str, body: Value) -> (u64, Answer) {
    let operation = DOCUMENT.operation("refundPayment");
    let event = Event::post(&operation.path.replace("{paymentId}", payment)).header("Idempotency-Key", key);
    let asked = api.send(event.key(TRAINEE_KEY).json(body)).await;
    assert_eq!((asked.status, &asked.json()["outcome"]), (202, &json!("awaits_approval")), "{}", asked.body);
    let number = asked.json()["refund"]["refund"].as_u64().unwrap_or_default();
    assert_eq!(approve(api, payment, number, TRAINEE_KEY, json!({})).await.json()["code"], "own_refund");
    (number, approve(api, payment, number, CASHIER_KEY, json!({})).await)
}

async fn approve(api: &Api, payment: &str, refund: u64, who: &str, body: Value) -> Answer {
    let operation = DOCUMENT.operation("approveRefund");
    let path = operation.path.replace("{paymentId}", payment).replace("{refund}", &refund.to_string());
    api.send(Event::post(&path).key(who).json(body)).await
}

async fn approvals(api: &Api, payment: &str) {
    let (number, made) = approved(api, payment, "trainee-2", json!({"amount": "500.01"})).await;
    assert_eq!((made.status, &made.json()["refund"]["status"]), (200, &json!("made")), "{}", made.body);
    assert_eq!(approve(api, payment, number, CASHIER_KEY, json!({"surplus": 1})).await.status, 400);
    assert_eq!(approve(api, payment, 99, CASHIER_KEY, json!({})).await.status, 404);
    api.environment.standins().fault(System::Mokka, "return", "status:32".parse().unwrap(), 1).unwrap();
    let (_, refused) = approved(api, payment, "trainee-3", json!({"amount": "500.01"})).await;
    assert_eq!(refused.status, 502, "{}", refused.body);
}

async fn refunds(api: &Api, payment: &str) {
    let standins = api.environment.standins();
    let refund = async |key: &str, body: Value| {
        let operation = DOCUMENT.operation("refundPayment");
        let event = Event::post(&operation.path.replace("{paymentId}", payment)).header("Idempotency-Key", key);
        api.send(with_key(event, &operation).json(body)).await
    };
    let part = || DOCUMENT.body("refundPayment", "part");
    assert_eq!(refund("return-1", part()).await.json()["code"], "partial_too_early");
    let earliest = refund("return-0", DOCUMENT.body("refundPayment", "earliest")).await;
    assert_eq!((earliest.status, &earliest.json()["refund"]["status"]), (202, &json!("scheduled")), "{}", earliest.body);
    let withdraw = async |number: u64| {
        let operation = DOCUMENT.operation("withdrawRefund");
        let path = operation.path.replace("{paymentId}", payment).replace("{refund}", &number.to_string());
        api.send(with_key(Event::new("DELETE", &path), &operation)).await
    };
    let surplus = {
        let operation = DOCUMENT.operation("withdrawRefund");
        let path = operation.path.replace("{paymentId}", payment).replace("{refund}", "1");
        with_key(Event::new("DELETE", &path), &operation).json(json!({"surplus": 1}))
    };
    assert_eq!(api.send(surplus).await.status, 400);
    assert_eq!(withdraw(1).await.json()["refund"]["status"], "withdrawn");
    assert_eq!(withdraw(99).await.status, 404);
    let (number, scheduled) = approved(api, payment, "trainee-1", json!({"amount": "500.01", "when": "earliest"})).await;
    assert_eq!((scheduled.status, &scheduled.json()["outcome"]), (202, &json!("scheduled")), "{}", scheduled.body);
    assert_eq!(withdraw(number).await.status, 200);
    assert_eq!(refund("return-0", DOCUMENT.body("refundPayment", "earliest")).await.json()["code"], "refund_withdrawn");
    api.environment.advance(Duration::from_hours(48));
    for _ in 0..2 {
        let answer = refund("return-1", part()).await;
        assert_eq!((answer.status, &answer.json()["refund"]["status"]), (200, &json!("made")), "{}", answer.body);
    }
    assert_eq!(withdraw(3).await.json()["code"], "not_scheduled");
    approvals(api, payment).await;
    assert_eq!(refund("return-1", json!({"amount": "1.00"})).await.json()["code"], "idempotency_key_reused");
    for body in [
        json!({"amount": null}),
        json!({"amount": "1.500"}),
        json!({"amount": "0.00"}),
        json!({"reason": "broken"}),
        json!({"surplus": 1}),
    ] {
        assert_eq!(refund("return-2", body).await.status, 400);
    }
    assert_eq!(refund("not one word", part()).await.status, 400);
    standins.fault(System::Mokka, "return", "status:32".parse().unwrap(), 1).unwrap();
    assert_eq!(refund("return-3", part()).await.status, 502);
    standins.fault(System::Mokka, "status", Fault::Reset, ALWAYS).unwrap();
    assert_eq!(refund("return-4", part()).await.status, 503);
    standins.clear_faults();
    standins.fault(System::Mokka, "return", Fault::AnswerLost, 1).unwrap();
    let answer = refund("return-5", part()).await;
    assert_eq!((answer.status, &answer.json()["refund"]["status"]), (202, &json!("pending")), "{}", answer.body);
    let number = answer.json()["refund"]["refund"].clone();
    let decide = async |number: &Value, example: &str| {
        let operation = DOCUMENT.operation("decideRefund");
        let path = operation.path.replace("{paymentId}", payment).replace("{refund}", &number.to_string());
        api.send(with_key(Event::post(&path), &operation).json(DOCUMENT.body("decideRefund", example))).await
    };
    standins.fault(System::Mokka, "status", Fault::Reset, ALWAYS).unwrap();
    assert_eq!(decide(&number, "made").await.status, 503);
    standins.clear_faults();
    assert_eq!(decide(&json!(99), "made").await.status, 404);
    assert_eq!(decide(&number, "made").await.json()["refund"]["status"], "made");
    assert_eq!(decide(&number, "notMade").await.json()["code"], "refund_decided");
    assert_eq!(refund("return-6", json!({})).await.json()["payment"]["state"], "refunded");
    assert_eq!(refund("return-7", json!({})).await.json()["code"], "nothing_to_refund");
}

async fn messages(api: &Api, payment: &str) {
    assert_eq!(act(api, "closeMessage", payment, "paymentStatus").await.json()["code"], "message_decided");
    api.environment.standins().fault(System::Imshop, "payment_status", "status:404".parse().unwrap(), 1).unwrap();
    api.tell(payment).await;
    let shown = act(api, "settlePayment", payment, "empty").await.json();
    let number = shown["payment"]["untold"][0]["message"].to_string();
    let operation = DOCUMENT.operation("closeMessage");
    let path = operation.path.replace("{paymentId}", payment).replace("{message}", &number);
    let event = with_key(Event::post(&path), &operation).json(DOCUMENT.body("closeMessage", "paymentStatus"));
    let answer = api.send(event).await;
    assert_eq!((answer.status, answer.json()["payment"].get("untold")), (200, None), "{}", answer.body);
}

/// Sends an event of a payment to the shop again.
async fn resend(api: &Api, payment: &str, event: &str) -> Answer {
    let operation = DOCUMENT.operation("resendEvent");
    let path = operation.path.replace("{paymentId}", payment).replace("{event}", event);
    api.send(with_key(Event::post(&path), &operation).json(DOCUMENT.body("resendEvent", "empty"))).await
}

async fn events(api: &Api, payment: &str) {
    let shown = api.send(about("getPayment", payment)).await.json();
    let number = shown["payment"]["events"][0]["number"].to_string();
    assert_eq!(resend(api, payment, &number).await.json()["shop_status"], 200);
    assert_eq!(resend(api, payment, "999").await.status, 404);
    for (fault, code) in [("status:503", "shop_refused"), ("reset", "shop_unavailable")] {
        api.environment.standins().fault(System::Shop, "events", fault.parse().unwrap(), 1).unwrap();
        assert_eq!(resend(api, payment, &number).await.json()["code"], code);
    }
    let changed = api.send(call("listPayments").query("changed_since", "2020-01-01")).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
}

fn of_all_days(id: &str) -> Event {
    call(id).query("from", "2000-01-01").query("to", "2999-12-31")
}

async fn books(api: &Api) {
    for id in ["exportBooks", "getTotals"] {
        assert_eq!(api.send(call(id)).await.status, 400, "{id}");
    }
    let table = api.send(of_all_days("exportBooks").header("Accept", "text/csv").header("Accept-Encoding", "gzip")).await;
    assert!(table.body.contains("\"refund\""), "{}", table.body);
    let totals = api.send(of_all_days("getTotals")).await.json();
    assert_ne!(totals["totals"][0]["refunded"]["count"], json!(0), "{totals}");
}

async fn customers(api: &Api) {
    let standins = api.environment.standins();
    for (id, example, method) in
        [("askLimit", "demo", "limit"), ("register", "complete", "registration"), ("listSchedules", "demo", "schedule")]
    {
        let answer = api.example(id, example).await;
        assert_eq!(answer.status, 200, "{id}: {}", answer.body);
        standins.fault(System::Mokka, method, "status:32".parse().unwrap(), 1).unwrap();
        assert_eq!(api.example(id, example).await.status, 502, "{id}");
        standins.fault(System::Mokka, method, Fault::Http500, ALWAYS).unwrap();
        assert_eq!(api.example(id, example).await.status, 503, "{id}");
        standins.clear_faults();
    }
    let schedules = api.example("listSchedules", "demo").await.json();
    assert!(!schedules["schedules"].as_array().unwrap().is_empty(), "{schedules}");
    let registered = api.example("register", "shortest").await.json();
    let registration = registered["registration_id"].as_str().unwrap();
    let look =
        async || api.send(Event::new("GET", &format!("/v1/back-office/registrations/{registration}")).key(VIEWER_KEY)).await;
    assert_eq!(look().await.json().get("decision"), None);
}

/// A form with a photo, as it is stored.
fn handed_in(api: &Api, number: u8) -> Submission {
    let secret = Env::from_map(api.environment.env()).internal_secret().unwrap();
    let data = json!({"name": "Айгуль", "phone": "+996 770 00 11 22", "photo": null});
    let id = SubmissionId::parse(&format!("{number:064x}")).unwrap();
    let photo = Photo {
        pointer: "/photo".to_owned(),
        media_type: "image/png".to_owned(),
        bytes: 3,
        data_url: true,
        key: format!("photos/90d/{id}/0.png"),
    };
    let now = api.environment.clock().now();
    Submission {
        id,
        form: FormName::parse("callback").unwrap(),
        installation: Some(InstallId::parse("install-1").unwrap()),
        data: Some(Fields::parse(data.to_string()).unwrap()),
        photos: vec![photo],
        phone: Some(PhoneDigest::new(&secret, &Phone::parse("996770001122").unwrap())),
        at: now,
        keep: true,
        keep_until: now.plus(Duration::from_hours(24)),
        state: State::Delivered,
        since: now,
        message: Some("Спасибо".to_owned()),
        done: None,
        version: 0,
    }
}

async fn forms(api: &Api) {
    let mut env = Env::from_map(api.environment.env());
    let submissions = Submissions::from_env(&mut env, api.environment.dynamodb().clone(), Random::System).unwrap();
    for number in 1..=2 {
        let form = handed_in(api, number);
        api.environment.storage().put(PHOTOS, &form.photos[0].key, b"PNG").unwrap();
        submissions.save(form).await.unwrap().unwrap();
    }
    for (name, value) in [("form", "callback"), ("state", "delivered")] {
        let list = async |event: Event| api.send(event.query(name, value).query("limit", "1")).await.json();
        let first = list(call("listForms")).await;
        let cursor = first["cursor"].as_str().unwrap_or_else(|| panic!("{first}"));
        assert_eq!(list(call("listForms").query("cursor", cursor)).await["forms"].as_array().unwrap().len(), 1);
    }
    assert_eq!(api.send(call("listForms")).await.status, 400);
    assert_eq!(api.send(call("exportForms")).await.status, 400);
    let table = api.send(call("exportForms").query("form", "callback")).await;
    assert!(table.body.contains("'+996 770 00 11 22"), "{}", table.body);
    let found = api.example("searchForms", "demo").await.json();
    let id = found["forms"][1]["submission_id"].as_str().unwrap().to_owned();
    let one = |operation: &str| {
        let operation = DOCUMENT.operation(operation);
        let path = operation.path.replace("{submissionId}", &id).replace("{photo}", "1");
        api.send(with_key(Event::new(operation.method, &path), &operation))
    };
    assert_eq!(one("getForm").await.json()["form"], found["forms"][1]);
    assert_eq!(one("getFormPhoto").await.status, 200);
    let mark = |id: &str, body: Value| {
        let operation = DOCUMENT.operation("markForm");
        with_key(Event::post(&operation.path.replace("{submissionId}", id)), &operation).json(body)
    };
    let done = api.send(mark(&id, DOCUMENT.body("markForm", "done"))).await;
    assert_eq!((done.status, &done.json()["form"]["done_by"]), (200, &json!("cashier")), "{}", done.body);
    assert_eq!(api.send(mark(&id, json!({}))).await.status, 400);
    assert_eq!(api.send(mark(&"0".repeat(64), DOCUMENT.body("markForm", "done"))).await.status, 404);
    let codes = api.example("searchCodes", "demo").await;
    assert_eq!(codes.status, 200, "{}", codes.body);
    assert_eq!(api.example("liftCodes", "demo").await.status, 200);
    for id in ["searchCodes", "liftCodes"] {
        assert_eq!(api.send(call(id).json(json!({"phone": "12"}))).await.status, 400);
    }
    let otp = Otp::from_env(&mut env, api.environment.dynamodb().clone(), Random::System).unwrap();
    let now = api.environment.clock().now();
    let lease = otp.acquire_run_lease("sms-watch", now, Duration::from_mins(1)).await.unwrap().unwrap();
    lease.release(Duration::from_secs(5), EndedRun { at: now, failed: false }).await;
    let runs = api.send(call("listRuns")).await.json();
    assert!(runs["runs"].as_array().is_some_and(|runs| !runs.is_empty()), "{runs}");
    let erased = api.example("erase", "demo").await.json();
    assert_eq!((&erased["forms"], &erased["photos"]), (&json!(2), &json!(2)));
}
