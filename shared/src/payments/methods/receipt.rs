//! What a gateway's section says of fiscal receipts (54-ФЗ; reference "Card gateways", 1.6). Without it no receipt is sent.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer};

use crate::payments::payment::{LineTax, ReceiptLine, ReceiptProblem, TaxWord};
use crate::platform::config::{maybe_within, table, text};

/// YooKassa's numbers of VAT rates, and of tax systems.
const VAT_CODES: std::ops::RangeInclusive<u32> = 1..=12;
/// What is sold, as YooKassa names it.
const SUBJECTS: [&str; 20] = [
    "commodity",
    "excise",
    "job",
    "service",
    "gambling_bet",
    "gambling_prize",
    "lottery",
    "lottery_prize",
    "intellectual_activity",
    "payment",
    "agent_commission",
    "property_right",
    "non_operating_gain",
    "composite",
    "another",
    "marked",
    "non_marked",
    "marked_excise",
    "non_marked_excise",
    "fine",
];
/// How a line is paid when it is paid before it is handed over.
const IN_ADVANCE: [&str; 3] = ["full_prepayment", "partial_prepayment", "advance"];
/// How else.
const OTHERWISE: [&str; 4] = ["full_payment", "partial_payment", "credit", "credit_payment"];

/// The cash register that makes the receipts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CashRegister {
    /// The provider's own: it takes fewer lines, and sends receipts by e-mail only.
    Provider,
    /// The shop's, connected to the provider.
    #[default]
    Shop,
}

impl CashRegister {
    /// How many items a receipt may have.
    #[must_use]
    pub fn most_items(self) -> usize {
        match self {
            Self::Provider => 80,
            Self::Shop => 100,
        }
    }

    /// Whether a phone alone is not enough.
    #[must_use]
    pub fn needs_email(self) -> bool {
        match self {
            Self::Provider => true,
            Self::Shop => false,
        }
    }
}

/// Fiscal receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptSection {
    /// The number of the shop's tax system.
    pub tax_system: Option<u8>,
    pub cash_register: CashRegister,
    /// What is said of a line of which the shop does not.
    line: LineTax,
    /// What is said of the delivery.
    delivery: LineTax,
    vat_codes: BTreeMap<TaxWord, u8>,
}

/// What a receipt says of a line, in the provider's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineCodes {
    pub vat: u8,
    pub subject: &'static str,
    pub mode: &'static str,
}

impl LineCodes {
    /// Whether the line is paid before it is handed over, so that a second receipt follows.
    #[must_use]
    pub fn is_in_advance(&self) -> bool {
        IN_ADVANCE.contains(&self.mode)
    }
}

impl ReceiptSection {
    /// What a receipt says of `line`; names the word that has no counterpart.
    pub fn codes(&self, line: &ReceiptLine) -> Result<LineCodes, ReceiptProblem> {
        let default = if line.is_delivery { &self.delivery } else { &self.line };
        self.words(&LineTax {
            vat: line.tax.vat.clone().or_else(|| default.vat.clone()),
            subject: line.tax.subject.clone().or_else(|| default.subject.clone()),
            mode: line.tax.mode.clone().or_else(|| default.mode.clone()),
        })
    }

    fn words(&self, tax: &LineTax) -> Result<LineCodes, ReceiptProblem> {
        let unknown = |field, word: &Option<TaxWord>| ReceiptProblem::UnknownWord {
            field,
            word: word.as_ref().map_or_else(|| "none was said, and there is no default".to_owned(), ToString::to_string),
        };
        let vat = tax.vat.as_ref().and_then(|word| self.vat_codes.get(word)).copied();
        Ok(LineCodes {
            vat: vat.ok_or_else(|| unknown("vat", &tax.vat))?,
            subject: known(tax.subject.as_ref(), &SUBJECTS).ok_or_else(|| unknown("subject", &tax.subject))?,
            mode: known(tax.mode.as_ref(), &IN_ADVANCE)
                .or_else(|| known(tax.mode.as_ref(), &OTHERWISE))
                .ok_or_else(|| unknown("mode", &tax.mode))?,
        })
    }
}

