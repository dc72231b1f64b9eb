//! What YooKassa is asked. The same request is always written as the same bytes: nothing in it depends on the time of the call.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::platform::money::Money;

/// An amount: `{"value": "1500.00", "currency": "RUB"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AmountRequest {
    value: String,
    currency: &'static str,
}

impl From<Money> for AmountRequest {
    fn from(money: Money) -> Self {
        Self { value: money.decimal(), currency: money.currency().code() }
    }
}

/// `POST /payments`.
#[derive(Clone, Debug, Serialize)]
pub struct PaymentRequest {
    pub amount: AmountRequest,
    /// Whether it is captured as soon as it is paid; a hold waits for [`CaptureRequest`] otherwise.
    pub capture: bool,
    pub confirmation: ConfirmationRequest,
    /// How it is to be paid; the customer chooses on the page without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_method_data: Option<PaymentMethodRequest>,
    /// The fiscal receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReceiptRequest>,
    /// What the customer and the shop's people read, up to 128 characters.
    pub description: String,
    /// Ours, up to 16 entries: names up to 32 characters, values up to 512.
    pub metadata: BTreeMap<&'static str, String>,
}

/// How the customer confirms the payment.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ConfirmationRequest {
    /// On YooKassa's page.
    Redirect {
        /// Where the browser goes afterwards, whatever came of it; up to 2048 characters.
        return_url: String,
    },
    /// By a code or a link, which the customer's bank opens.
    Qr,
}

/// A way to pay.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PaymentMethodRequest {
    /// A card, whose number is entered on YooKassa's page.
    BankCard,
    /// The Faster Payments System (СБП).
    Sbp,
    /// SberPay.
    Sberbank,
}

/// `POST /payments/{id}/capture`.
#[derive(Clone, Debug, Serialize)]
pub struct CaptureRequest {
    /// At most what is held; the rest goes back to the customer.
    pub amount: AmountRequest,
    /// The fiscal receipt of a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReceiptRequest>,
}

/// `POST /refunds`.
#[derive(Clone, Debug, Serialize)]
pub struct RefundRequest {
    /// YooKassa's id of the payment.
    pub payment_id: String,
    pub amount: AmountRequest,
    /// The fiscal receipt of a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReceiptRequest>,
    /// Ours, as in [`PaymentRequest`].
    pub metadata: BTreeMap<&'static str, String>,
}

/// A fiscal receipt.
#[derive(Clone, Debug, Serialize)]
pub struct ReceiptRequest {
    pub customer: ReceiptCustomer,
    /// Their prices sum up to the amount, to the kopeck.
    pub items: Vec<ReceiptItemRequest>,
    /// 1 to 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_system_code: Option<u8>,
    /// The shop sells over the Internet.
    pub internet: bool,
}

/// Who gets a receipt: one of the two.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptCustomer {
    Email(String),
    /// E.164.
    Phone(String),
}

/// A line of a receipt.
#[derive(Clone, Debug, Serialize)]
pub struct ReceiptItemRequest {
    /// Up to 128 characters.
    pub description: String,
    /// With at most three decimals.
    pub quantity: String,
    /// The price of one.
    pub amount: AmountRequest,
    /// 1 to 12.
    pub vat_code: u8,
    pub payment_subject: &'static str,
    pub payment_mode: &'static str,
}

/// `POST /receipts`: the second receipt of a payment.
#[derive(Clone, Debug, Serialize)]
pub struct SecondReceiptRequest {
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// YooKassa's id of the payment.
    pub payment_id: String,
    #[serde(flatten)]
    pub receipt: ReceiptRequest,
    /// How the lines were paid.
    pub settlements: Vec<SettlementRequest>,
    /// At once.
    pub send: bool,
}

/// A sum with which lines were paid.
#[derive(Clone, Debug, Serialize)]
pub struct SettlementRequest {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub amount: AmountRequest,
}
