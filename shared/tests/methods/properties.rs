//! Whatever the file and whatever the request: no panic, no method without its mandatory fields, no change of order.

use proptest::prelude::*;
use serde_json::{Value, json};
use shared::payments::methods::{Condition, Facts, Icon, Methods, Truth};
use shared::payments::payment::Fact;

use crate::{at, facts, request, under};

const WORDS: [&str; 6] = ["KG", "ru", "courier/14", "14", "gift-1", "Бишкек"];

fn list(of: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::vec(of, 1..4).prop_map(|parts| format!("[{}]", parts.join(", ")))
}

fn words() -> impl Strategy<Value = String> {
    list(prop::sample::select(&WORDS[..]).prop_map(|word| format!("\"{word}\"")))
}

fn range() -> impl Strategy<Value = String> {
    (0_u32..2000, 0_u32..2000).prop_map(|(a, b)| format!("{{ min = {}, max = {}.5 }}", a.min(b), a.max(b)))
}

fn window() -> impl Strategy<Value = String> {
    let days = list(prop::sample::select(&["\"mon\"", "\"sat\"", "\"sun\""][..]).prop_map(str::to_owned));
    (0_u8..24, 0_u8..24, days).prop_map(|(from, to, days)| {
        let to = if from == to { (to + 1) % 24 } else { to };
        format!("{{ from = \"{from:02}:00\", to = \"{to:02}:30\", days = {days}, since = 2000-01-01 }}")
    })
}

/// One key of a condition with its value.
fn leaf() -> impl Strategy<Value = String> {
    let flag = any::<bool>().prop_map(|flag| flag.to_string());
    prop_oneof![
        list(prop::sample::select(&["\"KG\"", "\"ru\""][..]).prop_map(str::to_owned))
            .prop_map(|value| format!("country = {value}")),
        (
            prop::sample::select(
                &["city", "delivery", "pickupLocation", "promocode", "promo", "warehouse", "everyWarehouse"][..]
            ),
            words()
        )
            .prop_map(|(key, value)| format!("{key} = {value}")),
        (prop::sample::select(&["items", "everyItem"][..]), words())
            .prop_map(|(key, value)| format!("{key} = {}", value.replace("gift-1", "gift-*"))),
        (prop::sample::select(&["pickup", "preorder", "legalEntity", "promocode", "promo"][..]), flag)
            .prop_map(|(key, value)| format!("{key} = {value}")),
        (prop::sample::select(&["bonuses", "quantity", "amount"][..]), range())
            .prop_map(|(key, value)| format!("{key} = {value}")),
        prop::sample::select(&["customer = \"known\"", "customer = \"guest\""][..]).prop_map(str::to_owned),
        window().prop_map(|value| format!("time = {value}")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = leaf().prop_map(|key| format!("{{ {key} }}"));
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|condition| format!("{{ not = {condition} }}")),
            list(inner.clone()).prop_map(|conditions| format!("{{ all = {conditions} }}")),
            (list(inner), any::<bool>()).prop_map(|(conditions, pickup)| format!("{{ any = {conditions}, pickup = {pickup} }}")),
        ]
    })
}

fn method() -> impl Strategy<Value = String> {
    let rest = prop::sample::select(
        &[
            "type = \"cash\"",
            "type = \"cash\"\niconId = \"icon-cash\"",
            "type = \"card\"\nprovider = \"mokka\"\nicon = \"https://x.example/i.png\"\nlimit = \"hide\"\nwidget = { term = 4 }",
            "type = \"card_on_delivery\"\ndeliveryDiscount = 30\nautoVerification = false",
        ][..],
    );
    (rest, prop::option::of(condition()), prop::option::of(condition())).prop_map(|(rest, when, text)| {
        let when = when.map_or(String::new(), |when| format!("when = {when}\n"));
        let text = text.map_or(String::new(), |when| format!("text = [{{ when = {when}, title = \"T\" }}]\n"));
        format!("title = \"M\"\n{rest}\n{when}{text}")
    })
}

fn file() -> impl Strategy<Value = String> {
    let methods = prop::collection::vec(method(), 1..5);
    (methods, prop::sample::select(&["", "utcOffset = \"-05:30\"\n"][..])).prop_map(|(methods, head)| {
        let methods = methods.iter().enumerate().map(|(index, method)| format!("[[method]]\nid = \"{index}\"\n{method}"));
        format!("{head}{}", methods.collect::<String>())
    })
}

fn word() -> impl Strategy<Value = Value> {
    prop_oneof![prop::sample::select(&WORDS[..]).prop_map(Value::from), Just(Value::Null), Just(json!(14)), Just(json!(""))]
}

fn flag() -> impl Strategy<Value = Value> {
    prop_oneof![any::<bool>().prop_map(Value::from), Just(Value::Null)]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![(0_u32..3000).prop_map(Value::from), Just(json!("17.5")), Just(Value::Null), Just(json!(100_000_000_000_i64))]
}

fn item() -> impl Strategy<Value = Value> {
    (word(), word(), word(), number(), number(), prop::option::of((0_u32..9).prop_map(Value::from))).prop_map(
        |(id, sku, warehouse, price, subtotal, quantity)| {
            json!({"id": id, "configurationId": sku, "warehouseId": warehouse, "price": price, "subtotal": subtotal, "quantity": quantity})
        },
    )
}

