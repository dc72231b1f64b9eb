//! A payment by card while the process dies: what YooKassa has of it.

use serde_json::{Value, json};
use standins::{CardDecision, CardOutcome};

use crate::Subject;
use crate::killable::{Gone, KillableSandbox};

/// The way to pay.
pub(crate) const METHOD: &str = "yookassa/card";

/// What YooKassa has under our id of a payment.
pub(crate) fn payments(sandbox: &KillableSandbox, id: &str) -> Vec<Value> {
    let theirs = sandbox.standins.yookassa_payments();
    theirs.into_iter().filter(|theirs| theirs["metadata"]["payment_id"] == id).collect()
}

/// An order up to the notification that has its money captured.
pub(crate) async fn pay(sandbox: &KillableSandbox, subject: &mut Subject) -> Result<(), Gone> {
    let id = sandbox.order(&subject.uuid).await?;
    subject.id = Some(id.clone());
    let (status, answer) = sandbox.create(METHOD, &subject.uuid, &id).await?;
    if status != 200 || answer["success"] != true {
        return Ok(());
    }
    let theirs = payments(sandbox, &subject.payment());
    let paid = CardOutcome { notify: false, ..CardOutcome::new(CardDecision::Paid) };
    let decided = sandbox.standins.decide_yookassa(theirs[0]["id"].as_str().unwrap(), &paid).await.unwrap();
    let notification = json!({"type": "notification", "event": "payment.waiting_for_capture", "object": decided["object"]});
    let (status, answer) = sandbox.notify(&notification).await?;
    // It may come within five seconds of another one.
    assert!(matches!(status, 200 | 503), "{status} {answer}");
    Ok(())
}

/// One payment at YooKassa, captured by one call, with the refunds that we know of.
pub(crate) fn check(sandbox: &KillableSandbox, subject: &Subject, payment: &Value) {
    let theirs = payments(sandbox, &subject.payment());
    let captured = match payment["state"].as_str().unwrap() {
        "expired" => {
            assert!(theirs.iter().all(|theirs| theirs["status"] == "pending" || theirs["status"] == "canceled"), "{theirs:?}");
            return;
        }
        state => ["captured", "partially_refunded"].contains(&state),
    };
    let [theirs] = theirs.as_slice() else { panic!("one payment at YooKassa, not {theirs:?}") };
    assert!(captured && theirs["status"] == "succeeded", "{theirs:#} {payment:#}");
    let (amount, made) = (payment["amount"].as_i64().unwrap(), payment["refunds"].as_array().map_or(0, Vec::len));
    assert_eq!(theirs["amount"]["value"], format!("{}.{:02}", amount / 100, amount % 100));
    let given_back = if made == 0 { "0.00" } else { "300.00" };
    assert_eq!(theirs["refunded_amount"]["value"].as_str().unwrap_or("0.00"), given_back, "{payment:#}");
    // Each call that changes something has a number, and a repetition has that of the call before it.
    assert_eq!(payment["operations"], json!(2 + made), "create, capture, refund: {payment:#}");
    assert!(payment["mismatch"].is_null() && payment["attention"].is_null() && payment["unknown"] == false, "{payment:#}");
}
