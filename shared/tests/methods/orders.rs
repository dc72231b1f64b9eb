//! What is left of a cart's facts once it is an order.

use shared::payments::methods::{Facts, Methods};
use shared::payments::payment::{Cart, Fact, Known, Order};
use shared::platform::clock::Timestamp;
use shared::platform::ids::{OrderId, OrderUuid};
use shared::platform::money::{Currency, Decimal, Money};

use crate::{WEDNESDAY, at, under};

fn rub(text: &str) -> Money {
    Money::new(Decimal::parse(text).unwrap(), Currency::Rub)
}

fn cart(at: Timestamp) -> Cart {
    Cart {
        at,
        is_split: false,
        country: Fact::Known(Some("KG".to_owned())),
        city: Fact::Unknown,
        delivery: Fact::Unknown,
        pickup_location: Fact::Known(None),
        promocode: Fact::Unknown,
        bonuses: Fact::Unknown,
        known_customer: Fact::Known(false),
        goods: Fact::Unknown,
        amount: Fact::Unknown,
    }
}

fn order(cart: Option<Cart>) -> Order {
    Order {
        uuid: OrderUuid::parse("u").unwrap(),
        id: OrderId::parse("1").unwrap(),
        public_id: None,
        amount: Some(rub("1250")),
        currency: Some(Currency::Rub),
        phone: None,
        email: None,
        name: None,
        lines: Vec::new(),
        delivery: Some(rub("250")),
        known: Known::default(),
        install_id: None,
        check_number: None,
        check_link: None,
        said_at: Timestamp::from_millis(0),
        cart,
        person_until: None,
        erasure_asked: false,
        latest_payment: None,
        attempts: 0,
        earlier_ids: Vec::new(),
        found_as: None,
        recorded_at: None,
        version: 0,
    }
}

fn could_be(condition: &str, order: &Order) -> bool {
    let methods = Methods::parse(&under(condition)).unwrap();
    let method = methods.iter().next().unwrap();
    Facts::of_order(order, Currency::Rub, methods.utc_offset()).iter().any(|facts| method.could_be_offered(facts))
}

#[test]
fn what_was_not_recorded_refuses_nothing() {
    let condition = r#"{ country = ["RU"], city = ["Ош"], delivery = ["1"], pickup = true, promocode = true, preorder = true,
        legalEntity = true, promo = true, bonuses = { min = 1 }, items = ["a"], customer = "known", time = { days = ["sun"] } }"#;
    assert!(could_be(condition, &order(None)), "an order from before, or one that the shop pushed");
    let known = order(Some(cart(at(WEDNESDAY))));
    for (condition, possible) in [
        (r#"{ country = ["RU"] }"#, false),
        (r#"{ country = ["KG"] }"#, true),
        (r#"{ city = ["Ош"] }"#, true),
        ("{ pickup = true }", false),
        ("{ pickup = false }", true),
        (r#"{ customer = "known" }"#, false),
        ("{ preorder = true }", true),
        ("{ promo = true }", true),
        (r#"{ not = { country = ["KG"] } }"#, false),
    ] {
        assert_eq!(could_be(condition, &known), possible, "{condition}");
    }
}

#[test]
fn amount_condition_reads_order_total_delivery_or_cart() {
    let mut known = order(Some(cart(at(WEDNESDAY))));
    known.cart.as_mut().unwrap().amount = Fact::Known(rub("1100"));
    for (condition, possible) in [
        ("{ amount = { min = 1250 } }", true),
        ("{ amount = { max = 1000 } }", true),
        ("{ amount = { min = 1100, max = 1100 } }", true),
        ("{ amount = { min = 1250.01 } }", false),
        ("{ amount = { max = 999.99 } }", false),
        ("{ not = { amount = { min = 1000 } } }", false),
    ] {
        assert_eq!(could_be(condition, &known), possible, "{condition}");
    }
    let methods = Methods::parse(&under("{ amount = { max = 1 } }")).unwrap();
    let foreign = Facts::of_order(&known, Currency::Kgs, methods.utc_offset());
    assert!(foreign.iter().all(|facts| facts.amount.is_unknown()), "roubles say nothing to rules in som");
    known.cart.as_mut().unwrap().is_split = true;
    assert!(could_be("{ amount = { min = 5000 } }", &known), "the whole cart may have cost more than this part of it");
    let unpriced = Order { amount: None, ..order(None) };
    assert!(could_be("{ amount = { max = 1 } }", &unpriced));
}

#[test]
fn the_time_is_when_the_order_was_recorded_or_an_hour_before() {
    // Noon in Moscow.
    let known = order(Some(cart(at(WEDNESDAY))));
    for (window, possible) in [
        (r#"{ to = "12:00" }"#, true),
        (r#"{ from = "12:00" }"#, true),
        (r#"{ to = "11:00" }"#, false),
        (r#"{ from = "12:01" }"#, false),
        (r#"{ days = ["tue"] }"#, false),
    ] {
        assert_eq!(could_be(&format!("{{ time = {window} }}"), &known), possible, "{window}");
    }
}
