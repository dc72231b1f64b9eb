use std::time::Duration;

use serde_json::{Value, json};
use standins::{Decision, MokkaRegistration, Options, System};

use crate::environment::{TestEnvironment, signature, text};

const REGISTRATION: &str = "/factoring/v1/limit/auth";

fn body(environment: &TestEnvironment, order_id: &str) -> Value {
    json!({
        "callback_url": environment.url("/imshop/callback"),
        "redirect_url": environment.url("/back"),
        "primary_phone": "8881234567",
        "primary_email": "anna@example.com",
        "current_order": { "order_id": order_id },
        "person": { "first_name": "Анна", "surname": "Ким", "patronymic": "Ли", "birth_date": "15.01.1975" },
        "additional_data": {
            "previous_url": "https://shop.example/cart",
            "channel": "app",
            "returning_customer": true,
            "bank_card": false,
            "last_orders": "3",
            "same_address": true,
        },
    })
}

async fn register(environment: &TestEnvironment, order_id: &str) -> MokkaRegistration {
    let answer = environment.mokka(REGISTRATION, &body(environment, order_id)).await;
    let registration = environment.standins.mokka_registration(order_id).unwrap();
    let expected = json!({ "status": 0, "message": "Payload valid", "iframe_url": registration.form_url });
    assert_eq!(answer, expected);
    registration
}

async fn submit(environment: &TestEnvironment, registration: &MokkaRegistration, fields: &str) -> String {
    let request = environment.http.post(&registration.form_url).header("content-type", "application/x-www-form-urlencoded");
    let (status, page) = text(request.body(fields.to_owned()).send().await.unwrap()).await;
    assert_eq!(status, 200);
    page
}

