//! Acquiring: one URL for the commands `create`, `applepay`, `androidpay` and `capture`.

use serde::{Deserialize, Serialize};

use crate::platform::ids::{MethodId, OrderId, OrderUuid, PaymentId};
use crate::platform::wire::Lenient;

/// Any command's body. Which fields are mandatory depends on `command`; none of them is an amount.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// `create`, `applepay`, `androidpay` (or `android`), `capture`.
    pub command: String,
    /// The way to pay that the customer chose; mandatory.
    pub payment_method_id: Option<MethodId>,
    /// IMSHOP's id of the order; mandatory but for `capture`.
    pub order_uuid: Option<OrderUuid>,
    /// The shop's id of the order; mandatory but for `capture`.
    pub order_id: Option<OrderId>,
    /// Where the app is to be opened again when the customer gives up; `create`.
    #[serde(default)]
    pub return_url: Lenient<String>,
    /// Our payment id; `capture`. Read as free text: an id that is not ours is an unknown payment, not a malformed request.
    pub payment_id: Option<OrderId>,
    /// Apple Pay's cryptogram, base64. Never logged.
    pub apple_pay_data: Option<String>,
    /// Google Pay's cryptogram, base64. Never logged.
    pub android_pay_data: Option<String>,
}

/// The answer to `create`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Created<'a> {
    /// Always true.
    pub success: bool,
    /// Our payment id.
    pub payment_id: &'a str,
    #[serde(flatten)]
    pub how: HowToPay<'a>,
}

/// How the customer pays.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum HowToPay<'a> {
    Page {
        /// The provider's payment page.
        payment_url: &'a str,
        /// Matches the URL that the customer reaches after paying.
        success_regex: String,
        /// Matches the URL that the customer reaches otherwise.
        failure_regex: String,
    },
    Sbp {
        /// The link of the Faster Payments System that opens the app of a bank.
        sbp_payload: &'a str,
    },
}

/// The answer to `capture`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Captured<'a> {
    /// False for a payment that will not come any more.
    pub success: bool,
    /// The payment asked about.
    pub payment_id: &'a str,
    /// The money is ours.
    pub payment_captured: bool,
    /// Not decided yet: ask again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
    /// Why not, for the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
}

impl<'a> Captured<'a> {
    #[must_use]
    pub fn paid(payment_id: &'a PaymentId) -> Self {
        Self { success: true, payment_id: payment_id.as_str(), payment_captured: true, pending: false, error: None }
    }

    /// Not decided yet.
    #[must_use]
    pub fn pending(payment_id: &'a PaymentId) -> Self {
        Self { success: true, payment_id: payment_id.as_str(), payment_captured: false, pending: true, error: None }
    }

    /// Not paid, and will not be.
    #[must_use]
    pub fn failed(payment_id: &'a PaymentId, error: &'a str) -> Self {
        Self { success: false, payment_id: payment_id.as_str(), payment_captured: false, pending: false, error: Some(error) }
    }
}
