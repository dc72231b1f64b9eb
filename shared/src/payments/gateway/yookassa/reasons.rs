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
