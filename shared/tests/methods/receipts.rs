//! The section on fiscal receipts: what each key may be, and what a line is called in the gateway's terms.

use shared::payments::methods::{CashRegister, GatewaySections, ReceiptSection};
use shared::payments::payment::{GatewayName, LineTax, ReceiptLine, ReceiptProblem, TaxWord};
use shared::platform::money::Quantity;

use crate::schema;

const GATEWAY: &str = "[gateways.yookassa]\nkind = \"yookassa\"\nshopId = \"506751\"\n[gateways.yookassa.receipt]\n";
const CASH: &str = "[[method]]\nid = \"a\"\ntitle = \"A\"\ntype = \"cash\"\n";

fn section(lines: &str) -> ReceiptSection {
    let text = format!("{GATEWAY}{lines}{CASH}");
    assert_eq!(schema::complaints(&text), Vec::<String>::new(), "{text}");
    let sections = GatewaySections::parse(&text).unwrap_or_else(|mistake| panic!("{mistake}\n{text}"));
    sections.by_name()[&GatewayName::parse("yookassa").unwrap()].receipt.clone().unwrap()
}

fn word(text: &str) -> Option<TaxWord> {
    Some(TaxWord::parse(text).unwrap())
}

fn line(tax: LineTax, is_delivery: bool) -> ReceiptLine {
    ReceiptLine { sku: None, name: "Чайник".to_owned(), quantity: Quantity::ONE, minor: 1, tax, is_delivery }
}

#[test]
fn line_that_says_nothing_has_the_sections_words() {
    let section = section("vat = \"20 %\"\nvatCodes = { \"20\" = 4, none = 1 }\ndeliveryVat = \"none\"\n");
    assert_eq!((section.cash_register, section.tax_system), (CashRegister::Shop, None));
    let codes = section.codes(&line(LineTax::default(), false)).unwrap();
    assert_eq!((codes.vat, codes.subject, codes.mode, codes.is_in_advance()), (4, "commodity", "full_prepayment", true));
    let delivery = section.codes(&line(LineTax::default(), true)).unwrap();
    assert_eq!((delivery.vat, delivery.subject, delivery.mode), (1, "service", "full_prepayment"));
    let own = LineTax { vat: word("none"), subject: word("payment"), mode: word("full_payment") };
    let own = section.codes(&line(own, false)).unwrap();
    assert_eq!((own.vat, own.subject, own.mode, own.is_in_advance()), (1, "payment", "full_payment", false));
}

#[test]
fn word_without_a_counterpart_is_named() {
    let section = section("vatCodes = { \"20\" = 4 }\ncashRegister = \"provider\"\ntaxSystem = 6\n");
    assert_eq!(
        (section.cash_register.needs_email(), section.cash_register.most_items(), section.tax_system),
        (true, 80, Some(6))
    );
    let said = |tax: LineTax| match section.codes(&line(tax, false)).unwrap_err() {
        ReceiptProblem::UnknownWord { field, word } => (field, word),
        problem => panic!("{problem}"),
    };
    assert_eq!(said(LineTax::default()), ("vat", "none was said, and there is no default".to_owned()));
    assert_eq!(said(LineTax { vat: word("22"), ..LineTax::default() }), ("vat", "22".to_owned()));
    let rate = || word("20");
    assert_eq!(said(LineTax { vat: rate(), subject: word("soap"), mode: None }), ("subject", "soap".to_owned()));
    assert_eq!(said(LineTax { vat: rate(), subject: None, mode: word("later") }), ("mode", "later".to_owned()));
}

#[test]
fn mistakes_in_the_section_are_named_with_their_place() {
    for (lines, wanted) in [
        ("vat = \"20\"\n", "missing field `vatCodes`"),
        ("vatCodes = {}\n", "vatCodes must have a number for each word, like \"20\" = 4"),
        ("vatCodes = { \"20\" = 13 }\n", "must be a whole number from 1 to 12"),
        ("vatCodes = { \"20\" = 0 }\n", "must be a whole number from 1 to 12"),
        ("vatCodes = { \"20\" = 4 }\nvat = \"10\"\n", "vat \"10\" must have a number in vatCodes"),
        ("vatCodes = { \"20\" = 4 }\ndeliveryVat = \"10\"\n", "deliveryVat \"10\" must have a number in vatCodes"),
        ("vatCodes = { \"20\" = 4 }\nsubject = \"soap\"\n", "subject \"soap\" is not one that the provider knows"),
        ("vatCodes = { \"20\" = 4 }\nmode = \"later\"\n", "mode \"later\" is not one that the provider knows"),
        ("vatCodes = { \"20\" = 4 }\ntaxSystem = 7\n", "must be a whole number from 1 to 6"),
        ("vatCodes = { \"20\" = 4 }\ncashRegister = \"mine\"\n", "unknown variant `mine`, expected `provider` or `shop`"),
        ("vatCodes = { \"20\" = 4 }\ntax = 1\n", "unknown field `tax`"),
    ] {
        let text = format!("{GATEWAY}{lines}{CASH}");
        let said = GatewaySections::parse(&text).unwrap_err().to_string();
        assert!(said.contains(wanted) && said.contains("gateways.yookassa.receipt"), "{said}\n{text}");
    }
}
