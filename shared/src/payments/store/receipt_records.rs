//! What a payment keeps for its fiscal receipts, as it is stored. Amounts are minor units, quantities thousandths.

use serde::{Deserialize, Serialize};

use crate::payments::payment::{
    LineTax, ReceiptLine, ReceiptLines, ReceiptPart, ReceiptRejection, ReceiptStatus, Receipts, SecondReceipt, TakenLine, TaxWord,
};
use crate::platform::clock::Timestamp;
use crate::platform::ids::ItemId;
use crate::platform::money::{Currency, Quantity};

type Cause = String;

#[derive(Serialize, Deserialize)]
pub(super) struct ReceiptsRecord {
    lines: Vec<ReceiptLineRecord>,
    /// A person has seen that the cash register has not taken one, or has not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rejection_seen: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    second_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    second_status: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pending: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    look_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct ReceiptLineRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    name: String,
    quantity: i64,
    amount: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vat: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    delivery: bool,
}

impl From<&Receipts> for ReceiptsRecord {
    fn from(Receipts { lines, rejection, second, is_pending, look_at }: &Receipts) -> Self {
        let lines = lines.lines().iter().map(|line| ReceiptLineRecord {
            sku: line.sku.as_ref().map(|sku| sku.as_str().to_owned()),
            name: line.name.clone(),
            quantity: line.quantity.thousandths(),
            amount: line.minor,
            vat: line.tax.vat.as_ref().map(ToString::to_string),
            subject: line.tax.subject.as_ref().map(ToString::to_string),
            mode: line.tax.mode.as_ref().map(ToString::to_string),
            delivery: line.is_delivery,
        });
        Self {
            lines: lines.collect(),
            rejection_seen: rejection.map(|rejection| rejection == ReceiptRejection::Seen),
            second_id: second.as_ref().map(|second| second.provider_id.clone()),
            second_status: second.as_ref().map(|second| second.status.name().to_owned()),
            pending: *is_pending,
            look_at: look_at.map(Timestamp::millis),
        }
    }
}

impl ReceiptsRecord {
    pub(super) fn read(self, currency: Currency) -> Result<Receipts, Cause> {
        let status = self
            .second_status
            .map(|name| ReceiptStatus::from_name(&name).ok_or_else(|| "the status of the second receipt is unknown".to_owned()));
        let second = self.second_id.zip(status.transpose()?);
        let lines = self.lines.into_iter().map(ReceiptLineRecord::read);
        Ok(Receipts {
            lines: ReceiptLines::stored(lines.collect::<Result<_, Cause>>()?, currency),
            rejection: self.rejection_seen.map(|seen| if seen { ReceiptRejection::Seen } else { ReceiptRejection::New }),
            second: second.map(|(provider_id, status)| SecondReceipt { provider_id, status }),
            is_pending: self.pending,
            look_at: self.look_at.map(Timestamp::from_millis),
        })
    }
}

impl ReceiptLineRecord {
    fn read(self) -> Result<ReceiptLine, Cause> {
        if self.quantity < 0 || self.amount < 0 {
            return Err("a receipt's line is negative".to_owned());
        }
        Ok(ReceiptLine {
            sku: self.sku.as_deref().map(ItemId::parse).transpose().map_err(|error| format!("a receipt's sku {error}"))?,
            name: self.name,
            quantity: Quantity::of_thousandths(self.quantity),
            minor: self.amount,
            tax: LineTax {
                vat: word(self.vat.as_deref())?,
                subject: word(self.subject.as_deref())?,
                mode: word(self.mode.as_deref())?,
            },
            is_delivery: self.delivery,
        })
    }
}

/// A word for a receipt, as it is stored.
pub(super) fn word(stored: Option<&str>) -> Result<Option<TaxWord>, Cause> {
    stored.map(TaxWord::parse).transpose().map_err(|error| format!("a line's word for receipts {error}"))
}

/// What a refund takes of the lines: the line, the thousandths if it is by pieces, the amount.
#[derive(Serialize, Deserialize)]
pub(super) struct TakenRecord(usize, Option<i64>, i64);

/// The lines of a refund that is open.
pub(super) fn taken(part: &ReceiptPart) -> Vec<TakenRecord> {
    part.0.iter().map(|taken| TakenRecord(taken.line, taken.quantity.map(Quantity::thousandths), taken.minor)).collect()
}

pub(super) fn part(taken: Vec<TakenRecord>) -> ReceiptPart {
    let taken = taken.into_iter().map(|TakenRecord(line, quantity, minor)| {
        let quantity = quantity.map(Quantity::of_thousandths);
        TakenLine { line, quantity, minor }
    });
    ReceiptPart(taken.collect())
}
