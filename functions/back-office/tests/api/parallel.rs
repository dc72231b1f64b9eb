//! Many at once: one effect.

use futures_util::future::join_all;
use serde_json::json;
use testkit::Answer;

use crate::{AMOUNT, Shop};

fn kopecks(amount: &str) -> i64 {
    amount.replace('.', "").parse().unwrap()
}

#[tokio::test]
async fn twenty_refunds_at_once_never_exceed_what_was_captured() {
    let shop = Shop::captured_yesterday().await;
    let keys: Vec<_> = (0..20).map(|number| format!("key-{number}")).collect();
    let answers = join_all(keys.iter().map(|key| shop.refund(key, Some("300.00")))).await;
    for answer in &answers {
        let allowed = match answer.status {
            // 503: whose turn did not come in time. 202: whose turn came so late that reconcile has to finish it.
            200 | 503 => true,
            500 => shop.is_in_doubt(answer),
            202 => answer.json()["refund"]["status"] == "waiting",
            409 => ["in_progress", "above_rest"].contains(&answer.json()["code"].as_str().unwrap()),
            _ => false,
        };
        assert!(allowed, "{}", answer.body);
    }
    let mokka = shop.mokka();
    let stored = shop.look().await;
    let made = stored["refunds"].as_array().unwrap().iter().filter(|refund| refund["status"] == "made").count();
    assert!((1..=10).contains(&made), "{made}");
    assert!(answers.iter().filter(|answer| answer.status == 200).count() <= made, "{made}");
    assert_eq!((mokka.returns.len(), kopecks(&mokka.returned)), (made, 30_000 * i64::try_from(made).unwrap()));
    assert!(kopecks(&mokka.returned) <= kopecks(AMOUNT));
    assert_eq!(stored["refunded"], json!(mokka.returned));
    shop.assert_asked_before_parallel();
}

#[tokio::test]
async fn twenty_refunds_of_everything_give_everything_back_once() {
    let shop = Shop::captured().await;
    let keys: Vec<_> = (0..20).map(|number| format!("key-{number}")).collect();
    let answers = join_all(keys.iter().map(|key| shop.refund(key, None))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:#?}");
    assert_eq!((shop.mokka().returned.as_str(), shop.changing()), (AMOUNT, vec!["return"]));
}

#[tokio::test]
async fn the_same_key_twenty_times_at_once_is_one_refund() {
    for amount in [None, Some("300.00")] {
        let shop = Shop::captured_yesterday().await;
        let answers = join_all((0..20).map(|_| shop.refund("key", amount))).await;
        assert!(answers.iter().all(|answer| answer.status == 200 || shop.is_in_doubt(answer)), "{answers:#?}");
        let again = shop.refund("key", amount).await;
        assert_eq!(again.status, 200, "{}", again.body);
        assert_eq!(shop.changing(), ["return"], "{amount:?}");
        assert_eq!(shop.look().await["refunds"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn the_same_key_at_once_is_one_refund_even_if_its_answer_is_lost() {
    for amount in [None, Some("300.00")] {
        let shop = Shop::captured_yesterday().await;
        shop.story.environment.standins().fault(standins::System::Mokka, "return", standins::Fault::AnswerLost, 1).unwrap();
        let answers = join_all((0..20).map(|_| shop.refund("key", amount))).await;
        let wanted = if amount.is_some() { 202 } else { 200 };
        assert!(answers.iter().all(|answer| answer.status == wanted || shop.is_in_doubt(answer)), "{answers:#?}");
        let again = shop.refund("key", amount).await;
        assert_eq!(again.status, wanted, "{}", again.body);
        assert_eq!((shop.changing(), shop.mokka().returns.len()), (vec!["return"], 1), "{amount:?}");
    }
}

#[tokio::test]
async fn twenty_finishes_at_once_are_one() {
    let shop = Shop::held().await;
    let answers = join_all((0..20).map(|_| shop.finish())).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:#?}");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!((answer.status, &answer.json()["code"]), (409, &json!("already_captured")), "{}", answer.body);
    }
    assert_eq!((shop.changing(), shop.mokka().finishes), (vec!["finish"], 1));
}

#[tokio::test]
async fn of_a_capture_and_a_cancellation_at_once_one_wins() {
    for turn in 0..6 {
        let shop = Shop::held().await;
        let (finished, canceled) = if turn % 2 == 0 {
            tokio::join!(shop.finish(), shop.cancel())
        } else {
            let (canceled, finished) = tokio::join!(shop.cancel(), shop.finish());
            (finished, canceled)
        };
        let mokka = shop.mokka();
        assert_eq!(mokka.finishes + mokka.cancels, 1, "{turn}");
        let won = if mokka.finishes == 1 { (200, 409) } else { (409, 200) };
        assert_eq!((finished.status, canceled.status), won, "{turn}: {} {}", finished.body, canceled.body);
        let state = if mokka.finishes == 1 { "captured" } else { "canceled" };
        assert_eq!(shop.state().await, state, "{turn}");
        assert_eq!(shop.changing().len(), 1, "{turn}: the loser calls nothing that changes something");
    }
}

#[tokio::test]
async fn a_capture_by_the_back_office_and_one_by_a_callback_are_one() {
    let shop = Shop::with(&[("MOKKA_FINISH", "on_hold")]).await;
    shop.story.decide(&shop.payment, standins::Decision::Approved).await;
    let callback = shop.story.callback(&shop.payment, "approved");
    let (called, finished, settled) = tokio::join!(callback, shop.finish(), shop.settle());
    assert_eq!(called.status, 200);
    assert!([200, 409].contains(&finished.status), "{}", finished.body);
    assert!([200, 202].contains(&settled.status), "{}", settled.body);
    assert_eq!((shop.mokka().finishes, shop.changing()), (1, vec!["finish"]));
}

impl Shop {
    /// Whether it says that the outcome is unknown: on a busy machine the store may not answer in time, and others write over it.
    fn is_in_doubt(&self, answer: &Answer) -> bool {
        let logs = self.story.environment.logs();
        answer.status == 500 && ["no answer in time", "after an answer was lost"].iter().any(|trouble| logs.contains(trouble))
    }

    /// With many at once the looks and the calls mix: there are at least as many looks.
    fn assert_asked_before_parallel(&self) {
        let called = self.called();
        let looks = called.iter().filter(|method| **method == "status").count();
        assert!(looks >= self.changing().len(), "{called:?}");
    }
}
