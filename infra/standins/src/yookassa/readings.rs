//! What public sources leave open of YooKassa, as switches.

use crate::readings::Open;
use crate::system::System;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reading {
    /// `amount` of a payment of whose hold only a part was captured.
    AmountAfterCapture,
    /// How long money is held.
    Hold,
    /// Payments by a token of Apple Pay.
    ApplePay,
    /// A refund as it is first answered.
    Refunds,
    /// When the register takes a receipt.
    Receipts,
}

impl Open for Reading {
    const SYSTEM: System = System::Yookassa;
    const ALL: &[Self] = &[Self::AmountAfterCapture, Self::Hold, Self::ApplePay, Self::Refunds, Self::Receipts];

    fn name(self) -> &'static str {
        match self {
            Self::AmountAfterCapture => "amount_after_capture",
            Self::Hold => "hold",
            Self::ApplePay => "apple_pay",
            Self::Refunds => "refunds",
            Self::Receipts => "receipts",
        }
    }

    fn values(self) -> [&'static str; 2] {
        match self {
            Self::AmountAfterCapture => ["captured", "held"],
            Self::Hold => ["seven_days", "two_hours"],
            Self::ApplePay => ["refused", "taken"],
            Self::Refunds => ["at_once", "pending"],
            Self::Receipts => ["when_read", "pending"],
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::AmountAfterCapture => {
                "whether amount of a payment that was captured in part is what was captured, or still what was held"
            }
            Self::Hold => {
                "whether a hold ends after seven days, as those of cards do, or after two hours, as those of rare methods do"
            }
            Self::ApplePay => "whether payments by a token of Apple Pay are refused, or taken",
            Self::Refunds => {
                "whether a refund has succeeded at once, or is pending until POST /control/yookassa/{refund id}/decide"
            }
            Self::Receipts => {
                "whether a receipt is registered when it is first read, or is pending until POST /control/yookassa/{receipt id}/decide"
            }
        }
    }
}
