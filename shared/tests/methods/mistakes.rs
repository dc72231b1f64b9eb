//! Every mistake is said where it stands, with what would be right; the schema refuses what it can know of.

use shared::payments::methods::Methods;

use crate::{schema, under};

const CASH: &str = "[[method]]\nid = \"a\"\ntitle = \"A\"\ntype = \"cash\"\n";
const MOKKA: &str = "[[method]]\nid = \"m\"\ntitle = \"M\"\ntype = \"card\"\nprovider = \"mokka\"\n";

/// Who finds a mistake: both, or only the reader, because a schema cannot say it.
#[derive(PartialEq)]
pub(crate) enum By {
    Both,
    ReaderOnly,
}
use By::{Both, ReaderOnly};

fn refused(text: &str, wanted: &str, by: &By) {
    let mistake = Methods::parse(text).expect_err(text).to_string();
    assert!(mistake.starts_with(wanted), "wanted {wanted}\ngot    {mistake}\nfor\n{text}");
    assert_eq!(schema::refuses(text), *by == Both, "the schema on\n{text}");
}

#[test]
fn mistakes_in_methods_are_named() {
    for (text, wanted, by) in [
        (String::new(), "1:1: no [[method]] in it; a shop needs at least one", Both),
        ("[[method]]\nid = \"a\"\n".to_owned(), "1:1: field `method[0]`: missing field `title`", Both),
        (format!("{CASH}colour = \"red\"\n"), "5:1: field `method[0].colour`: unknown field `colour`, expected one of", Both),
        (format!("color = 1\n{CASH}"), "1:1: field `color`: unknown field `color`", Both),
        (CASH.replace("\"a\"", "\" \""), "2:6: field `method[0].id`: must not be empty", Both),
        (CASH.replace("\"A\"", "\" \""), "3:9: field `method[0].title`: must not be empty", Both),
        (CASH.replace("\"A\"", "7"), "3:9: field `method[0].title`: invalid type: integer `7`, expected a text", Both),
        (format!("{CASH}description = \"\"\n"), "5:15: field `method[0].description`: must not be empty", Both),
        (CASH.replace("cash", "CASH"), "4:8: field `method[0].type`: unknown variant `CASH`, expected one of `cash`", Both),
        (CASH.replace("cash", "card"), "1:1: field `method[0]`: provider must be set for an online payment", Both),
        (format!("{CASH}provider = \"mokka\"\n"), "1:1: field `method[0]`: provider must be left out", Both),
        (MOKKA.replace("card", "iOS"), "1:1: field `method[0]`: type must be card for provider mokka", Both),
        (
            format!("{CASH}iconId = \"icon-x\"\n"),
            "5:10: field `method[0].iconId`: unknown variant `icon-x`, expected one of",
            Both,
        ),
        (
            format!("{CASH}iconId = \"icon-card\"\nicon = \"https://x.example/i.png\"\n"),
            "1:1: field `method[0]`: icon and iconId exclude each other",
            Both,
        ),
        (format!("{CASH}icon = \"ftp://x.example/i.png\"\n"), "5:8: field `method[0].icon`: must begin with https://", Both),
        (format!("{CASH}icon = \"http://x.example/i.png\"\n"), "5:8: field `method[0].icon`: must begin with", ReaderOnly),
        (format!("{CASH}deliveryDiscount = 101\n"), "5:20: field `method[0].deliveryDiscount`: must be a whole number", Both),
        (format!("{CASH}\n{CASH}"), "6:1: field `method[1]`: id is used twice", ReaderOnly),
        (format!("{CASH}limit = \"hide\"\n"), "1:1: field `method[0]`: widget and limit need provider mokka", Both),
        (format!("{CASH}[method.widget]\n"), "1:1: field `method[0]`: widget and limit need provider mokka", Both),
        (format!("{MOKKA}limit = \"on\"\n"), "6:9: field `method[0].limit`: unknown variant `on`", Both),
        (
            format!("{MOKKA}[method.widget]\nterm = 0\n"),
            "7:8: field `method[0].widget.term`: must be a whole number from 1",
            Both,
        ),
        (format!("{MOKKA}widget = true\n"), "6:10: field `method[0].widget`: invalid type", Both),
        (
            format!("{CASH}[[method.text]]\nwhen = {{ pickup = true }}\n"),
            "5:1: field `method[0].text[0]`: must have title, description or both",
            Both,
        ),
        (format!("{CASH}[[method.text]]\ntitle = \"B\"\n"), "5:1: field `method[0].text[0]`: missing field `when`", Both),
        (format!("utcOffset = \"+6\"\n{CASH}"), "1:13: field `utcOffset`: must be like \"+06:00\"", Both),
        (format!("utcOffset = \"+14:30\"\n{CASH}"), "1:13: field `utcOffset`: must be like \"+06:00\"", Both),
        (format!("customerPhone = \"phone\"\n{CASH}"), "1:17: field `customerPhone`: unknown variant `phone`", Both),
    ] {
        refused(&text, wanted, &by);
    }
    let broken = Methods::parse("[[method]]\nid = \ntitle = 1\n").unwrap_err().to_string();
    assert!(broken.starts_with("2:"), "{broken}");
}

