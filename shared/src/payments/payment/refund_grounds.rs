//! Why money is given back, as the person says who asks for it.

/// Why the goods, or some of them, are not wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundReason {
    /// They are broken, or not as they should be.
    Defect,
    /// The customer does not want them any more.
    NotNeeded,
    /// They did not arrive.
    NotDelivered,
    /// Others arrived.
    WrongItem,
    Other,
}

impl RefundReason {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Defect, Self::NotNeeded, Self::NotDelivered, Self::WrongItem, Self::Other];

    /// The name used in storage, requests and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Defect => "defect",
            Self::NotNeeded => "not_needed",
            Self::NotDelivered => "not_delivered",
            Self::WrongItem => "wrong_item",
            Self::Other => "other",
        }
    }

    /// The reason of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// What is said of a refund when it is asked for. The provider, IMSHOP and the shop's events have nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefundGrounds {
    pub reason: Option<RefundReason>,
    /// A note of the shop's people, who may name the customer in it: it goes when the order forgets its customer.
    pub note: Option<String>,
}
