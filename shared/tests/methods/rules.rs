//! What each key of a condition means.

use serde_json::{Value, json};
use shared::payments::methods::Methods;

use crate::{WEDNESDAY, facts, offered, under};

/// The cart of the request document in own words, with prices.
fn cart() -> Value {
    json!({
        "externalUserId": "customer-5",
        "country": "KG",
        "hasPreorderItems": true,
        "city": "Королёв",
        "promocode": "Spring-10",
        "deliveryId": "courier/14",
        "pickupLocationId": "100",
        "bonusesSpent": 250,
        "legalEntityMode": true,
        "promoGroup": [[{"id": "gift", "active": true}], {"level": 7}],
        "items": [
            {"id": "uuid-1", "privateId": "p-1", "configurationId": "kettle-1", "quantity": 2, "price": "499.50", "warehouseId": "W-1"},
            {"id": "uuid-2", "privateId": "p-2", "configurationId": "feed/gift-9", "quantity": 1, "price": 7, "subtotal": 1, "warehouseId": "W-2"}
        ]
    })
}

fn is_offered(condition: &str, cart: &Value) -> bool {
    let methods = Methods::parse(&under(condition)).unwrap_or_else(|mistake| panic!("{condition}: {mistake}"));
    !offered(&methods, cart, WEDNESDAY).is_empty()
}

fn without(path: &str) -> Value {
    let mut cart = cart();
    match path.strip_prefix("items.") {
        None => drop(cart.as_object_mut().unwrap().remove(path)),
        Some(field) => {
            for item in cart["items"].as_array_mut().unwrap() {
                item.as_object_mut().unwrap().remove(field);
            }
        }
    }
    cart
}