fn known(word: Option<&TaxWord>, words: &[&'static str]) -> Option<&'static str> {
    let word = word?.as_str();
    words.iter().copied().find(|known| *known == word)
}

/// Fiscal receipts that the provider makes of each payment; none are made without this.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Receipt")]
struct ReceiptTable {
    /// The number of the shop's tax system at the provider; the one of its cabinet, if left out.
    #[serde(default, deserialize_with = "tax_system")]
    #[schemars(range(min = 1, max = 6))]
    tax_system: Option<u32>,
    /// Whose cash register makes the receipts.
    #[serde(default)]
    cash_register: CashRegister,
    /// The VAT of lines of which the shop says none; without it, such an order is not taken.
    vat: Option<Word>,
    /// What is sold in lines of which the shop does not say it; commodity, if left out.
    subject: Option<Word>,
    /// How lines are paid of which the shop does not say it; full_prepayment, if left out.
    mode: Option<Word>,
    /// The VAT of the delivery; that of other lines, if left out.
    delivery_vat: Option<Word>,
    /// The provider's number for each of the shop's words for a VAT rate.
    #[schemars(extend("minProperties" = 1))]
    vat_codes: BTreeMap<Word, Code>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Word(TaxWord);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, |word| TaxWord::parse(word).map(Self))
    }
}

impl JsonSchema for Word {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        TaxWord::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        TaxWord::json_schema(generator)
    }
}

#[derive(Clone, Copy)]
struct Code(u8);

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = crate::platform::config::within::<D, { *VAT_CODES.start() }, { *VAT_CODES.end() }>(deserializer)?;
        Ok(Self(u8::try_from(code).unwrap_or_default()))
    }
}

impl JsonSchema for Code {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "VatCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "integer", "minimum": VAT_CODES.start(), "maximum": VAT_CODES.end()})
    }
}

fn tax_system<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    maybe_within::<D, 1, 6>(deserializer)
}

impl<'de> Deserialize<'de> for ReceiptSection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        table(deserializer, |table: ReceiptTable| {
            let ReceiptTable { tax_system, cash_register, vat, subject, mode, delivery_vat, vat_codes } = table;
            if vat_codes.is_empty() {
                return Err("vatCodes must have a number for each word, like \"20\" = 4".to_owned());
            }
            let word =
                |word: Option<Word>, default: &str| word.map_or_else(|| TaxWord::parse(default).ok(), |Word(word)| Some(word));
            let vat = vat.map(|Word(vat)| vat);
            let mode = word(mode, "full_prepayment");
            let line = LineTax { vat: vat.clone(), subject: word(subject, "commodity"), mode: mode.clone() };
            let delivery_vat = delivery_vat.map(|Word(vat)| vat).or(vat);
            let delivery = LineTax { vat: delivery_vat, subject: TaxWord::parse("service").ok(), mode };
            let vat_codes = vat_codes.into_iter().map(|(Word(word), Code(code))| (word, code)).collect();
            let tax_system = tax_system.and_then(|number| u8::try_from(number).ok());
            let section = Self { tax_system, cash_register, line, delivery, vat_codes };
            for (tax, field) in [(&section.line, "vat"), (&section.delivery, "deliveryVat")] {
                // A default that is not there is the shop's to say, line by line.
                let complete = tax.vat.as_ref().or_else(|| section.vat_codes.keys().next()).cloned();
                let said = section.words(&LineTax { vat: complete, ..tax.clone() });
                said.map_err(|problem| match problem {
                    ReceiptProblem::UnknownWord { field: "vat", word } => {
                        format!("{field} \"{word}\" must have a number in vatCodes")
                    }
                    ReceiptProblem::UnknownWord { field, word } => {
                        format!("{field} \"{word}\" is not one that the provider knows")
                    }
                    problem => problem.to_string(),
                })?;
            }
            Ok(section)
        })
    }
}

impl JsonSchema for ReceiptSection {
    fn schema_name() -> Cow<'static, str> {
        ReceiptTable::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        ReceiptTable::json_schema(generator)
    }
}

/// In words, for a person.
impl fmt::Display for ReceiptSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let register = match self.cash_register {
            CashRegister::Provider => "the provider's register",
            CashRegister::Shop => "the shop's register",
        };
        let rates: Vec<_> = self.vat_codes.iter().map(|(word, code)| format!("{word} = {code}")).collect();
        write!(f, "receipts by {register}, VAT {}", rates.join(", "))
    }
}
