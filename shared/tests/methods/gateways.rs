//! The gateways of the file: what each key may be, which methods may name them, and the reader of the gateways alone.

use shared::payments::imshop::payments::PaymentType;
use shared::payments::methods::{GatewayKind, GatewaySection, GatewaySections, Methods, secret_name};
use shared::payments::payment::{GatewayName, PaymentMeans, Policy};

use crate::mistakes::By::{self, Both, ReaderOnly};
use crate::schema;

const GATEWAY: &str = "[gateways.yookassa]\nkind = \"yookassa\"\nshopId = \"506751\"\n";
const CARD: &str = "[[method]]\nid = \"yookassa/card\"\ntitle = \"C\"\ntype = \"card\"\nprovider = \"yookassa\"\n";
const CASH: &str = "[[method]]\nid = \"a\"\ntitle = \"A\"\ntype = \"cash\"\n";

/// A gateway with one line more or another one.
fn with(line: &str) -> String {
    format!("{GATEWAY}{line}\n{CARD}")
}

fn read(text: &str) -> Methods {
    assert_eq!(schema::complaints(text), Vec::<String>::new(), "{text}");
    Methods::parse(text).unwrap_or_else(|mistake| panic!("{mistake}\n{text}"))
}

fn section(methods: &Methods) -> &GatewaySection {
    &methods.gateways()[&GatewayName::parse("yookassa").unwrap()]
}

fn sources(methods: &Methods) -> Vec<String> {
    section(methods).sources.iter().map(ToString::to_string).collect()
}

/// What the reader says against a file that the schema refuses, too, unless it cannot know.
fn mistake(text: &str, by: &By) -> String {
    assert_eq!(schema::refuses(text), *by == Both, "the schema on\n{text}");
    Methods::parse(text).expect_err(text).to_string()
}

#[test]
fn what_a_gateway_does_not_say_is_the_providers_own() {
    let methods = read(&with(""));
    let GatewaySection { kind, shop_id, base_url, finish, .. } = section(&methods);
    assert_eq!((*kind, shop_id.as_str(), *finish), (GatewayKind::Yookassa, "506751", Policy::OnHold));
    assert_eq!(base_url.as_str(), "https://api.yookassa.ru/v3");
    let own = [
        "185.71.76.0/27",
        "185.71.77.0/27",
        "77.75.153.0/25",
        "77.75.154.128/25",
        "77.75.156.11/32",
        "77.75.156.35/32",
        "2a02:5180::/32",
    ];
    assert_eq!(sources(&methods), own);
}

#[test]
fn everything_of_a_gateway_can_be_said() {
    let text = format!(
        "{CARD}twoStage = false\n{GATEWAY}baseUrl = \"http://127.0.0.1:9001/yookassa/v3\"\nfinish = \"on_shipment\"\n\
         sources = [\"127.0.0.1\", \"10.0.0.0/8\", \"::1\", \"2001:db8::/32\"]\n"
    );
    let methods = read(&text);
    let GatewaySection { base_url, finish, .. } = section(&methods);
    assert_eq!((base_url.as_str(), *finish), ("http://127.0.0.1:9001/yookassa/v3", Policy::OnShipment));
    assert_eq!(sources(&methods), ["127.0.0.1/32", "10.0.0.0/8", "::1/128", "2001:db8::/32"]);
    insta::assert_snapshot!("gateway", methods);
}

#[test]
fn a_card_is_held_first_unless_its_method_says_otherwise() {
    let mokka = "[[method]]\nid = \"m\"\ntitle = \"M\"\ntype = \"card\"\nprovider = \"mokka\"\n";
    for (text, wanted) in [
        (with(""), true),
        (format!("{GATEWAY}{CARD}twoStage = true\n"), true),
        (format!("{GATEWAY}{CARD}twoStage = false\n"), false),
        (mokka.to_owned(), true),
        (CASH.to_owned(), false),
    ] {
        let methods = read(&text);
        let method = methods.iter().next().unwrap();
        assert_eq!(method.two_stage, wanted, "{text}");
        assert!(method.kind == PaymentType::Card || text == CASH);
    }
}

#[test]
fn sbp_holds_nothing_and_every_other_means_holds_first_unless_its_method_says_otherwise() {
    for (means, unsaid, may_hold) in [
        (PaymentMeans::Card, true, true),
        (PaymentMeans::Sbp, false, false),
        (PaymentMeans::SbpPage, false, false),
        (PaymentMeans::Sberpay, true, true),
        (PaymentMeans::Any, true, true),
    ] {
        let line = format!("means = \"{}\"\n", means.name());
        let stages: &[(&str, bool)] = &[("", unsaid), ("twoStage = false\n", false), ("twoStage = true\n", true)];
        for (stage, wanted) in stages.iter().filter(|(stage, _)| may_hold || !stage.contains("true")) {
            let methods = read(&format!("{GATEWAY}{CARD}{line}{stage}"));
            let method = methods.iter().next().unwrap();
            assert_eq!((method.means, method.two_stage), (means, *wanted), "{line}{stage}");
        }
    }
    assert_eq!(read(&with("")).iter().next().unwrap().means, PaymentMeans::Card, "a card, if nothing is said");
}

