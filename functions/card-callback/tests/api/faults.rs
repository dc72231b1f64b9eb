//! Each fault of each call to YooKassa: the money is right in the end.

use testkit::few_at_a_time;

use super::*;

const FAULTS: [&str; 9] =
    ["timeout", "reset", "http500", "throttled", "html", "answer_lost", "effect_late:3", "refused", "status:202"];

#[tokio::test]
async fn every_fault_of_a_capture_ends_with_one_capture() {
    few_at_a_time(FAULTS.into_iter().map(|fault| async move {
        let shop = Shop::pending().await;
        shop.pay(CardDecision::Paid).await;
        shop.fault("capture", fault, 1);
        let answer = shop.capture().await;
        assert_eq!(answer["success"], json!(true), "{fault}: {answer}");
        shop.wait(40).await;
        let their = shop.their();
        assert_eq!((shop.state().await.as_str(), &their["status"]), ("captured", &json!("succeeded")), "{fault}");
        assert_eq!(their["amount"]["value"], json!(AMOUNT), "{fault}");
        let history = shop.stored().await["history"].as_array().unwrap().clone();
        assert_eq!(history.iter().filter(|step| step["state"] == json!("captured")).count(), 1, "{fault}: {history:?}");
    }))
    .await;
}

#[tokio::test]
async fn every_fault_of_a_status_question_changes_nothing() {
    few_at_a_time(FAULTS.into_iter().map(|fault| async move {
        let shop = Shop::pending().await;
        shop.pay(CardDecision::Paid).await;
        shop.fault("get", fault, 2);
        let answer = shop.capture().await;
        assert_eq!(answer["success"], json!(true), "{fault}: {answer}");
        shop.wait(40).await;
        assert_eq!((shop.state().await.as_str(), &shop.their()["status"]), ("captured", &json!("succeeded")), "{fault}");
    }))
    .await;
}

#[tokio::test]
async fn every_fault_of_a_cancellation_ends_with_the_hold_let_go() {
    few_at_a_time(FAULTS.into_iter().map(|fault| async move {
        let shop = Shop::pending().await;
        assert_eq!(shop.back_office("cancel", OPERATOR_KEY, None).await.status, 200, "{fault}");
        shop.pay(CardDecision::Held).await;
        shop.fault("cancel", fault, 1);
        shop.wait(60).await;
        assert_eq!((shop.state().await.as_str(), &shop.their()["status"]), ("canceled", &json!("canceled")), "{fault}");
    }))
    .await;
}

#[tokio::test]
async fn every_fault_of_a_refund_gives_back_once() {
    few_at_a_time(FAULTS.into_iter().map(|fault| async move {
        let shop = Shop::captured().await;
        shop.fault("refund", fault, 1);
        let answer = shop.refund("once", Some("1000.00")).await;
        if answer.status == 502 {
            assert_eq!(fault, "refused", "{}", answer.body);
            assert_eq!(shop.refund("again", Some("1000.00")).await.status, 200, "{fault}");
        }
        shop.wait(40).await;
        let refunds = shop.standins().yookassa_refunds();
        assert_eq!(refunds.len(), 1, "{fault}: {refunds:?}");
        assert_eq!(shop.state().await, "partially_refunded", "{fault}");
    }))
    .await;
}
