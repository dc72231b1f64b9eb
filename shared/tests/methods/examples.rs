//! The shipped files: read by the function, taken by the schema, described in words.

use serde_json::{Value, json};
use shared::payments::methods::Methods;
use shared::payments::payment::PaymentMeans;

use crate::{WEDNESDAY, facts, offered, schema};

const SHIPPED: [(&str, &str); 4] = [
    ("payments", include_str!("../../../infra/config/payments.toml")),
    ("kyrgyzstan", include_str!("../../../infra/config/examples/kyrgyzstan.toml")),
    ("russia", include_str!("../../../infra/config/examples/russia.toml")),
    ("sandbox", include_str!("../../../infra/sandbox/payments.toml")),
];

#[test]
fn shipped_files_are_right_for_the_reader_and_for_the_schema() {
    for (name, text) in SHIPPED {
        let methods = Methods::parse(text).unwrap_or_else(|mistake| panic!("{name}:{mistake}"));
        assert_eq!(schema::complaints(text), Vec::<String>::new(), "{name}");
        assert!(text.starts_with("#:schema "), "{name} names its schema");
        insta::assert_snapshot!(name, methods);
    }
}

#[test]
fn commented_out_settings_of_the_shipped_file_are_right_too() {
    let text = SHIPPED[0].1;
    for line in [
        "utcOffset = \"+03:00\"",
        "when = { country = [\"KG\"], legalEntity = false }",
        "when = { amount = { min = 1000, max = 150000 } }",
        "limit = \"hide\"",
    ] {
        let commented = format!("# {line}");
        assert!(text.contains(&commented), "{line}");
        Methods::parse(&text.replace(&commented, line)).unwrap_or_else(|mistake| panic!("{line}: {mistake}"));
    }
}

/// The commented-out gateway of the shipped file.
#[test]
fn the_gateway_that_the_shipped_file_shows_is_right() {
    let text = SHIPPED[0].1;
    let lines = text
        .lines()
        .skip_while(|line| *line != "#   [gateways.yookassa]")
        .take_while(|line| line.starts_with("# ") || *line == "#");
    let shown: Vec<_> = lines.filter_map(|line| line.strip_prefix("#   ")).collect();
    let methods = Methods::parse(&format!("{text}\n{}", shown.join("\n"))).unwrap();
    assert_eq!((methods.iter().count(), methods.gateways().len()), (4, 1));
}

#[test]
fn the_sandbox_has_the_shipped_ways_to_pay_and_cards() {
    let [shipped, sandbox] = [SHIPPED[0], SHIPPED[3]].map(|(_, text)| Methods::parse(text).unwrap());
    assert_eq!(sandbox.utc_offset(), shipped.utc_offset());
    let methods: Vec<_> = sandbox.iter().take(shipped.iter().count()).collect();
    assert_eq!(methods, shipped.iter().collect::<Vec<_>>());
    let others: Vec<_> =
        sandbox.iter().skip(methods.len()).map(|method| (method.id.as_str(), method.means, method.two_stage)).collect();
    assert_eq!(others, [("yookassa/card", PaymentMeans::Card, true), ("yookassa/sbp", PaymentMeans::Sbp, false)]);
}

/// A cart of the request document, in own words: every field said as it should be.
fn documented() -> Value {
    json!({
        "externalUserId": "C-5", "country": "RU", "hasPreorderItems": true, "city": "Москва", "promocode": null,
        "deliveryId": "14", "pickupLocationId": "100", "bonusesSpent": 250, "legalEntityMode": true,
        "items": [
            {"name": "Чайник", "id": "00a0-1", "privateId": "3464", "configurationId": "3464", "quantity": 1},
            {"name": "Чашка", "id": "605e-2", "privateId": "29117", "configurationId": "29117", "quantity": 1}
        ]
    })
}

#[test]
fn the_documents_request_is_answered_with_and_without_its_slips() {
    let russia = Methods::parse(SHIPPED[2].1).unwrap();
    // A company with bonus points, goods that come later, prices unsaid.
    assert_eq!(offered(&russia, &documented(), WEDNESDAY), ["card-on-delivery"]);
    let mut marketplace = documented();
    marketplace["legalEntityMode"] = json!(false);
    marketplace["hasPreorderItems"] = json!(null);
    marketplace["items"][0]["warehouseId"] = json!("msk-1");
    marketplace["items"][1]["warehouseId"] = json!("spb-1");
    let all = ["mokka", "yookassa/card", "yookassa/sbp", "cash", "card-on-delivery"];
    assert_eq!(offered(&russia, &marketplace, WEDNESDAY), all, "the amount is unknown and hides nothing");
    assert!(russia.needs_amount(&facts(&russia, &marketplace, WEDNESDAY)));
    // The same in other words: numbers for strings and strings for numbers, null and blank for nothing.
    let slips = json!({
        "externalUserId": 5, "country": "ru ", "city": " москва", "promocode": "", "deliveryId": 14, "pickupLocationId": 100,
        "bonusesSpent": "250.00", "legalEntityMode": null, "promoGroup": null, "phone": "", "installId": "",
        "items": [
            {"name": 7, "id": "", "privateId": 3464, "configurationId": null, "quantity": "1", "price": "", "warehouseId": "msk-1"},
            {"quantity": null, "warehouseId": "spb-1", "unheardOf": []}
        ]
    });
    assert_eq!(offered(&russia, &slips, WEDNESDAY), all);
    marketplace["promoGroup"] = json!([[{"name": "x", "groups": [{"id": "only-online"}]}]]);
    assert_eq!(offered(&russia, &marketplace, WEDNESDAY), ["mokka", "yookassa/card", "yookassa/sbp", "cash"]);
    marketplace["items"][0]["price"] = json!(2000);
    marketplace["items"][1]["subtotal"] = json!(999);
    assert_eq!(
        offered(&russia, &marketplace, WEDNESDAY),
        ["yookassa/card", "yookassa/sbp", "cash"],
        "2999.00 is too little for Mokka"
    );
}