#[test]
fn check_of_the_file_says_by_what_is_paid() {
    let method = |id: &str, lines: &str| format!("{}{lines}", CARD.replace("yookassa/card", id));
    let text = format!(
        "{GATEWAY}{CARD}{}{}{}{}",
        method("yookassa/sbp", "means = \"sbp\"\n"),
        method("yookassa/page", "means = \"sbp_page\"\ntwoStage = false\n"),
        method("yookassa/sber", "means = \"sberpay\"\n"),
        method("yookassa/any", "means = \"any\"\ntwoStage = false\n"),
    );
    let said = read(&text).to_string();
    let lines: Vec<_> = said.lines().take(5).collect();
    assert_eq!(
        lines,
        [
            "1. yookassa/card «C», yookassa: always",
            "2. yookassa/sbp «C», yookassa by sbp, captured at once: always",
            "3. yookassa/page «C», yookassa by sbp_page, captured at once: always",
            "4. yookassa/sber «C», yookassa by sberpay: always",
            "5. yookassa/any «C», yookassa by any, captured at once: always",
        ]
    );
}

#[test]
fn several_gateways_have_names_of_their_own() {
    let second = GATEWAY.replace("gateways.yookassa", "gateways.yookassa-2").replace("506751", "506752");
    let methods = read(&format!("{GATEWAY}{second}{}", CARD.replace("\"yookassa\"", "\"yookassa-2\"")));
    let shops: Vec<_> = methods.gateways().iter().map(|(name, section)| (name.as_str(), section.shop_id.as_str())).collect();
    assert_eq!(shops, [("yookassa", "506751"), ("yookassa-2", "506752")]);
}

#[test]
fn mistakes_in_gateways_are_named_with_their_place() {
    let list = "must be a network like \"185.71.76.0/27\" or an address, IPv4 or IPv6";
    let url = "must begin with https:// (http:// only on this machine)";
    let digits = "must be the shop's number, digits only";
    let name = "must be a gateway's name: at most 24 small Latin letters, digits and hyphens, a letter first";
    let after = |section: String| format!("{CASH}{section}");
    for (text, field, wanted, by) in [
        (
            format!("gateways = 1\n{CASH}"),
            "1:12: field `gateways`",
            "invalid type: integer `1`, expected sections with a heading like [gateways.yookassa]",
            Both,
        ),
        (
            with("").replace("\"yookassa\"\ns", "\"sberbank\"\ns"),
            "2:8: field `gateways.yookassa.kind`",
            "unknown variant `sberbank`, expected `yookassa`",
            Both,
        ),
        (after(GATEWAY.replace("kind = \"yookassa\"\n", "")), "5:1: field `gateways.yookassa`", "missing field `kind`", Both),
        (after(GATEWAY.replace("shopId = \"506751\"\n", "")), "5:1: field `gateways.yookassa`", "missing field `shopId`", Both),
        (with("").replace("506751", "506-751"), "3:10: field `gateways.yookassa.shopId`", digits, Both),
        (with("").replace("506751", ""), "3:10: field `gateways.yookassa.shopId`", digits, Both),
        (with("").replace("506751", "123456789012345678901"), "3:10: field `gateways.yookassa.shopId`", digits, Both),
        (
            with("").replace("\"506751\"", "506751"),
            "3:10: field `gateways.yookassa.shopId`",
            "invalid type: integer `506751`, expected a text in quotes",
            Both,
        ),
        (
            with("shop_id = \"1\""),
            "4:1: field `gateways.yookassa.shop_id`",
            "unknown field `shop_id`, expected one of `kind`, `shopId`, `baseUrl`, `finish`, `sources`, `receipt`",
            Both,
        ),
        (with("baseUrl = \"ftp://x.example\""), "4:11: field `gateways.yookassa.baseUrl`", url, Both),
        (with("baseUrl = \"http://x.example\""), "4:11: field `gateways.yookassa.baseUrl`", url, ReaderOnly),
        (
            with("finish = \"at_once\""),
            "4:10: field `gateways.yookassa.finish`",
            "unknown variant `at_once`, expected `on_hold` or `on_shipment`",
            Both,
        ),
        (
            with("sources = []"),
            "4:11: field `gateways.yookassa.sources`",
            "must not be empty; leave it out for the provider's own",
            Both,
        ),
        (
            with("sources = \"127.0.0.1\""),
            "4:11: field `gateways.yookassa.sources`",
            "invalid type: string \"127.0.0.1\", expected a list in brackets",
            Both,
        ),
        (with("sources = [\"127.0.0.1\", \"pay.example\"]"), "4:25: field `gateways.yookassa.sources[1]`", list, Both),
        (with("sources = [\"127.0.0.1/33\"]"), "4:12: field `gateways.yookassa.sources[0]`", list, ReaderOnly),
        (
            with("sources = [\"185.71.76.5/27\"]"),
            "4:12: field `gateways.yookassa.sources[0]`",
            "must be the network \"185.71.76.0/27\", or an address without a length",
            ReaderOnly,
        ),
        (
            after(GATEWAY.replace(".yookassa", ".mokka")),
            "5:11: field `gateways.mokka`",
            "mokka has no section: its settings are variables",
            Both,
        ),
        (after(GATEWAY.replace(".yookassa", ".YooKassa")), "5:11: field `gateways.YooKassa`", name, Both),
        (after(GATEWAY.replace(".yookassa", ".yoo_kassa")), "5:11: field `gateways.yoo_kassa`", name, Both),
    ] {
        let wanted = format!("{field}: {wanted}");
        assert_eq!(mistake(&text, &by), wanted, "{text}");
        // What reads the gateways alone finds the same in them, whatever else is in the file.
        assert_eq!(GatewaySections::parse(&text).unwrap_err().to_string(), wanted, "{text}");
    }
}

