//! What an answer depends on beside the books: how the simulator is set up, and the time.

use time::{Duration, OffsetDateTime};

use super::methods::YookassaMethod;
use super::readings::Reading;
use crate::options::{Options, ReceiptRule};
use crate::readings::Readings;
use crate::system::System;

/// What an answer depends on beside the books.
pub(super) struct Setting<'a> {
    pub(super) options: &'a Options,
    pub(super) readings: &'a Readings<Reading>,
    pub(super) now: OffsetDateTime,
    pub(super) base_url: &'a str,
}

impl Setting<'_> {
    /// The page where the customer pays.
    pub(super) fn page_url(&self, token: &str) -> String {
        format!("{}/{}/page/{token}", self.base_url, System::Yookassa)
    }

    /// Whether the shop can be paid in this way.
    pub(super) fn has(&self, method: YookassaMethod) -> bool {
        match method {
            YookassaMethod::ApplePay => self.readings.is_other(Reading::ApplePay),
            YookassaMethod::BankCard | YookassaMethod::YooMoney | YookassaMethod::Sbp | YookassaMethod::SberPay => {
                self.options.yookassa_methods.contains(&method)
            }
        }
    }

    /// The ways to pay that a customer can choose from: with two stages only those that can hold.
    pub(super) fn choice(&self, capture: bool) -> impl Iterator<Item = YookassaMethod> {
        let methods = self.options.yookassa_methods.iter().copied();
        methods.filter(move |method| *method != YookassaMethod::ApplePay && (capture || method.holds()))
    }

    /// Whether the register is YooKassa's own, by the names that it has here and in `/me` of real shops.
    pub(super) fn has_own_register(&self) -> bool {
        matches!(self.options.yookassa_register.as_deref(), Some("yookassa" | "avanpost" | "yoo_receipt"))
    }

    /// Whether money does not move without its receipt.
    pub(super) fn needs_receipts(&self) -> bool {
        self.options.yookassa_register.is_some() && self.options.yookassa_receipts == ReceiptRule::Needed
    }

    /// How long money is held.
    pub(super) fn hold(&self) -> Duration {
        if self.readings.is_other(Reading::Hold) { Duration::hours(2) } else { Duration::days(7) }
    }
}
