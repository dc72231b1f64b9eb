use std::time::Duration;

use serde_json::{Value, json};
use standins::{Decision, MokkaOrder, MokkaStatus, Options, System};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::environment::{TestEnvironment, signature, text};

pub(crate) async fn submit(environment: &TestEnvironment, order_id: &str, fields: &str) -> (u16, String, Option<String>) {
    let url = environment.standins.mokka_order(order_id).unwrap().form_url;
    let request = environment.http.post(url).header("content-type", "application/x-www-form-urlencoded");
    let response = request.body(fields.to_owned()).send().await.unwrap();
    let location = response.headers().get("location").map(|location| location.to_str().unwrap().to_owned());
    let (status, page) = text(response).await;
    (status, page, location)
}

/// The order once its callback has been answered.
pub(crate) async fn called_back(environment: &TestEnvironment, order_id: &str) -> MokkaOrder {
    for _ in 0..500 {
        let order = environment.standins.mokka_order(order_id).unwrap();
        if !order.callbacks.is_empty() {
            return order;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no callback for {order_id}");
}

/// The callbacks go to a path that the stand-ins record and answer 404.
fn callbacks(environment: &TestEnvironment) -> Vec<Value> {
    environment.standins.calls(Some(System::Imshop)).into_iter().map(|call| call.body).collect()
}

#[tokio::test]
async fn a_person_can_click_through() {
    let environment = TestEnvironment::start().await;
    let mut body = environment.checkout_body("<R&1>");
    body["primary_phone"] = json!("8881234567");
    environment.mokka("/factoring/v1/precheck/auth", &body).await;
    let order = environment.standins.mokka_order("<R&1>").unwrap();
    let (status, page) = text(environment.http.get(&order.form_url).send().await.unwrap()).await;
    assert_eq!(status, 200);
    assert!(page.contains("<title>Мокка — учебная форма песочницы</title>"));
    assert!(page.contains("&lt;R&amp;1&gt;") && !page.contains("<R&1>"));
    assert!(page.contains("value=\"8881234567\"") && page.contains("4500.00"));
    assert!(!page.contains("http://") && !page.contains("https://"), "self-contained");

    let (status, page, _) = submit(&environment, "<R&1>", "phone=8881234567&code=0000&term=6&action=approve").await;
    assert!(status == 200 && page.contains("Неверный код") && page.contains("Оформить"));
    let (_, page, _) = submit(&environment, "<R&1>", "phone=%22%3E&code=1111&action=approve").await;
    assert!(page.contains("10 цифр") && page.contains("value=\"&quot;&gt;\""));
    assert_eq!(environment.standins.mokka_order("<R&1>").unwrap().status, MokkaStatus::Pending);

    let (status, page, _) = submit(&environment, "<R&1>", "phone=%2B7+888+123-45-67&code=1111&term=6&action=approve").await;
    assert_eq!(status, 200);
    let back = format!("href=\"{}\"", order.redirect_url.replace('&', "&amp;"));
    assert!(page.contains("Вернуться в интернет-магазин") && page.contains(&back), "{page}");
    let order = called_back(&environment, "<R&1>").await;
    assert_eq!((order.status, order.term, order.callbacks), (MokkaStatus::Hold, Some(6), vec![404]));

    let (_, page, _) = submit(&environment, "<R&1>", "action=decline").await;
    assert!(page.contains("оформлена"));
    assert_eq!(environment.standins.mokka_order("<R&1>").unwrap().status, MokkaStatus::Hold);
    assert_eq!(callbacks(&environment).len(), 1);
}

#[tokio::test]
async fn the_form_offers_the_terms_that_take_the_amount() {
    let environment = TestEnvironment::start().await;
    environment.checkout("R-1").await;
    let url = environment.standins.mokka_order("R-1").unwrap().form_url;
    let (_, page) = text(environment.http.get(url).send().await.unwrap()).await;
    assert!(page.contains("value=\"3\" selected") && page.contains("value=\"6\"") && !page.contains("value=\"12\""), "{page}");
    for term in ["12", "5", "x", ""] {
        let (_, page, _) = submit(&environment, "R-1", &format!("phone=8881234567&code=1111&term={term}&action=approve")).await;
        assert!(page.contains("Выберите срок"), "{term}");
    }
    assert_eq!(environment.standins.mokka_order("R-1").unwrap().status, MokkaStatus::Pending);
}

#[tokio::test]
async fn demo_phones_decide() {
    let environment = TestEnvironment::start().await;
    for (order, fields, status, decision) in [
        ("R-1", "phone=8882112345&code=1111&action=approve", "declined", Decision::Declined),
        ("R-2", "phone=8882212345&code=1111&action=approve", "declined", Decision::Approved),
        ("R-3", "phone=8881112345&code=1111&action=approve", "hold", Decision::Approved),
        ("R-4", "action=decline", "declined", Decision::Declined),
    ] {
        environment.checkout(order).await;
        submit(&environment, order, fields).await;
        let order = called_back(&environment, order).await;
        assert_eq!((order.status.as_str(), order.decision), (status, Some(decision)), "{fields}");
        let callback = callbacks(&environment).pop().unwrap();
        let said = if status == "hold" { "approved" } else { "declined" };
        assert_eq!((&callback["order_id"], &callback["decision"]), (&json!(order.order_id), &json!(said)));
    }
}

#[tokio::test]
async fn without_a_result_page_the_customer_goes_straight_back() {
    let environment = TestEnvironment::start().await;
    let mut body = environment.checkout_body("R-1");
    body["skip_result_page"] = json!(true);
    environment.mokka("/factoring/v1/precheck/auth", &body).await;
    let (status, _, location) = submit(&environment, "R-1", "phone=8881234567&code=1111&action=approve").await;
    assert_eq!((status, location), (303, Some(environment.url("/back?to=shop&x=1"))));
}

#[tokio::test]
async fn an_expired_form_takes_no_decision() {
    let environment = TestEnvironment::start().await;
    environment.checkout("R-1").await;
    environment.advance(3601).await;
    let (_, page, _) = submit(&environment, "R-1", "phone=8881234567&code=1111&action=approve").await;
    assert!(page.contains("истекло"));
    let order = environment.standins.mokka_order("R-1").unwrap();
    assert_eq!((order.status, order.decision), (MokkaStatus::Expired, None));
}

#[tokio::test]
async fn the_callback_says_what_the_document_says() {
    let environment = TestEnvironment::start().await;
    environment.checkout("R-1").await;
    let decided = environment.standins.decide("R-1", Decision::Approved, true, 2).await.unwrap();
    assert_eq!(decided.callbacks, [404, 404]);
    let calls = environment.standins.calls(Some(System::Imshop));
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].headers["content-type"], "application/json");
    assert!(calls[0].query.is_empty(), "unsigned");
    assert!(calls[0].raw.contains("\"total_amount\":4500.00,"), "{}", calls[0].raw);
    let body = &calls[0].body;
    assert_eq!((&body["decision"], &body["amount"], &body["term"]), (&json!("approved"), &json!("4500.00"), &json!(3)));
    let client = json!({ "primary_phone": "8881234567", "email": "anna@example.com", "full_name": "Ким Анна",
        "first_name": "Анна", "surname": "Ким" });
    assert_eq!(body["client"], client);
    assert_eq!(body["schedule"].as_array().unwrap().len(), 3);
    assert_eq!(body["schedule"][0]["amount"], "1500.00");

    environment.standins.decide("R-1", Decision::Declined, true, 1).await.unwrap();
    assert_eq!(callbacks(&environment)[2]["decision"], "approved", "the state does not move back");
    environment.standins.send_callback("R-1", Decision::Declined, 1).await.unwrap();
    let contradicting = &callbacks(&environment)[3];
    assert_eq!((&contradicting["decision"], &contradicting["amount"]), (&json!("declined"), &json!("0.00")));
    assert_eq!(contradicting["schedule"], json!([]));
    assert_eq!(environment.standins.mokka_order("R-1").unwrap().status, MokkaStatus::Hold);
}