fn cart() -> impl Strategy<Value = Value> {
    let words = (word(), word(), word(), word(), word(), word());
    let items = prop::option::of(prop::collection::vec(item(), 0..4));
    (words, flag(), flag(), number(), items).prop_map(
        |((user, country, city, code, delivery, point), preorder, company, bonuses, items)| {
            json!({
                "externalUserId": user, "country": country, "city": city, "promocode": code, "deliveryId": delivery,
                "pickupLocationId": point, "hasPreorderItems": preorder, "legalEntityMode": company, "bonusesSpent": bonuses,
                "promoGroup": [[{"x": city}], {"y": [company, bonuses]}], "items": items
            })
        },
    )
}

/// Facts of which a cart's are the last word: some of them unknown.
fn veiled(facts: &Facts, veil: u16) -> Facts {
    fn keep<T: Clone>(fact: &Fact<T>, veil: u16, bit: u16) -> Fact<T> {
        if veil & (1 << bit) == 0 { fact.clone() } else { Fact::Unknown }
    }
    Facts {
        country: keep(&facts.country, veil, 0),
        city: keep(&facts.city, veil, 1),
        delivery: keep(&facts.delivery, veil, 2),
        pickup_location: keep(&facts.pickup_location, veil, 3),
        preorder: keep(&facts.preorder, veil, 4),
        legal_entity: keep(&facts.legal_entity, veil, 5),
        promocode: keep(&facts.promocode, veil, 6),
        bonuses: keep(&facts.bonuses, veil, 7),
        promo: keep(&facts.promo, veil, 8),
        goods: keep(&facts.goods, veil, 9),
        amount: keep(&facts.amount, veil, 10),
        known_customer: keep(&facts.known_customer, veil, 11),
        quantity: keep(&facts.quantity, veil, 13),
        local_time: keep(&facts.local_time, veil, 12),
    }
}

fn read(condition: &str) -> Condition {
    Methods::parse(&under(condition)).unwrap().iter().next().unwrap().when.clone().unwrap()
}

proptest! {
    #[test]
    fn any_file_answers_any_request(file in file(), cart in cart(), second in 0_i64..4_000_000_000) {
        let methods = Methods::parse(&file).map_err(|mistake| TestCaseError::fail(format!("{mistake}\n{file}")))?;
        let now = shared::platform::clock::Timestamp::from_millis(second * 1000);
        let request = request(&cart);
        let facts = Facts::of_cart(&request, request.amount(shared::platform::money::Currency::Kgs), now, methods.utc_offset());
        let offers = methods.offered(&facts);
        let order: Vec<_> = offers.iter().map(|offer| offer.method.id.as_str()).collect();
        prop_assert!(order.is_sorted(), "{:?}", order);
        for offer in &offers {
            prop_assert!(!offer.title.is_empty() && !offer.method.id.as_str().is_empty());
            prop_assert!(matches!(&offer.method.icon, None | Some(Icon::Url(_) | Icon::BuiltIn(_))));
            prop_assert!(offer.method.could_be_offered(&facts));
        }
        prop_assert_eq!(methods.offered(&facts), offers);
        prop_assert!(facts.amount.is_unknown() || !methods.needs_amount(&facts));
        prop_assert!(!methods.to_string().is_empty());
    }

    #[test]
    fn knowing_less_never_turns_yes_and_no_around(condition in condition(), cart in cart(), veil in any::<u16>()) {
        let methods = Methods::parse(&under(&condition)).unwrap();
        let facts = facts(&methods, &cart, crate::WEDNESDAY);
        let (known, veiled) = (read(&condition).holds(&facts), read(&condition).holds(&veiled(&facts, veil)));
        prop_assert!(veiled == Truth::Unknown || veiled == known, "{:?} became {:?}", known, veiled);
        let not = read(&format!("{{ not = {condition} }}"));
        prop_assert_eq!(not.holds(&facts), !known);
    }

    #[test]
    fn nothing_known_refuses_nothing(condition in condition()) {
        prop_assert_eq!(read(&condition).holds(&Facts::default()), Truth::Unknown);
        prop_assert!(read(&condition).unmet(&Facts::default()).is_empty());
    }

    #[test]
    fn an_amount_known_later_is_one_that_was_needed(file in file(), cart in cart(), minor in 0_i64..300_000) {
        let methods = Methods::parse(&file).unwrap();
        let request = request(&cart);
        let without = Facts::of_cart(&request, None, at(crate::WEDNESDAY), methods.utc_offset());
        let amount = shared::platform::money::Money::from_minor(minor, shared::platform::money::Currency::Rub).ok();
        let with = Facts::of_cart(&request, amount, at(crate::WEDNESDAY), methods.utc_offset());
        let (before, after) = (methods.offered(&without), methods.offered(&with));
        prop_assert!(methods.needs_amount(&without) || before == after);
        prop_assert!(after.iter().all(|offer| before.iter().any(|other| other.method == offer.method)), "it can only hide");
    }
}
