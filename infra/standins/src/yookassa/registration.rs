//! What the cash register says of a receipt.

/// Whether the register has taken a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registration {
    Pending,
    Succeeded,
    Canceled,
}

impl Registration {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

/// The receipt that came with a payment or a refund, as that one shows it.
#[derive(Clone, Debug)]
pub(super) struct OwnReceipt {
    pub(super) id: String,
    pub(super) registration: Registration,
}
