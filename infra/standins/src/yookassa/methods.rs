//! Ways to pay, and what each of them allows.

use serde::Deserialize;

use crate::money::Kopecks;

/// A way to pay at YooKassa.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum YookassaMethod {
    BankCard,
    YooMoney,
    /// The Faster Payments System: the customer pays in the bank's app, always in one stage.
    Sbp,
    /// `SberPay`: the customer pays in the bank's app, held first or taken at once.
    #[serde(rename = "sberbank")]
    SberPay,
    /// A token of Apple Pay: taken or refused by the switch `apple_pay`, whatever the shop has.
    ApplePay,
}

use YookassaMethod::{ApplePay, BankCard, SberPay, Sbp, YooMoney};

impl YookassaMethod {
    const ALL: [Self; 5] = [BankCard, YooMoney, Sbp, SberPay, ApplePay];

    /// As the API writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            BankCard => "bank_card",
            YooMoney => "yoo_money",
            Sbp => "sbp",
            SberPay => "sberbank",
            ApplePay => "apple_pay",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// The largest payment.
    pub(super) fn most(self) -> Kopecks {
        match self {
            BankCard => Kopecks(35_000_000),
            YooMoney | Sbp | SberPay | ApplePay => Kopecks(70_000_000),
        }
    }

    /// Whether money can be held before it is captured.
    pub(super) fn holds(self) -> bool {
        match self {
            BankCard | YooMoney | SberPay | ApplePay => true,
            Sbp => false,
        }
    }

    /// Whether the customer pays in an app, and has no card to type in.
    pub(super) fn is_app(self) -> bool {
        match self {
            YooMoney | Sbp | SberPay => true,
            BankCard | ApplePay => false,
        }
    }
}
