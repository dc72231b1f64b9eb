//! What answers say of a payment's fiscal receipts.

use serde::Serialize;
use shared::payments::payment::{Payment, ReceiptLine, ReceiptRejection, ReceiptStatus};
use shared::platform::ids::ItemId;
use shared::platform::money::{Currency, Money};

/// The fiscal receipts that the gateway makes of a payment.
#[derive(Serialize)]
pub(crate) struct ShownReceipts<'a> {
    /// The cash register has not taken one of them, and nobody has seen it yet.
    rejected: bool,
    /// How the second receipt stands, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    second: Option<&'static str>,
    /// What the money is for that is not given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<ShownReceiptLine<'a>>>,
}

#[derive(Serialize)]
struct ShownReceiptLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<&'a str>,
    name: &'a str,
    quantity: String,
    amount: String,
}

impl<'a> ShownReceipts<'a> {
    pub(crate) fn of(payment: &'a Payment) -> Option<Self> {
        let receipts = payment.receipts.as_ref()?;
        Some(Self {
            rejected: receipts.rejection == Some(ReceiptRejection::New),
            second: receipts.second.as_ref().map(|second| ReceiptStatus::name(second.status)),
            lines: None,
        })
    }

    /// The same with the lines.
    pub(crate) fn with_lines(payment: &'a Payment) -> Option<Self> {
        let lines = &payment.receipts.as_ref()?.lines;
        let shown = lines.lines().iter().filter(|line| line.minor > 0).map(|line| ShownReceiptLine::of(line, lines.currency()));
        let lines = Some(shown.collect());
        Self::of(payment).map(|receipts| Self { lines, ..receipts })
    }
}

impl<'a> ShownReceiptLine<'a> {
    fn of(line: &'a ReceiptLine, currency: Currency) -> Self {
        let amount = Money::from_minor(line.minor, currency).unwrap_or_else(|_| Money::nothing(currency));
        let sku = line.sku.as_ref().map(ItemId::as_str).or(line.is_delivery.then_some("delivery"));
        Self { sku, name: &line.name, quantity: line.quantity.to_string(), amount: amount.decimal() }
    }
}
