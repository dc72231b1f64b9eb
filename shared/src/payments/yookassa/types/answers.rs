//! What YooKassa answers. What money depends on must be readable if it is there; everything else is read if it can be.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::platform::clock::Timestamp;
use crate::platform::money::{Currency, Decimal, Money};
use crate::platform::wire::{Lenient, right_unless_blank};

/// An amount.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Amount {
    pub value: Decimal,
    /// ISO 4217.
    pub currency: String,
}

impl Amount {
    /// As money; nothing if the currency is not one that we take.
    #[must_use]
    pub fn money(&self) -> Option<Money> {
        Currency::parse(&self.currency).ok().map(|currency| Money::new(self.value, currency))
    }
}

/// A moment: `2018-07-10T14:27:54.691Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::from_rfc3339(&text).map(Self).ok_or_else(|| D::Error::custom("must be a moment like 2018-07-10T14:27:54.691Z"))
    }
}

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Payment {
    /// YooKassa's id.
    pub id: String,
    pub status: PaymentStatus,
    /// What is to be paid, is held, or was captured.
    pub amount: Amount,
    /// What was given back so far, once it is captured.
    #[serde(default, deserialize_with = "right_unless_blank")]
    pub refunded_amount: Option<Amount>,
    /// Whether no real money moves.
    #[serde(default, deserialize_with = "right_unless_blank")]
    pub test: Option<bool>,
    #[serde(default)]
    pub created_at: Lenient<Moment>,
    #[serde(default)]
    pub captured_at: Lenient<Moment>,
    /// The end of the hold, while there is one.
    #[serde(default)]
    pub expires_at: Lenient<Moment>,
    /// Whose money it is.
    #[serde(default)]
    pub recipient: Lenient<Recipient>,
    /// Ours, or that of whoever else uses the shop's account.
    #[serde(default)]
    pub metadata: Lenient<BTreeMap<String, String>>,
    /// Where the customer pays; only while it is pending.
    #[serde(default)]
    pub confirmation: Lenient<Confirmed>,
    /// How it was paid, which may be another way than was asked for.
    #[serde(default)]
    pub payment_method: Lenient<PaymentMethod>,
    /// Why it was canceled.
    #[serde(default)]
    pub cancellation_details: Lenient<CancellationDetails>,
    /// How its receipt stands, if it has one.
    #[serde(default)]
    pub receipt_registration: Lenient<ReceiptRegistration>,
}

/// Where a payment stands; others are kept as they came.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum PaymentStatus {
    /// The customer has not paid, or the bank has not answered.
    Pending,
    /// The money is held.
    WaitingForCapture,
    /// The money is captured; it stays so after refunds.
    Succeeded,
    /// It is over without money.
    Canceled,
    /// Something new, which is no word on money.
    Other(String),
}

impl From<String> for PaymentStatus {
    fn from(status: String) -> Self {
        match status.as_str() {
            "pending" => Self::Pending,
            "waiting_for_capture" => Self::WaitingForCapture,
            "succeeded" => Self::Succeeded,
            "canceled" => Self::Canceled,
            _ => Self::Other(status),
        }
    }
}

/// The shop's account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Recipient {
    /// The shop's id.
    pub account_id: String,
}

/// How the customer confirms the payment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Confirmed {
    /// YooKassa's page.
    #[serde(default)]
    pub confirmation_url: Lenient<String>,
    /// What the customer's bank opens: of SBP a link like `https://qr.nspk.ru/…`.
    #[serde(default)]
    pub confirmation_data: Lenient<String>,
}

/// How it was paid.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PaymentMethod {
    /// `bank_card`, `sbp`, `yoo_money`, …
    #[serde(rename = "type")]
    pub kind: String,
}

/// Why a payment or a refund was canceled.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CancellationDetails {
    /// By whom: `merchant`, `yoo_money`, `payment_network`.
    #[serde(default)]
    pub party: Lenient<String>,
    /// Such as `insufficient_funds` or `expired_on_capture`; new ones come.
    pub reason: String,
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Refund {
    /// YooKassa's id.
    pub id: String,
    /// YooKassa's id of the payment.
    pub payment_id: String,
    pub status: RefundStatus,
    pub amount: Amount,
    /// Ours, as in [`Payment`].
    #[serde(default)]
    pub metadata: Lenient<BTreeMap<String, String>>,
    /// Why it was canceled.
    #[serde(default)]
    pub cancellation_details: Lenient<CancellationDetails>,
    /// How its receipt stands, if it has one.
    #[serde(default)]
    pub receipt_registration: Lenient<ReceiptRegistration>,
}

/// How a refund stands; others are kept as they came.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum RefundStatus {
    /// Accepted, and not made yet.
    Pending,
    /// The money is given back.
    Succeeded,
    /// It will not be given back.
    Canceled,
    /// Something new.
    Other(String),
}

impl From<String> for RefundStatus {
    fn from(status: String) -> Self {
        match status.as_str() {
            "pending" => Self::Pending,
            "succeeded" => Self::Succeeded,
            "canceled" => Self::Canceled,
            _ => Self::Other(status),
        }
    }
}

/// How the registration of a receipt stands; others are kept as they came.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum ReceiptRegistration {
    Pending,
    Succeeded,
    /// The cash register has not taken it.
    Canceled,
    /// Something new.
    Other(String),
}

impl From<String> for ReceiptRegistration {
    fn from(status: String) -> Self {
        match status.as_str() {
            "pending" => Self::Pending,
            "succeeded" => Self::Succeeded,
            "canceled" => Self::Canceled,
            _ => Self::Other(status),
        }
    }
}

/// A receipt that was made apart from a payment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Receipt {
    /// YooKassa's id.
    pub id: String,
    pub status: ReceiptRegistration,
    /// The sums with which its lines were paid.
    #[serde(default)]
    pub settlements: Lenient<Vec<Settlement>>,
}

/// A sum with which lines were paid.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Settlement {
    /// `prepayment`, …
    #[serde(rename = "type")]
    pub kind: String,
}

/// A page of a list, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct List<T> {
    pub items: Vec<T>,
    /// What the next page is asked for with, if there is one.
    #[serde(default, deserialize_with = "right_unless_blank")]
    pub next_cursor: Option<String>,
}

/// The shop as YooKassa knows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Me {
    /// The shop's id.
    pub account_id: String,
    /// `enabled` or `disabled`.
    #[serde(default)]
    pub status: Lenient<String>,
    /// Whether no real money moves.
    #[serde(default, deserialize_with = "right_unless_blank")]
    pub test: Option<bool>,
    /// The ways to pay that the shop has: `bank_card`, `sbp`, …
    #[serde(default)]
    pub payment_methods: Lenient<Vec<String>>,
}