#[test]
fn mistakes_in_conditions_are_named() {
    for (condition, wanted, by) in [
        ("{ }", "5:8: field `method[0].when`: must not be empty", Both),
        ("true", "5:8: field `method[0].when`: invalid type: boolean `true`, expected a table", Both),
        ("{ contry = [\"KG\"] }", "5:10: field `method[0].when.contry`: unknown field `contry`, expected one of `country`", Both),
        ("{ country = [] }", "5:20: field `method[0].when.country`: must not be empty; leave the key out", Both),
        ("{ country = \"KG\" }", "5:20: field `method[0].when.country`: invalid type: string \"KG\", expected a list", Both),
        ("{ country = [\"KG\", \"KGZ\"] }", "5:27: field `method[0].when.country[1]`: must be an ISO code of two letters", Both),
        ("{ city = [\" \"] }", "5:18: field `method[0].when.city[0]`: must not be empty", Both),
        ("{ city = [7] }", "5:18: field `method[0].when.city[0]`: invalid type: integer `7`", Both),
        ("{ pickup = \"yes\" }", "5:19: field `method[0].when.pickup`: invalid type", Both),
        ("{ promocode = [] }", "5:22: field `method[0].when.promocode`: must not be empty", Both),
        (
            "{ promocode = \"X\" }",
            "5:22: field `method[0].when.promocode`: invalid type: string \"X\", expected true, false",
            Both,
        ),
        ("{ items = [\"*\"] }", "5:19: field `method[0].when.items[0]`: must be an id; one star may end it", Both),
        ("{ items = [\"a*b\"] }", "5:19: field `method[0].when.items[0]`: must be an id", Both),
        ("{ amount = { } }", "5:19: field `method[0].when.amount`: must have min, max or both", Both),
        ("{ amount = { min = 2, max = 1 } }", "5:19: field `method[0].when.amount`: min must not exceed max", ReaderOnly),
        ("{ amount = { min = -1 } }", "5:27: field `method[0].when.amount.min`: must not be negative", Both),
        ("{ amount = { min = \"1\" } }", "5:27: field `method[0].when.amount.min`: invalid type", Both),
        ("{ amount = { min = 1.234 } }", "5:27: field `method[0].when.amount.min`: must have at most two decimals", ReaderOnly),
        ("{ quantity = { most = 1 } }", "5:23: field `method[0].when.quantity.most`: unknown field `most`", Both),
        ("{ customer = \"friend\" }", "5:21: field `method[0].when.customer`: unknown variant `friend`", Both),
        ("{ time = { } }", "5:17: field `method[0].when.time`: must have since, until", Both),
        ("{ time = { days = [\"monday\"] } }", "5:27: field `method[0].when.time.days[0]`: unknown variant `monday`", Both),
        ("{ time = { from = \"9:00\" } }", "5:26: field `method[0].when.time.from`: must be a time of day like 09:00", Both),
        ("{ time = { from = 2026-01-01 } }", "5:26: field `method[0].when.time.from`: must be a time of day", Both),
        ("{ time = { from = \"25:00\" } }", "5:26: field `method[0].when.time.from`: must be a time of day", ReaderOnly),
        (
            "{ time = { from = \"09:00\", to = \"09:00\" } }",
            "5:17: field `method[0].when.time`: from and to must differ",
            ReaderOnly,
        ),
        ("{ time = { to = \"00:00\" } }", "5:17: field `method[0].when.time`: from and to must differ", ReaderOnly),
        (
            "{ time = { since = 2026-01-02, until = 2026-01-01 } }",
            "5:17: field `method[0].when.time`: since must come",
            ReaderOnly,
        ),
        ("{ time = { until = 2026-01-01T00:00:00Z } }", "5:27: field `method[0].when.time.until`: must be a date like", Both),
        ("{ time = { since = 09:00:00 } }", "5:27: field `method[0].when.time.since`: must be a date like", Both),
        ("{ all = [] }", "5:16: field `method[0].when.all`: must not be empty", Both),
        ("{ any = [{ pickup = true }, { }] }", "5:36: field `method[0].when.any[1]`: must not be empty", Both),
        ("{ not = { not = { cty = true } } }", "5:26: field `method[0].when.not.not.cty`: unknown field `cty`", Both),
    ] {
        refused(&under(condition), wanted, &by);
    }
}