#[test]
fn mistakes_in_methods_of_gateways_are_named_with_their_place() {
    for (text, wanted, by) in [
        (CARD.to_owned(), "5:12: field `method[0].provider`: yookassa is no gateway of this file; there is mokka", ReaderOnly),
        (
            format!("{CASH}{CARD}{GATEWAY}").replace("provider = \"yookassa\"", "provider = \"kassa\""),
            "9:12: field `method[1].provider`: kassa is no gateway of this file; there is mokka, yookassa",
            ReaderOnly,
        ),
        (
            with("").replace("provider = \"yookassa\"", "provider = \"Kassa\""),
            "9:12: field `method[0].provider`: must be a gateway's name: at most 24 small Latin letters, digits and hyphens, a letter first",
            Both,
        ),
        (
            with("").replace("card\"\np", "iOS\"\np"),
            "8:8: field `method[0].type`: YooKassa takes no Apple Pay (type iOS) yet: type must be card",
            Both,
        ),
        (
            with("").replace("card\"\np", "android\"\np"),
            "8:8: field `method[0].type`: YooKassa takes no Google Pay (type android): type must be card",
            Both,
        ),
        (format!("{}widget = {{}}\n", with("")), "5:1: field `method[0]`: widget and limit need provider mokka", Both),
        (format!("{}limit = \"hide\"\n", with("")), "5:1: field `method[0]`: widget and limit need provider mokka", Both),
        (
            format!("{}twoStage = \"yes\"\n", with("")),
            "10:12: field `method[0].twoStage`: invalid type: string \"yes\", expected a boolean",
            Both,
        ),
        (
            format!("{}means = \"cash\"\n", with("")),
            "10:9: field `method[0].means`: unknown variant `cash`, expected one of `card`, `sbp`, `sbp_page`, `sberpay`, `any`",
            Both,
        ),
        (format!("{}means = [\"sbp\"]\n", with("")), "10:9: field `method[0].means`: wanted string or table", Both),
        (
            format!("{CASH}means = \"sbp\"\n"),
            "1:1: field `method[0]`: means must be left out for payment on delivery (type cash or card_on_delivery)",
            Both,
        ),
        (
            format!("{}means = \"card\"\n", CARD.replace("\"yookassa\"", "\"mokka\"")),
            "1:1: field `method[0]`: means must be left out for provider mokka, which has one",
            Both,
        ),
        (
            format!("{}means = \"sbp\"\ntwoStage = true\n", with("")),
            "5:1: field `method[0]`: twoStage must be left out or false for means sbp and sbp_page: SBP holds no money",
            Both,
        ),
        (
            format!("{}twoStage = true\nmeans = \"sbp_page\"\n", with("")),
            "5:1: field `method[0]`: twoStage must be left out or false for means sbp and sbp_page: SBP holds no money",
            Both,
        ),
        (
            format!("{CASH}twoStage = true\n"),
            "1:1: field `method[0]`: twoStage must be left out for payment on delivery (type cash or card_on_delivery)",
            Both,
        ),
        (
            format!("{}twoStage = true\n", CARD.replace("\"yookassa\"", "\"mokka\"")),
            "1:1: field `method[0]`: twoStage must be left out for provider mokka, which always holds first",
            Both,
        ),
    ] {
        assert_eq!(mistake(&text, &by), wanted, "{text}");
        // The gateways are right.
        GatewaySections::parse(&text).unwrap();
    }
}

#[test]
fn reader_of_the_gateways_alone_asks_for_nothing_else() {
    let read = |text: &str| GatewaySections::parse(text).unwrap();
    assert!(read("").by_name().is_empty() && read(CASH).by_name().is_empty());
    assert_eq!(read(&format!("unheardOf = 1\n{GATEWAY}[[method]]\nid = 7\n")).by_name(), read(&with("")).by_name());
    assert_eq!(read(&with("")).by_name(), Methods::parse(&with("")).unwrap().gateways());
    assert_eq!(GatewaySections::parse("[gateways\n").unwrap_err().line, 1);
}

#[test]
fn gateways_secret_is_named_after_it() {
    let secret = |name: &str| secret_name(&GatewayName::parse(name).unwrap());
    assert_eq!(
        (secret("yookassa"), secret("shop-2")),
        ("GATEWAY_YOOKASSA_SECRET".to_owned(), "GATEWAY_SHOP_2_SECRET".to_owned())
    );
}