#[test]
fn every_field_of_the_request_changes_what_is_offered() {
    for (field, condition) in [
        ("externalUserId", r#"{ customer = "known" }"#),
        ("country", r#"{ country = ["kg"] }"#),
        ("hasPreorderItems", "{ preorder = true }"),
        ("city", r#"{ city = ["Бишкек", " КОРОЛЕВ "] }"#),
        ("promocode", "{ promocode = true }"),
        ("promocode", r#"{ promocode = ["other", "SPRING-10"] }"#),
        ("deliveryId", r#"{ delivery = ["courier/14"] }"#),
        ("deliveryId", r#"{ delivery = ["14"] }"#),
        ("pickupLocationId", "{ pickup = true }"),
        ("pickupLocationId", r#"{ pickupLocation = ["99", "100"] }"#),
        ("bonusesSpent", "{ bonuses = { min = 250 } }"),
        ("bonusesSpent", "{ bonuses = { min = 1, max = 250 } }"),
        ("legalEntityMode", "{ legalEntity = true }"),
        ("promoGroup", "{ promo = true }"),
        ("promoGroup", r#"{ promo = ["gift"] }"#),
        ("promoGroup", r#"{ promo = ["7"] }"#),
        ("items", r#"{ items = ["kettle-1"] }"#),
        ("items", r#"{ everyItem = ["kettle-*", "gift-*"] }"#),
        ("items", "{ quantity = { min = 3, max = 3 } }"),
        ("items.configurationId", r#"{ items = ["kettle-1"] }"#),
        ("items.configurationId", r#"{ items = ["gift-*"] }"#),
        ("items.privateId", r#"{ items = ["p-2"] }"#),
        ("items.id", r#"{ everyItem = ["uuid-1", "uuid-2"] }"#),
        ("items.quantity", "{ quantity = { min = 2.5 } }"),
        ("items.warehouseId", r#"{ warehouse = ["W-2"] }"#),
        ("items.warehouseId", r#"{ everyWarehouse = ["W-1", "W-2"] }"#),
        // 2 × 499.50 + 1, whose own line price counts more than its unit price.
        ("items.quantity", "{ amount = { min = 1000, max = 1000 } }"),
        ("items.subtotal", "{ amount = { max = 1000.00 } }"),
    ] {
        assert!(is_offered(condition, &cart()), "{condition}");
        assert!(!is_offered(condition, &without(field)), "{condition} without {field}");
        let negated = format!("{{ not = {condition} }}");
        assert!(!is_offered(&negated, &cart()), "{negated}");
        assert!(is_offered(&negated, &without(field)), "{negated} without {field}");
    }
}

#[test]
fn what_looks_the_same_in_a_rule_and_in_a_request_is_the_same() {
    for (condition, field, said) in [
        (r#"{ city = ["Йошкар-Ола"] }"#, "city", "И\u{306}ошкар-Ола"),
        (r#"{ city = ["Йошкар-Ола"] }"#, "city", "ЙОШКАР\u{2011}ОЛА"),
        (r#"{ city = ["Йошкар-Ола"] }"#, "city", "Йошкар\u{2013}Ола"),
        (r#"{ city = ["Йошкар\u2212Ола"] }"#, "city", "Йошкар-Ола"),
        (r#"{ city = ["Нижний Новгород"] }"#, "city", "нижний\u{a0}новгород"),
        (r#"{ city = ["Нижний Новгород"] }"#, "city", " Нижний  Новгород\t"),
        (r#"{ city = ["Королёв"] }"#, "city", "Короле\u{308}в"),
        (r#"{ city = ["Бишкек"] }"#, "city", "\u{feff}Биш\u{ad}кек\u{200b}"),
        (r#"{ promocode = ["SPRING-10"] }"#, "promocode", "SPRING\u{2014}10"),
        (r#"{ delivery = ["14-a"] }"#, "deliveryId", "courier/14\u{2010}a"),
        (r#"{ pickupLocation = ["Дом 7"] }"#, "pickupLocationId", "Дом\u{202f}7"),
        (r#"{ country = ["KG"] }"#, "country", "\u{200e}kg"),
    ] {
        let mut cart = cart();
        cart[field] = said.into();
        assert!(is_offered(condition, &cart), "{condition} {said:?}");
    }
    let mut cart = cart();
    cart["items"][0]["configurationId"] = "kettle\u{2011}1".into();
    assert!(is_offered(r#"{ items = ["kettle-1"] }"#, &cart) && is_offered(r#"{ items = ["kettle-*"] }"#, &cart));
}

#[test]
fn what_is_not_meant_is_not_offered() {
    for condition in [
        r#"{ country = ["KZ", "RU"] }"#,
        r#"{ city = ["Королёво"] }"#,
        r#"{ delivery = ["post/14"] }"#,
        r#"{ delivery = ["courier"] }"#,
        r#"{ delivery = ["4"] }"#,
        "{ pickup = false }",
        r#"{ pickupLocation = ["1000"] }"#,
        "{ preorder = false }",
        "{ legalEntity = false }",
        "{ promocode = false }",
        r#"{ promocode = ["spring"] }"#,
        "{ bonuses = { max = 249.99 } }",
        "{ bonuses = { min = 250.01 } }",
        "{ promo = false }",
        r#"{ promo = ["true"] }"#,
        r#"{ items = ["kettle"] }"#,
        r#"{ items = ["other/gift-9"] }"#,
        r#"{ everyItem = ["kettle-*"] }"#,
        r#"{ warehouse = ["W-3"] }"#,
        r#"{ everyWarehouse = ["W-1"] }"#,
        "{ quantity = { max = 2 } }",
        "{ amount = { min = 1000.01 } }",
        "{ amount = { max = 999.99 } }",
        r#"{ customer = "guest" }"#,
        r#"{ country = ["KG"], city = ["Ош"] }"#,
        r#"{ any = [{ country = ["RU"] }, { city = ["Ош"] }] }"#,
        r#"{ all = [{ country = ["KG"] }, { city = ["Ош"] }] }"#,
    ] {
        assert!(!is_offered(condition, &cart()), "{condition}");
    }
    // Ids mean themselves: 014 is not 14, and a rule for one source does not take a delivery that names none.
    assert!(!is_offered(r#"{ delivery = ["14"] }"#, &json!({"deliveryId": "014"})));
    assert!(!is_offered(r#"{ delivery = ["courier/14"] }"#, &json!({"deliveryId": 14})));
    assert!(is_offered(r#"{ delivery = ["14"] }"#, &json!({"deliveryId": 14})));
    // Promotions that are listed but empty are none.
    assert!(is_offered("{ promo = false }", &json!({"promoGroup": [[], {}, null]})));
    // Nothing at all is neither some item nor every item.
    for condition in [r#"{ items = ["a*"] }"#, r#"{ everyItem = ["a*"] }"#, r#"{ everyWarehouse = ["W"] }"#] {
        assert!(!is_offered(condition, &json!({"items": []})), "{condition}");
    }
}

#[test]
fn only_the_amount_may_be_unknown_and_then_the_method_is_offered() {
    let unpriced = without("items.price");
    for (condition, offered, needs) in [
        ("{ amount = { min = 5000 } }", true, true),
        ("{ not = { amount = { min = 5000 } } }", true, true),
        (r#"{ amount = { min = 5000 }, country = ["RU"] }"#, false, false),
        (r#"{ any = [{ amount = { min = 5000 } }, { country = ["KG"] }] }"#, true, false),
        (r#"{ all = [{ amount = { min = 5000 } }, { country = ["KG"] }] }"#, true, true),
        (r#"{ country = ["KG"] }"#, true, false),
    ] {
        let methods = Methods::parse(&under(condition)).unwrap();
        let facts = facts(&methods, &unpriced, WEDNESDAY);
        assert_eq!((!methods.offered(&facts).is_empty(), methods.needs_amount(&facts)), (offered, needs), "{condition}");
        let known = crate::facts(&methods, &cart(), WEDNESDAY);
        assert!(!methods.needs_amount(&known), "{condition}: it is known");
    }
    for (rest, needs) in [
        ("", false),
        ("[method.widget]", true),
        ("limit = \"hide\"", true),
        ("limit = \"say\"", false),
        ("[[method.text]]\nwhen = { amount = { min = 1 } }\ntitle = \"B\"", true),
        ("[[method.text]]\nwhen = { pickup = true }\ntitle = \"B\"", false),
        ("when = { country = [\"RU\"] }\n[method.widget]", false),
    ] {
        let text = format!("[[method]]\nid = \"m\"\ntitle = \"M\"\ntype = \"card\"\nprovider = \"mokka\"\n{rest}\n");
        let methods = Methods::parse(&text).unwrap();
        assert_eq!(methods.needs_amount(&facts(&methods, &unpriced, WEDNESDAY)), needs, "{rest}");
    }
}

#[test]
fn the_first_text_whose_condition_is_known_to_hold_is_taken() {
    let text = r#"
        [[method]]
        id = "a"
        title = "A"
        description = "first"
        type = "cash"
        [[method.text]]
        when = { amount = { min = 5000 } }
        title = "dear"
        [[method.text]]
        when = { pickup = true }
        title = "pickup"
        [[method.text]]
        when = { country = ["KG"] }
        description = "here"
    "#;
    let methods = Methods::parse(text).unwrap();
    for (cart, title, description) in [
        (json!({}), "A", "first"),
        (json!({"country": "KG"}), "A", "here"),
        (json!({"country": "KG", "pickupLocationId": "1"}), "pickup", "first"),
        (json!({"pickupLocationId": "1", "items": [{"price": 5000}]}), "dear", "first"),
        (json!({"pickupLocationId": "1", "items": [{"price": 4999.99}]}), "pickup", "first"),
    ] {
        let facts = facts(&methods, &cart, WEDNESDAY);
        let offer = methods.offered(&facts)[0];
        assert_eq!((offer.title, offer.description), (title, Some(description)), "{cart}");
    }
}

#[test]
fn windows_of_time_follow_the_shops_clocks() {
    for (window, inside, outside) in [
        // A date is a whole day at the shop; Bishkek's begins at 18:00 UTC.
        ("{ since = 2026-12-15 }", "2026-12-14T18:00:00Z", "2026-12-14T17:59:59Z"),
        ("{ until = 2026-12-15 }", "2026-12-15T17:59:59Z", "2026-12-15T18:00:00Z"),
        ("{ until = 2026-12-15T12:00:00 }", "2026-12-15T05:59:59Z", "2026-12-15T06:00:00Z"),
        ("{ since = \"2026-12-15 12:00\" }", "2026-12-15T06:00:00Z", "2026-12-15T05:59:59Z"),
        ("{ days = [\"wed\"] }", "2026-11-24T18:00:00Z", "2026-11-25T18:00:00Z"),
        ("{ from = \"09:00\", to = \"21:00\" }", "2026-11-25T03:00:00Z", "2026-11-25T15:00:00Z"),
        ("{ from = 09:00:00 }", "2026-11-25T17:59:59Z", "2026-11-25T18:00:00Z"),
        ("{ to = \"09:00\" }", "2026-11-24T18:00:00Z", "2026-11-25T03:00:00Z"),
        // Over midnight, and the night belongs to the day on which it began: Friday 22:00 to Saturday 06:00.
        ("{ from = \"22:00\", to = \"06:00\" }", "2026-11-25T16:00:00Z", "2026-11-25T15:59:59Z"),
        ("{ from = \"22:00\", to = \"06:00\", days = [\"fri\"] }", "2026-11-27T23:59:59Z", "2026-11-28T00:00:00Z"),
        ("{ from = \"22:00\", to = \"06:00\", days = [\"fri\"] }", "2026-11-27T16:00:00Z", "2026-11-26T23:00:00Z"),
    ] {
        let text = format!("utcOffset = \"+06:00\"\n{}", under(&format!("{{ time = {window} }}")));
        let methods = Methods::parse(&text).unwrap_or_else(|mistake| panic!("{window}: {mistake}"));
        assert_eq!(offered(&methods, &json!({}), inside).len(), 1, "{window} at {inside}");
        assert_eq!(offered(&methods, &json!({}), outside).len(), 0, "{window} at {outside}");
    }
    let moscow = Methods::parse(&under("{ time = { from = \"12:00\" } }")).unwrap();
    assert_eq!(offered(&moscow, &json!({}), WEDNESDAY).len(), 1, "Moscow's clocks unless told otherwise");
    assert_eq!(offered(&moscow, &json!({}), "2026-11-25T08:59:59Z").len(), 0);
}

#[test]
fn the_customers_phone_is_the_id_only_where_the_shop_says_so() {
    let phone = |head: &str, cart: Value| {
        let methods = Methods::parse(&format!("{head}{}", under("{ pickup = true }"))).unwrap();
        methods.customer_phone(&crate::request(&cart)).map(|phone| phone.digits().to_owned())
    };
    let id = "customerPhone = \"externalUserId\"\n";
    let found = Some("996770123456".to_owned());
    assert_eq!(phone(id, json!({"externalUserId": "+996 770 123456"})), found);
    assert_eq!(phone(id, json!({"externalUserId": 996_770_123_456_u64})), found);
    assert_eq!(phone(id, json!({"externalUserId": "C-5", "phone": "0770 12-34-56"})), found);
    assert_eq!(phone("", json!({"externalUserId": "+996 770 123456"})), None);
    assert_eq!(phone("", json!({"phone": "+996 770 123456"})), found);
    assert_eq!(phone("", json!({"phone": {"unreadable": []}})), None);
    let shown = format!("{:?}", crate::request(&json!({"phone": "+996 770 123456"})));
    assert!(!shown.contains("770") && shown.contains("Phone(…)"), "{shown}");
}
