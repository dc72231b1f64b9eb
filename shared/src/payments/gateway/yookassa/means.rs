//! The means of payment as YooKassa has them (reference "Card gateways", 1.2 and 3).

use crate::payments::gateway::contract::page;
use crate::payments::payment::{PaymentAction, PaymentMeans};
use crate::payments::yookassa::types::{ConfirmationRequest, Confirmed, PaymentMethodRequest};

/// The longest link that an app is given.
const LONGEST_LINK: usize = 2048;

/// How the customer confirms.
pub(super) fn confirmation(means: PaymentMeans, return_url: &str) -> ConfirmationRequest {
    match means {
        PaymentMeans::Sbp => ConfirmationRequest::Qr,
        PaymentMeans::Card | PaymentMeans::SbpPage | PaymentMeans::Sberpay | PaymentMeans::Any => {
            ConfirmationRequest::Redirect { return_url: return_url.to_owned() }
        }
    }
}

/// What is paid with; nothing if the customer chooses on the page.
pub(super) fn method(means: PaymentMeans) -> Option<PaymentMethodRequest> {
    match means {
        PaymentMeans::Card => Some(PaymentMethodRequest::BankCard),
        PaymentMeans::Sbp | PaymentMeans::SbpPage => Some(PaymentMethodRequest::Sbp),
        PaymentMeans::Sberpay => Some(PaymentMethodRequest::Sberbank),
        PaymentMeans::Any => None,
    }
}

/// What the customer is to do, by YooKassa's answer.
pub(super) fn action(means: PaymentMeans, confirmation: &Confirmed) -> Option<PaymentAction> {
    match means {
        PaymentMeans::Sbp => {
            let link = confirmation.confirmation_data.0.as_deref().map(str::trim)?;
            let may = (1..=LONGEST_LINK).contains(&link.len())
                && !link.chars().any(|letter| letter.is_control() || letter.is_whitespace());
            may.then(|| PaymentAction::Sbp(link.to_owned()))
        }
        PaymentMeans::Card | PaymentMeans::SbpPage | PaymentMeans::Sberpay | PaymentMeans::Any => {
            confirmation.confirmation_url.0.as_deref().and_then(page)
        }
    }
}
