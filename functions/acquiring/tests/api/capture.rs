use std::time::{Duration, Instant};

use crate::Story;
use futures_util::future::join_all;
use serde_json::{Value, json};
use standins::{Decision, Fault, Options, System};
use testkit::{Placed, TIMELY, few_at_a_time};

async fn created(story: &Story) -> (Placed, String) {
    let order = story.order().await;
    let answer = story.create(&order).await.json();
    assert_eq!(answer["success"], json!(true), "{answer}");
    let payment = order.payment(1);
    (order, payment)
}

fn finishes(story: &Story, payment: &str) -> u32 {
    story.environment.standins().mokka_order(payment).unwrap().finishes
}

fn paid(payment: &str) -> Value {
    json!({"success": true, "paymentId": payment, "paymentCaptured": true})
}

fn pending(payment: &str) -> Value {
    json!({"success": true, "paymentId": payment, "paymentCaptured": false, "pending": true})
}

#[tokio::test]
async fn a_hold_is_finished_with_a_sales_document() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    assert_eq!(story.capture(&payment).await.json(), pending(&payment));
    story.decide(&payment, Decision::Approved).await;
    assert_eq!(story.capture(&payment).await.json(), paid(&payment));
    let calls = story.environment.standins().calls_to(System::Mokka, "finish");
    assert_eq!(calls.len(), 1);
    insta::assert_json_snapshot!("finish_request", calls[0].body, {".check.size" => "[size]"});
    let document = calls[0].check.as_ref().unwrap();
    assert!(document.bytes.starts_with(b"%PDF") && document.bytes.len() > 5000);
    let stored = story.payment(&payment).await;
    let history: Vec<_> = stored["history"].as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap()).collect();
    assert_eq!(history, ["creating", "pending", "held", "finishing", "captured"]);
}

#[tokio::test]
async fn a_settled_payment_is_answered_without_asking_mokka() {
    let story = Story::start().await;
    let (order, payment) = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    story.capture(&payment).await;
    story.environment.standins().forget_calls();
    assert_eq!(story.capture(&payment).await.json(), paid(&payment));
    let again = story.create(&order).await.json();
    assert_eq!(again["success"], json!(false));
    assert!(again["error"].as_str().unwrap().contains("уже оплачен"), "{again}");
    assert!(story.environment.standins().calls(None).is_empty(), "no round trips for what is settled");
}

#[tokio::test]
async fn twenty_parallel_captures_finish_once() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    let answers = join_all((0..20).map(|_| story.capture(&payment))).await;
    assert!(answers.iter().all(|answer| answer.json() == paid(&payment)), "{answers:#?}");
    assert_eq!(story.environment.standins().calls_to(System::Mokka, "finish").len(), 1);
    assert_eq!(finishes(&story, &payment), 1);
}

#[tokio::test]
async fn declined_canceled_and_expired_payments_fail_and_can_be_tried_again() {
    for status in ["declined", "canceled", "expired"] {
        let story = Story::start().await;
        let (order, payment) = created(&story).await;
        story.environment.standins().set_mokka_status(&payment, status).unwrap();
        let failed = story.capture(&payment).await.json();
        assert_eq!((&failed["success"], &failed["paymentCaptured"]), (&json!(false), &json!(false)), "{status}: {failed}");
        assert!(failed["error"].is_string() && failed.get("pending").is_none(), "{status}: {failed}");
        assert_eq!(story.state(&payment).await, status);
        let again = story.create(&order).await.json();
        assert_eq!(again["paymentId"], json!(order.payment(2)), "{status}: {again}");
        // The failed attempt stays what it is, whatever Mokka says of it later.
        story.environment.standins().set_mokka_status(&payment, "hold").unwrap();
        assert_eq!(story.capture(&payment).await.json()["success"], json!(false));
        assert_eq!(story.state(&payment).await, status);
    }
}

#[tokio::test]
async fn a_forgotten_attempt_expires_and_paying_days_later_starts_anew() {
    let story = Story::start().await;
    let (order, payment) = created(&story).await;
    let first = story.create(&order).await.json();
    assert_eq!(first["paymentId"], json!(payment), "a live attempt is returned again");
    story.environment.advance(Duration::from_hours(25));
    let again = story.create(&order).await.json();
    assert_eq!(again["paymentId"], json!(order.payment(2)), "{again}");
    assert_ne!(again["paymentUrl"], first["paymentUrl"]);
    assert_eq!(story.state(&payment).await, "expired");
}

#[tokio::test]
async fn a_status_that_nobody_knows_changes_nothing() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    story.environment.standins().set_mokka_status(&payment, "frozen").unwrap();
    assert_eq!(story.capture(&payment).await.json(), pending(&payment));
    assert_eq!(story.state(&payment).await, "pending");
}

