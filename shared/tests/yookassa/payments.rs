//! A payment's life, and what is refused.

use shared::payments::yookassa::types::{Amount, PaymentStatus, RefundStatus};
use shared::platform::clock::Timestamp;

use super::*;

fn money(text: &str) -> Money {
    Money::new(Decimal::parse(text).unwrap(), Currency::Rub)
}

#[tokio::test]
async fn hold_is_captured_in_part_and_refunded_in_parts() {
    let shop = Shop::open().await;
    let pending = shop.pending("1234.56").await;
    assert_eq!(
        (&pending.status, pending.amount.money(), pending.test),
        (&PaymentStatus::Pending, Some(money("1234.56")), Some(true))
    );
    assert_eq!(pending.recipient.0.as_ref().unwrap().account_id, "506751");
    assert_eq!(pending.metadata.0.as_ref().unwrap()["payment_id"], "1001-1");
    let page = pending.confirmation.0.as_ref().unwrap().confirmation_url.0.clone().unwrap();
    assert!(page.starts_with(&shop.standins.base_url()), "{page}");
    let sent = &shop.standins.calls_to(System::Yookassa, "create")[0].body;
    assert_eq!((&sent["amount"]["value"], &sent["capture"]), (&json!("1234.56"), &json!(false)));

    let held = shop.decide(&pending, CardDecision::Paid).await;
    assert_eq!(held.status, PaymentStatus::WaitingForCapture);
    let end = Timestamp::from_rfc3339("2026-11-25T09:00:00Z");
    assert_eq!(held.expires_at.0.map(|moment| moment.0), end);

    let captured = shop.client.capture(&held.id, &capture("1000.00", 1), deadline()).await.unwrap();
    assert_eq!((&captured.status, captured.amount.money()), (&PaymentStatus::Succeeded, Some(money("1000.00"))));
    assert_eq!(captured.refunded_amount.as_ref().and_then(Amount::money), Some(money("0")));

    let given_back = shop.client.create_refund(&refund(&held, "100.10", 1), deadline()).await.unwrap();
    assert_eq!((&given_back.status, given_back.amount.money()), (&RefundStatus::Succeeded, Some(money("100.10"))));
    assert_eq!(shop.client.refund(&given_back.id, deadline()).await.unwrap(), given_back);
    assert_eq!(shop.client.refunds(&held.id, None, deadline()).await.unwrap().items, [given_back]);
    let left = shop.client.payment(&held.id, deadline()).await.unwrap();
    assert_eq!(left.status, PaymentStatus::Succeeded, "it stays so");
    assert_eq!(left.refunded_amount.and_then(|amount| amount.money()), Some(money("100.10")));
}

#[tokio::test]
async fn hold_is_let_go_and_a_declined_card_has_its_reason() {
    let shop = Shop::open().await;
    let held = shop.held("10.00").await;
    let canceled = shop.client.cancel(&held.id, &cancel(1), deadline()).await.unwrap();
    assert_eq!(canceled.status, PaymentStatus::Canceled);
    assert_eq!(canceled.cancellation_details.0.unwrap().reason, "canceled_by_merchant");
    let declined = shop.client.create_payment(&create("20.00", 2), deadline()).await.unwrap();
    let declined = shop.decide(&declined, CardDecision::Declined).await;
    assert_eq!(declined.status, PaymentStatus::Canceled);
    assert!(declined.cancellation_details.0.is_some());
}

#[tokio::test]
async fn pending_refund_is_asked_for_until_it_is_decided() {
    let shop = Shop::open().await;
    shop.standins.set_reading("refunds", "pending").unwrap();
    let captured = shop.captured("50.00").await;
    let accepted = shop.client.create_refund(&refund(&captured, "50.00", 1), deadline()).await.unwrap();
    assert_eq!(accepted.status, RefundStatus::Pending);
    assert_eq!(shop.client.refund(&accepted.id, deadline()).await.unwrap().status, RefundStatus::Pending);
}

#[tokio::test]
async fn payments_are_found_by_when_they_were_made() {
    let shop = Shop::open().await;
    let mut ids = Vec::new();
    for number in 0..103 {
        ids.insert(0, shop.client.create_payment(&create("10.00", number), deadline()).await.unwrap().id);
    }
    let from = Timestamp::from_rfc3339("2026-11-18T09:00:00Z").unwrap();
    let before = from.plus(Duration::from_secs(1));
    let first = shop.client.payments(from, before, None, deadline()).await.unwrap();
    let rest = shop.client.payments(from, before, first.next_cursor.as_deref(), deadline()).await.unwrap();
    let found: Vec<String> = first.items.into_iter().chain(rest.items).map(|payment| payment.id).collect();
    assert_eq!((found, rest.next_cursor), (ids, None));
    let none = shop.client.payments(before, before.plus(Duration::from_mins(1)), None, deadline()).await.unwrap();
    assert_eq!(none.items, []);
}

#[tokio::test]
async fn refusals_say_what_has_to_change() {
    let shop = Shop::open().await;
    let pending = shop.pending("100.00").await;
    assert_eq!(cause(shop.client.capture(&pending.id, &capture("100.00", 1), deadline()).await), Some(Cause::State));
    assert_eq!(cause(shop.client.cancel(&pending.id, &cancel(1), deadline()).await), Some(Cause::State));
    assert_eq!(cause(shop.client.create_refund(&refund(&pending, "1.00", 1), deadline()).await), Some(Cause::State));
    shop.decide(&pending, CardDecision::Paid).await;
    assert_eq!(cause(shop.client.capture(&pending.id, &capture("100.01", 2), deadline()).await), Some(Cause::Amount));
    shop.client.capture(&pending.id, &capture("100.00", 3), deadline()).await.unwrap();
    assert_eq!(cause(shop.client.create_refund(&refund(&pending, "100.01", 2), deadline()).await), Some(Cause::Amount));
    assert_eq!(cause(shop.client.create_refund(&refund(&pending, "99.50", 3), deadline()).await), Some(Cause::Amount));
    assert_eq!(cause(shop.client.payment("no-such-payment", deadline()).await), Some(Cause::Configuration));
    assert_eq!(shop.client.me(deadline()).await.unwrap().account_id, "506751");
}
