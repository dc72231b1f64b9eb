//! Keys: one operation is done once.

use std::collections::BTreeSet;

use super::*;

#[tokio::test]
async fn the_same_operation_again_is_answered_with_what_it_did() {
    let shop = Shop::open().await;
    shop.fault("create", Fault::AnswerLost, 1);
    let lost = shop.client.create_payment(&create("10.00", 1), deadline()).await.unwrap_err();
    assert!(lost.may_be_done(), "{lost}");
    assert_eq!(shop.calls("create"), 1, "what changes something is never sent again by itself");
    let payment = shop.pending("10.00").await;
    assert_eq!(shop.standins.yookassa_payments().len(), 1);
    assert_eq!(shop.pending("10.00").await, payment);

    shop.decide(&payment, CardDecision::Paid).await;
    for method in ["capture", "refund"] {
        shop.fault(method, Fault::AnswerLost, 1);
    }
    shop.client.capture(&payment.id, &capture("10.00", 1), deadline()).await.unwrap_err();
    shop.client.capture(&payment.id, &capture("10.00", 1), deadline()).await.unwrap();
    shop.client.create_refund(&refund(&payment, "5.00", 1), deadline()).await.unwrap_err();
    shop.client.create_refund(&refund(&payment, "5.00", 1), deadline()).await.unwrap();
    assert_eq!(shop.standins.yookassa_refunds().len(), 1);
}

#[tokio::test]
async fn a_key_with_another_body_is_a_fault_of_ours() {
    let shop = Shop::open().await;
    shop.pending("10.00").await;
    let other = Operation { key: create("10.00", 1).key, body: create("10.01", 1).body };
    assert_eq!(cause(shop.client.create_payment(&other, deadline()).await), Some(Cause::KeyReused));
    assert_eq!(shop.standins.yookassa_payments().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_repeated_under_its_key_and_not_under_the_next() {
    let shop = Shop::open().await;
    let payment = shop.pending("10.00").await;
    assert_eq!(cause(shop.client.capture(&payment.id, &capture("10.00", 1), deadline()).await), Some(Cause::State));
    shop.decide(&payment, CardDecision::Paid).await;
    assert_eq!(cause(shop.client.capture(&payment.id, &capture("10.00", 1), deadline()).await), Some(Cause::State));
    shop.client.capture(&payment.id, &capture("10.00", 2), deadline()).await.unwrap();
}

#[test]
fn keys_differ_in_everything_that_makes_an_operation_another_one() {
    let key = |installation, payment, name, number| Operation::new(installation, payment, name, number, &json!({})).unwrap().key;
    let first = key("a", "1-1", "capture", 1);
    assert_eq!(first, key("a", "1-1", "capture", 1));
    assert_eq!((first.len(), first.chars().all(|digit| digit.is_ascii_hexdigit())), (64, true));
    let others = [
        key("b", "1-1", "capture", 1),
        key("a", "1-2", "capture", 1),
        key("a", "1-1", "cancel", 1),
        key("a", "1-1", "capture", 2),
    ];
    assert_eq!(others.into_iter().chain([first]).collect::<BTreeSet<_>>().len(), 5);
}