#[tokio::test]
async fn money_of_another_amount_is_never_captured() {
    for amount in ["3249.99", "3250.01", "325000", "0", "много", "-3250.00"] {
        for status in ["hold", "finished"] {
            let story = Story::start().await;
            let (order, payment) = created(&story).await;
            story.environment.standins().set_mokka_status(&payment, status).unwrap();
            story.environment.standins().set_mokka_amount(&payment, amount).unwrap();
            let answer = story.capture(&payment).await.json();
            assert_eq!((&answer["success"], &answer["paymentCaptured"]), (&json!(false), &json!(false)), "{amount}: {answer}");
            assert!(story.environment.standins().calls_to(System::Mokka, "finish").is_empty(), "{amount}");
            assert!(story.payment(&payment).await["mismatch"].is_string());
            assert_eq!(story.create(&order).await.json()["success"], json!(false), "no second attempt beside held money");
            // The shop let it go in Mokka's cabinet: the order can be paid anew.
            story.environment.standins().set_mokka_status(&payment, "canceled").unwrap();
            assert_eq!(story.create(&order).await.json()["paymentId"], json!(order.payment(2)), "{amount}");
        }
    }
}

#[tokio::test]
async fn on_shipment_a_hold_counts_as_paid_and_is_left_alone() {
    let story = Story::start_with(Options::default(), &[("MOKKA_FINISH", "on_shipment")]).await;
    let (order, payment) = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    assert_eq!(story.capture(&payment).await.json(), paid(&payment));
    assert_eq!(story.capture(&payment).await.json(), paid(&payment));
    assert_eq!(story.callback(&payment, "approved").await.status, 200);
    assert_eq!((story.state(&payment).await.as_str(), finishes(&story, &payment)), ("held", 0));
    assert!(story.create(&order).await.json()["error"].as_str().unwrap().contains("уже оплачен"));
    // The shop finished it in Mokka's cabinet: we notice.
    story.environment.standins().set_mokka_status(&payment, "finished").unwrap();
    assert_eq!(story.capture(&payment).await.json(), paid(&payment));
    assert_eq!(story.state(&payment).await, "captured");
}

#[tokio::test]
async fn every_order_of_capture_and_callback_ends_in_the_same_state() {
    for steps in
        ["capture callback", "callback capture", "callback", "capture", "return", "return callback capture", "capture return"]
    {
        let story = Story::start().await;
        let (_, payment) = created(&story).await;
        story.decide(&payment, Decision::Approved).await;
        for step in steps.split(' ') {
            match step {
                "capture" => assert_eq!(story.capture(&payment).await.json(), paid(&payment)),
                "callback" => assert_eq!(story.callback(&payment, "approved").await.status, 200),
                _ => assert!(story.come_back(&payment).await.headers["location"].ends_with("/success")),
            }
        }
        assert_eq!((story.state(&payment).await.as_str(), finishes(&story, &payment)), ("captured", 1), "{steps}");
    }
}

#[tokio::test]
async fn every_fault_of_status_and_finish_is_answered_and_then_converges() {
    let faults = [
        "timeout",
        "reset",
        "http500",
        "html",
        "slow",
        "answer_lost",
        "refused",
        "status:23",
        "status:32",
        "status:61",
        "status:80",
        "status:777",
    ];
    let runs: Vec<_> = ["status", "finish"].into_iter().flat_map(|method| faults.map(|fault| (method, fault))).collect();
    few_at_a_time(runs.into_iter().map(|(method, fault)| async move {
        let story = Story::start().await;
        let (_, payment) = created(&story).await;
        story.decide(&payment, Decision::Approved).await;
        // Status is asked twice, and a wrong signature is tried in the other order: keep the fault up for all of it.
        let times = if method == "status" { 4 } else { 2 };
        story.environment.standins().fault(System::Mokka, method, fault.parse::<Fault>().unwrap(), times).unwrap();
        let started = Instant::now();
        let answer = story.capture(&payment).await;
        assert!(started.elapsed() < TIMELY, "{method} {fault}: {:?}", started.elapsed());
        let body = answer.json();
        assert_eq!((answer.status, &body["success"]), (200, &json!(true)), "{method} {fault}: {body}");
        if method == "finish" {
            // One Finish a request, however it came out; a wrong signature is tried once in the other order.
            let calls = if fault == "status:61" { 2 } else { 1 };
            assert_eq!(story.environment.standins().calls_to(System::Mokka, "finish").len(), calls, "{fault}");
        }
        story.environment.standins().clear_faults();
        if method == "finish" && ["status:32", "status:61"].contains(&fault) {
            // Surely refused: asked again when it is due, however often IMSHOP asks.
            let calls = story.environment.standins().calls_to(System::Mokka, "finish").len();
            for _ in 0..3 {
                assert_eq!(story.capture(&payment).await.json()["pending"], json!(true), "{fault}");
            }
            assert_eq!(story.environment.standins().calls_to(System::Mokka, "finish").len(), calls, "{fault}");
            story.environment.advance(Duration::from_mins(1));
        }
        assert_eq!(story.capture(&payment).await.json(), paid(&payment), "{method} {fault}");
        assert_eq!(finishes(&story, &payment), 1, "{method} {fault}");
        assert_eq!(story.state(&payment).await, "captured", "{method} {fault}");
    }))
    .await;
}

