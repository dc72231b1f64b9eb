//! Objects with what nobody has seen yet, and without what nobody needs.

use serde_json::{Map, Value};
use shared::payments::yookassa::types::PaymentStatus;

use super::*;

fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn unknown_words_are_kept_and_are_no_money() {
    let shop = Shop::open().await;
    let payment = shop.held("10.00").await;
    let new = json!({"status": "frozen", "payment_method": {"type": "digital_ruble", "id": "x"}, "colour": {"of": ["money"]}});
    shop.standins.set_yookassa_fields(&payment.id, fields(&new)).unwrap();
    let read = shop.client.payment(&payment.id, deadline()).await.unwrap();
    assert_eq!(read.status, PaymentStatus::Other("frozen".to_owned()));
    assert_eq!(read.payment_method.0.unwrap().kind, "digital_ruble");
}

#[tokio::test]
async fn what_no_money_depends_on_may_be_missing_or_odd() {
    let shop = Shop::open().await;
    let payment = shop.held("10.00").await;
    for odd in [Value::Null, json!(7), json!(["x"]), json!({"x": 1})] {
        let overrides = ["created_at", "expires_at", "recipient", "metadata", "payment_method", "cancellation_details"];
        let overrides = overrides.into_iter().map(|name| (name.to_owned(), odd.clone())).collect();
        shop.standins.set_yookassa_fields(&payment.id, overrides).unwrap();
        let read = shop.client.payment(&payment.id, deadline()).await.unwrap();
        assert_eq!((read.status, read.amount), (PaymentStatus::WaitingForCapture, payment.amount.clone()), "{odd}");
    }
}

#[tokio::test]
async fn what_money_depends_on_must_be_readable() {
    let odd = [
        ("amount", Value::Null),
        ("amount", json!("10.00")),
        ("amount", json!({"value": "ten", "currency": "RUB"})),
        ("amount", json!({"value": "10.00"})),
        ("refunded_amount", json!({"value": "1.001", "currency": "RUB"})),
        ("refunded_amount", json!("1.00")),
        ("status", Value::Null),
        ("test", json!("perhaps")),
    ];
    for (name, value) in odd {
        let shop = Shop::open().await;
        let payment = shop.captured("10.00").await;
        shop.standins.set_yookassa_fields(&payment.id, fields(&json!({ name: value }))).unwrap();
        let answer = shop.client.payment(&payment.id, deadline()).await;
        assert!(answer.as_ref().is_err_and(Error::may_be_done), "{name} = {value}: {answer:?}");
    }
}

#[tokio::test]
async fn another_currency_is_no_money_of_ours() {
    let shop = Shop::open().await;
    let payment = shop.held("10.00").await;
    let amount = json!({"amount": {"value": "10.00", "currency": "XAU"}});
    shop.standins.set_yookassa_fields(&payment.id, fields(&amount)).unwrap();
    assert_eq!(shop.client.payment(&payment.id, deadline()).await.unwrap().amount.money(), None);
}
