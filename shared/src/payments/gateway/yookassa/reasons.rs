//! Why YooKassa cancels a payment: the state that it comes to, and the customer's sentence (reference "Card gateways", 1.3).

use crate::payments::payment::ReportedState;
use crate::payments::texts;

/// The state of a payment that was canceled for that reason. A reason that we do not know, or none, is a decline.
pub(super) fn state(reason: Option<&str>) -> ReportedState {
    match reason {
        Some("expired_on_confirmation" | "expired_on_capture") => ReportedState::Expired,
        Some("canceled_by_merchant") => ReportedState::Canceled,
        Some(_) | None => ReportedState::Declined,
    }
}

/// What the customer reads.
pub(super) fn text(reason: &str) -> &'static str {
    match reason {
        "insufficient_funds" => texts::CARD_FUNDS,
        "card_expired" | "invalid_card_number" | "invalid_csc" => texts::CARD_DATA,
        "3d_secure_failed" => texts::CARD_NOT_CONFIRMED,
        "payment_method_limit_exceeded" => texts::CARD_LIMIT,
        "call_issuer" | "payment_method_restricted" | "country_forbidden" => texts::CARD_BANK,
        "issuer_unavailable" | "internal_timeout" | "rejected_by_timeout" => texts::CARD_BANK_SILENT,
        _ => texts::DECLINED,
    }
}

/// What the shop's people can do about a call that YooKassa refused with this code, or a refund that it did not make for this reason.
#[must_use]
pub fn advice(reason: &str) -> &'static str {
    match reason {
        "insufficient_funds" => {
            "the shop's balance at YooKassa is too low for this refund; top it up or wait for payments, then ask again"
        }
        "rejected_by_payee" | "yoo_money_account_closed" => {
            "the customer's bank does not take the money back; ask the customer where to send it"
        }
        "rejected_by_timeout" | "general_decline" => "the bank did not make it; ask again later, or see YooKassa's cabinet",
        "invalid_request" => {
            "YooKassa does not allow it for this payment or amount as it stands; compare it in YooKassa's cabinet"
        }
        "above_hold" => "no more can be captured than is held; the customer has to pay the rest by another payment",
        _ => "see the payment in YooKassa's cabinet",
    }
}