#[tokio::test]
async fn callbacks_are_signed_where_the_deployment_signs_them() {
    let environment = TestEnvironment::with(Options { sign_callbacks: true, ..Options::default() }).await;
    environment.checkout("R-1").await;
    environment.standins.decide("R-1", Decision::Declined, true, 1).await.unwrap();
    let call = &environment.standins.calls(Some(System::Imshop))[0];
    assert_eq!(call.query["signature"], signature(&call.raw));
}

#[tokio::test]
async fn a_callback_url_that_does_not_answer_is_reported() {
    let environment = TestEnvironment::start().await;
    let mut body = environment.checkout_body("R-1");
    body["callback_url"] = json!("http://127.0.0.1:1/nobody");
    environment.mokka("/factoring/v1/precheck/auth", &body).await;
    let decided = environment.standins.decide("R-1", Decision::Approved, true, 1).await.unwrap();
    assert_eq!((decided.status, decided.callbacks), (MokkaStatus::Hold, vec![0]));
}

#[tokio::test]
async fn callbacks_share_a_connection() {
    let environment = TestEnvironment::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut body = environment.checkout_body("R-1");
    body["callback_url"] = json!(format!("http://{}/callback", listener.local_addr().unwrap()));
    environment.mokka("/factoring/v1/precheck/auth", &body).await;
    let server = async {
        // The first connection is the only one that is ever accepted.
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer).await.unwrap() > 0 {
            // A callback is small: it comes in one piece.
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    };
    tokio::select! {
        () = server => panic!("the connection was given up"),
        decided = environment.standins.decide("R-1", Decision::Approved, true, 5) => {
            assert_eq!(decided.unwrap().callbacks, [204; 5]);
        }
    }
}