#[tokio::test]
async fn auto_finds_the_signature_order_that_mokka_takes_and_keeps_it() {
    let options = Options { mokka_signature: standins::SignatureOrder::SecretBody, ..Options::default() };
    let story = Story::start_with(options, &[]).await;
    let (_, payment) = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    assert_eq!(story.capture(&payment).await.json(), paid(&payment));
    let calls = story.environment.standins().calls(Some(System::Mokka));
    assert_eq!(calls.iter().map(|call| call.method).collect::<Vec<_>>(), ["checkout", "checkout", "status", "finish"]);
}

#[tokio::test]
async fn calls_go_on_with_the_next_secret_when_mokka_takes_no_other() {
    for order in ["auto", "body_secret"] {
        let next = [
            ("MOKKA_SECRET", "mokka-has-forgotten-it"),
            ("MOKKA_SECRET_NEXT", "mokka-demo-secret"),
            ("MOKKA_SIGNATURE_ORDER", order),
        ];
        let story = Story::start_with(Options::default(), &next).await;
        let (_, payment) = created(&story).await;
        story.decide(&payment, Decision::Approved).await;
        assert_eq!(story.capture(&payment).await.json(), paid(&payment), "{order}");
        let calls = story.environment.standins().calls(Some(System::Mokka));
        let calls: Vec<_> = calls.iter().map(|call| call.method).collect();
        let refused = if order == "auto" { 2 } else { 1 };
        assert_eq!(calls, [vec!["checkout"; refused], vec!["checkout", "status", "finish"]].concat(), "remembered from then on");
    }
}

#[tokio::test]
async fn a_fixed_signature_order_is_not_second_guessed() {
    let options = Options { mokka_signature: standins::SignatureOrder::SecretBody, ..Options::default() };
    let story = Story::start_with(options, &[("MOKKA_SIGNATURE_ORDER", "body_secret")]).await;
    let order = story.order().await;
    assert_eq!(story.create(&order).await.json()["success"], json!(false));
    assert_eq!(story.environment.standins().calls(Some(System::Mokka)).len(), 1);
}

#[tokio::test]
async fn the_shops_receipt_goes_along_when_there_is_one() {
    let story = Story::start().await;
    story.environment.standins().shop_answers(json!({"checkNumber": "FD-77", "checkLink": "https://ofd.example/77"})).unwrap();
    let (_, payment) = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    story.capture(&payment).await;
    let body = &story.environment.standins().calls_to(System::Mokka, "finish")[0].body["body"];
    assert_eq!((&body["check_number"], &body["check_link"]), (&json!("FD-77"), &json!("https://ofd.example/77")));
}

#[tokio::test]
async fn unknown_payments_are_unknown() {
    let story = Story::start().await;
    for id in ["1001-1", "нет", "../../x", &"9".repeat(150)] {
        let answer = story.capture(id).await;
        assert_eq!((answer.status, &answer.json()["success"]), (200, &json!(false)), "{id}: {}", answer.body);
        assert_eq!(answer.json()["error"], json!("Платёж не найден."));
    }
}

#[tokio::test]
async fn a_corrected_amount_is_captured_after_all() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    story.environment.standins().set_mokka_amount(&payment, "3000.00").unwrap();
    assert_eq!(story.capture(&payment).await.json()["success"], json!(false));
    assert_eq!(story.capture(&payment).await.json()["success"], json!(false));
    assert_eq!(story.payment(&payment).await["version"], json!(3), "said once, written once");
    story.environment.standins().set_mokka_amount(&payment, "3250.00").unwrap();
    assert_eq!(story.capture(&payment).await.json(), paid(&payment));
    assert_eq!(story.payment(&payment).await.get("mismatch"), None);
}

#[tokio::test]
async fn capture_names_a_way_to_pay_that_can_be_this_payments() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    for (method, success) in [("mokka", true), ("webhook/mokka", true), ("cash", false), ("nope", false)] {
        let body = json!({"command": "capture", "paymentMethodId": method, "paymentId": payment});
        let event = testkit::Event::post("/v1/acquiring").key("imshop-demo-key").json(body);
        let answer = story.acquiring(event.rest()).await;
        assert_eq!((answer.status, &answer.json()["success"]), (200, &json!(success)), "{method}: {}", answer.body);
    }
}

/// Some systems begin their JSON with a byte order mark: what is behind it counts, from the order to its capture and to IMSHOP.
#[tokio::test]
async fn a_byte_order_mark_before_an_answer_is_nothing() {
    let story = Story::start().await;
    let standins = story.environment.standins();
    for (system, method) in
        [(System::Shop, "orders"), (System::Mokka, "checkout"), (System::Mokka, "status"), (System::Mokka, "finish")]
    {
        standins.fault(system, method, Fault::Bom, 10).unwrap();
    }
    let order = story.order().await;
    assert_eq!(story.create(&order).await.json()["success"], true);
    story.decide(&order.payment(1), Decision::Approved).await;
    assert_eq!(story.capture(&order.payment(1)).await.json()["paymentCaptured"], true);
    assert_eq!(standins.mokka_order(&order.payment(1)).unwrap().finishes, 1);
}