/// The registration once its callback has been answered, and that callback.
async fn called_back(environment: &TestEnvironment, order_id: &str) -> (MokkaRegistration, Value) {
    for _ in 0..500 {
        let registration = environment.standins.mokka_registration(order_id).unwrap();
        if !registration.callbacks.is_empty() {
            return (registration, environment.standins.calls(Some(System::Imshop)).pop().unwrap().body);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no callback for {order_id}");
}

#[tokio::test]
async fn a_person_can_get_a_limit() {
    let environment = TestEnvironment::start().await;
    let registration = register(&environment, "<L-1>").await;
    assert!(registration.form_url.starts_with(&environment.url("/mokka/form/")));
    let (_, page) = text(environment.http.get(&registration.form_url).send().await.unwrap()).await;
    assert!(page.contains("value=\"8881234567\"") && page.contains("Получить лимит") && !page.contains("name=\"term\""));
    assert!(submit(&environment, &registration, "phone=9031234567&code=1&action=approve").await.contains("Неверный код"));
    assert!(submit(&environment, &registration, "phone=903&code=1111&action=approve").await.contains("10 цифр"));
    let page = submit(&environment, &registration, "phone=%2B79031234567&code=1111&action=approve").await;
    assert!(page.contains("150000.00") && page.contains(&environment.url("/back")), "{page}");
    let (registration, callback) = called_back(&environment, "<L-1>").await;
    assert_eq!((registration.decision, registration.amount.as_str()), (Some(Decision::Approved), "150000.00"));
    let expected = json!({
        "order_id": "<L-1>",
        "decision": "approved",
        "amount": "150000.00",
        "mobile_phone": "9031234567",
        "email": "anna@example.com",
    });
    assert_eq!(callback, expected);
    let limit = environment.mokka("/api/external/v1/client/limit", &json!({ "client": { "mobile_phone": "9031234567" } })).await;
    assert_eq!((&limit["client"]["limit_amount"], &limit["client"]["status"]), (&json!("150000.00"), &json!("active")));

    assert!(submit(&environment, &registration, "action=decline").await.contains("одобрен"));
    assert_eq!(environment.standins.calls(Some(System::Imshop)).len(), 1, "decided once");
    assert_eq!(environment.status("<L-1>").await["status"], 24, "it is no order");
}

#[tokio::test]
async fn demo_phones_decide() {
    let environment = TestEnvironment::start().await;
    for (order_id, fields, decision, amount) in [
        ("L-1", "phone=8882112345&code=1111&action=approve", "declined", "0.00"),
        ("L-2", "phone=8882212345&code=1111&action=approve", "approved", "6700.00"),
        ("L-3", "phone=8881112345&code=1111&action=approve", "approved", "150000.00"),
        ("L-4", "action=decline", "declined", "0.00"),
    ] {
        let registration = register(&environment, order_id).await;
        submit(&environment, &registration, fields).await;
        let (_, callback) = called_back(&environment, order_id).await;
        assert_eq!((&callback["decision"], &callback["amount"]), (&json!(decision), &json!(amount)), "{fields}");
    }
}

#[tokio::test]
async fn it_may_be_repeated_until_it_is_decided() {
    let environment = TestEnvironment::start().await;
    let first = register(&environment, "L-1").await;
    let second = register(&environment, "L-1").await;
    assert_ne!(first.form_url, second.form_url);
    assert_eq!((second.registrations, environment.http.get(&first.form_url).send().await.unwrap().status().as_u16()), (2, 404));
    environment.standins.decide_registration("L-1", Decision::Declined, false, 1).await.unwrap();
    assert_eq!(environment.mokka(REGISTRATION, &body(&environment, "L-1")).await["status"], 22);
    assert_eq!(environment.checkout("L-1").await["status"], 0, "orders have ids of their own");
}

#[tokio::test]
async fn each_field_of_a_registration_has_its_code() {
    let environment = TestEnvironment::exact().await;
    for (pointer, value, code, noted) in [
        ("/current_order", None, 20, "order_id"),
        ("/current_order/order_id", None, 20, "order_id"),
        ("/current_order/order_id", Some(json!("")), 21, "order_id"),
        ("/current_order/order_id", Some(json!("x".repeat(256))), 21, "order_id"),
        ("/current_order/amount", Some(json!("5000.00")), 100, "current_order.amount"),
        ("/callback_url", None, 40, "callback_url"),
        ("/callback_url", Some(json!("ftp://shop.example")), 40, "callback_url"),
        ("/redirect_url", None, 41, "redirect_url"),
        ("/primary_phone", Some(json!("+79031234567")), 100, "primary_phone"),
        ("/primary_email", Some(json!("anna")), 100, "primary_email"),
        ("/person/birth_date", Some(json!("15.13.1975")), 100, "birth_date"),
        ("/person/first_name", Some(json!(null)), 100, "first_name"),
        ("/person/age", Some(json!("1")), 100, "person.age"),
        ("/additional_data/channel", Some(json!("web")), 100, "channel"),
        ("/additional_data/bank_card", Some(json!("yes")), 100, "bank_card"),
        ("/additional_data/last_orders", Some(json!(3)), 100, "last_orders"),
        ("/cart_items", Some(json!([])), 100, "cart_items"),
    ] {
        let mut body = body(&environment, "L-1");
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => drop(parent.insert(field.to_owned(), value)),
            None => drop(parent.remove(field)),
        }
        let (answered, note) = environment.refusal(REGISTRATION, &body).await;
        assert!(answered == code && note.contains(noted), "{pointer}: {answered} {note}");
    }
    assert!(environment.standins.mokka_registration("L-1").is_none());
    for optional in ["primary_phone", "primary_email", "person", "additional_data"] {
        let mut body = body(&environment, "L-1");
        body.as_object_mut().unwrap().remove(optional);
        assert_eq!(environment.mokka(REGISTRATION, &body).await["status"], 0, "{optional}");
    }
}

#[tokio::test]
async fn a_test_may_decide() {
    let environment = TestEnvironment::with(Options { sign_callbacks: true, ..Options::default() }).await;
    register(&environment, "L 1").await;
    let path = "/control/mokka/registrations/L%201/decide";
    let decided = environment.control(path, &json!({ "decision": "approved", "times": 2 })).await;
    let expected = json!({ "order_id": "L 1", "decision": "approved", "amount": "150000.00", "callbacks": [404, 404] });
    assert_eq!(decided, (200, expected));
    let again = environment.control(path, &json!({ "decision": "declined", "callback": false })).await;
    assert_eq!((&again.1["decision"], &again.1["callbacks"]), (&json!("approved"), &json!([])));
    for call in environment.standins.calls(Some(System::Imshop)) {
        assert_eq!(call.query["signature"], signature(&call.raw));
    }
    assert_eq!(environment.get("/control/mokka/registrations/L%201").await["callbacks"], json!([404, 404]));
    assert_eq!(environment.get("/control/mokka/registrations").await.as_array().unwrap().len(), 1);
    let unknown = environment.control("/control/mokka/registrations/L-0/decide", &json!({ "decision": "approved" })).await;
    assert!(unknown.0 == 404 && unknown.1["error"].as_str().unwrap().contains("L-0"), "{unknown:?}");
    let wrong = environment.control(path, &json!({ "decision": "approved", "times": 0 })).await;
    assert_eq!(wrong.0, 400);

    let mut refused = body(&environment, "L-2");
    refused["primary_phone"] = json!("8882112345");
    environment.mokka(REGISTRATION, &refused).await;
    let decided = environment.standins.decide_registration("L-2", Decision::Approved, false, 1).await.unwrap();
    assert_eq!(decided.amount, "150000.00", "the test's word is above the demo phone's");
}
