//! What happens in a shop again and again, by its name.

use serde::Deserialize;

/// Something that happens again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// IMSHOP asks for the ways to pay, for a cart whose amount Mokka was not asked about yet.
    List,
    /// The same for an amount that is known.
    ListAgain,
    /// An order is relayed, paid on Mokka's page, called back, looked at by its customer, captured, and told to IMSHOP.
    Paid,
    /// IMSHOP asks again whether it is paid.
    CaptureAgain,
    /// No callback comes and no caller asks: reconcile settles the payment.
    LostCallback,
    /// An order whose customer never decides on Mokka's page: reconcile looks until its time is over.
    Abandoned,
    /// The shop's people look at an order, beside what Mokka says.
    BackOfficeLook,
    /// The back office gives the money back, and IMSHOP is told.
    Refund,
    /// An order is relayed, paid by SBP at YooKassa with a fiscal receipt, notified, looked at for its receipt, and told to IMSHOP.
    PaidBySbp,
    /// The same of a payment by SBP, with a receipt of its own.
    RefundOfSbp,
    /// A form with a code: the SMS, a wrong code, the right one, the shop, the SMS's report and its count.
    Form,
    /// The same with three photos.
    FormWithPhotos,
}

impl Life {
    /// Every one, in the order in which they can be played: what comes after a payment comes after it.
    pub const ALL: [Self; 12] = [
        Self::List,
        Self::ListAgain,
        Self::Paid,
        Self::CaptureAgain,
        Self::BackOfficeLook,
        Self::Refund,
        Self::PaidBySbp,
        Self::RefundOfSbp,
        Self::LostCallback,
        Self::Abandoned,
        Self::Form,
        Self::FormWithPhotos,
    ];

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list of ways to pay, a new amount",
            Self::ListAgain => "the same again",
            Self::Paid => "order, paid by Mokka",
            Self::CaptureAgain => "`capture` asked again",
            Self::LostCallback => "callback lost, settled by reconcile",
            Self::Abandoned => "order left on Mokka's page, until it expires",
            Self::BackOfficeLook => "back office looks at an order",
            Self::Refund => "refund",
            Self::PaidBySbp => "order, paid by SBP at YooKassa, with a fiscal receipt",
            Self::RefundOfSbp => "refund of it, with its receipt",
            Self::Form => "form with a code",
            Self::FormWithPhotos => "form with a code and 3 photos",
        }
    }
}
