//! Mokka's callbacks are hints: whatever can be read is read, and the rest is as if it were absent.

use shared::payments::mokka::types::{CheckoutCallback, Decision, RegistrationCallback, ScheduledPayment};
use shared::platform::money::Decimal;
use time::macros::date;

fn checkout(json: &str) -> CheckoutCallback {
    serde_json::from_str(json).unwrap()
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

#[test]
fn a_checkout_callback_of_the_documents_shape() {
    let callback = checkout(
        r#"{"order_id":"K-1001-1","decision":"approved","amount":"5240.00","prepayment_amount":"760.00","total_amount":6000.00,
            "term":3,"monthly_overpayment":120.5,
            "client":{"primary_phone":"8881234567","email":"aigul@shop.example","full_name":"Асанова Айгуль Маратовна",
                      "first_name":"Айгуль","surname":"Асанова","patronymic":"Маратовна"},
            "schedule":[{"date":"15.01.2027","amount":"2620.00"},{"date":"15.02.2027","amount":"2620.00"}]}"#,
    );
    assert_eq!(callback.order_id.0.as_deref(), Some("K-1001-1"));
    assert_eq!(callback.decision.0, Some(Decision::Approved));
    assert_eq!((callback.amount.0, callback.prepayment_amount.0), (Some(decimal("5240")), Some(decimal("760"))));
    assert_eq!((callback.total_amount.0, callback.monthly_overpayment.0), (Some(decimal("6000")), Some(decimal("120.5"))));
    assert_eq!(callback.term, Some(3));
    assert_eq!(callback.email(), Some("aigul@shop.example"));
    let client = callback.client.0.unwrap();
    assert_eq!(client.primary_phone.0.as_deref(), Some("8881234567"));
    assert_eq!(client.full_name.0.as_deref(), Some("Асанова Айгуль Маратовна"));
    assert_eq!(client.first_name.0.as_deref(), Some("Айгуль"));
    assert_eq!((client.surname.0.as_deref(), client.patronymic.0.as_deref()), (Some("Асанова"), Some("Маратовна")));
    let second = ScheduledPayment { date: date!(2027 - 02 - 15), amount: decimal("2620") };
    assert_eq!(callback.schedule.0.unwrap()[1], second);
}

#[test]
fn a_declined_checkout_has_nothing_to_pay() {
    let callback = checkout(r#"{"order_id":"K-1","decision":"declined","amount":"0.00","term":null,"schedule":[]}"#);
    assert_eq!(callback.decision.0, Some(Decision::Declined));
    assert_eq!((callback.amount.0, callback.term), (Some(decimal("0")), None));
    assert_eq!(callback.schedule.0, Some(vec![]));
    assert_eq!(callback.email(), None);
}

#[test]
fn the_email_is_looked_for_in_three_places_in_this_order() {
    for (json, email) in [
        (r#"{"client":{"primary_email":"p@x","email":"c@x"},"email":"t@x"}"#, Some("p@x")),
        (r#"{"client":{"primary_email":"","email":"c@x"},"email":"t@x"}"#, Some("c@x")),
        (r#"{"client":{"primary_email":7,"email":" c@x "}}"#, Some("c@x")),
        (r#"{"client":{"email":null},"email":"t@x"}"#, Some("t@x")),
        (r#"{"client":"p@x","email":"t@x"}"#, Some("t@x")),
        (r#"{"client":null,"email":"  "}"#, None),
        ("{}", None),
    ] {
        assert_eq!(checkout(json).email(), email, "{json}");
    }
}

#[test]
fn nothing_odd_in_a_callback_hides_the_rest() {
    for odd in [
        r#""decision":5"#,
        r#""amount":"lots""#,
        r#""amount":1e999"#,
        r#""amount":-1"#,
        r#""term":"soon""#,
        r#""term":{}"#,
        r#""term":-3"#,
        r#""client":[]"#,
        r#""client":{"primary_phone":{}}"#,
        r#""schedule":{"date":"01.01.2027"}"#,
        r#""schedule":[{"date":"31.02.2027","amount":"1.00"}]"#,
        r#""total_amount":null"#,
        r#""monthly_overpayment":"free""#,
        r#""email":["a@b"]"#,
        r#""signature":"new field""#,
    ] {
        let callback = checkout(&format!(r#"{{"order_id":"K-1",{odd}}}"#));
        assert_eq!(callback.order_id.0.as_deref(), Some("K-1"), "{odd}");
        assert_eq!(
            (callback.decision.0, callback.amount.0, callback.term, callback.schedule.0),
            (None, None, None, None),
            "{odd}"
        );
    }
    assert_eq!(checkout(r#"{"decision":"maybe","term":"12"}"#).decision.0, Some(Decision::Other("maybe".to_owned())));
    assert_eq!(checkout(r#"{"term":"12"}"#).term, Some(12));
}

#[test]
fn a_registration_callback_with_amounts_of_either_type() {
    for amount in [r#""9500.00""#, "9500", "9500.00"] {
        let json = format!(
            r#"{{"order_id":"R-77","decision":"approved","amount":{amount},"mobile_phone":"88881234567","email":"a@shop.example"}}"#
        );
        let callback: RegistrationCallback = serde_json::from_str(&json).unwrap();
        assert_eq!((callback.order_id.0.as_deref(), callback.decision.0), (Some("R-77"), Some(Decision::Approved)));
        assert_eq!(callback.amount.0, Some(decimal("9500")));
        assert_eq!(callback.mobile_phone.0.as_deref(), Some("88881234567"));
        assert_eq!(callback.email.0.as_deref(), Some("a@shop.example"));
    }
    let odd: RegistrationCallback =
        serde_json::from_str(r#"{"order_id":7,"decision":null,"amount":{},"mobile_phone":1}"#).unwrap();
    assert_eq!((odd.order_id.0, odd.decision.0, odd.amount.0, odd.mobile_phone.0), (None, None, None, None));
}
