//! An order on Mokka's side (Mokka, "Status and Decision values").

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

/// The term a customer chooses who does not choose, in months.
pub(super) const USUAL_TERM: u32 = 3;
/// The terms of the tariff.
pub(super) const TERMS: [u32; 3] = [3, 6, 12];

/// Mokka's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Granted.
    Approved,
    /// Not granted.
    Declined,
}

/// Where an order stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MokkaStatus {
    /// The customer has not finished the form.
    Pending,
    /// The money is held; the shop has to finalise or cancel.
    Hold,
    /// Finalised.
    Finished,
    /// Canceled by the shop, or by a Finish that came too late.
    Canceled,
    /// Not granted to this customer.
    Declined,
    /// Returned in full.
    Refunded,
    /// Its time ran out.
    Expired,
    /// A status the document does not have, put there by a test.
    Other(String),
}

impl MokkaStatus {
    /// As Status answers it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => "pending",
            Self::Hold => "hold",
            Self::Finished => "finished",
            Self::Canceled => "canceled",
            Self::Declined => "declined",
            Self::Refunded => "refunded",
            Self::Expired => "expired",
            Self::Other(status) => status,
        }
    }
}

impl From<&str> for MokkaStatus {
    fn from(text: &str) -> Self {
        let documented =
            [Self::Pending, Self::Hold, Self::Finished, Self::Canceled, Self::Declined, Self::Refunded, Self::Expired];
        documented.into_iter().find(|status| status.as_str() == text).unwrap_or_else(|| Self::Other(text.to_owned()))
    }
}

impl Serialize for MokkaStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An order, with what a test wants to know about it.
#[derive(Clone, Debug, Serialize)]
pub struct MokkaOrder {
    /// The shop's id of it.
    pub order_id: String,
    /// Where it stands.
    pub status: MokkaStatus,
    /// The decision on the customer's limit; `None` until there is one.
    pub decision: Option<Decision>,
    /// Whether its time is over, whatever its status.
    pub expired: bool,
    /// Rubles with two decimals, unless a test has put something else there.
    pub amount: String,
    /// What was paid before, in rubles with two decimals.
    pub prepayment_amount: Option<String>,
    /// Months; `None` until the customer has chosen.
    pub term: Option<u32>,
    /// The term the shop asked for.
    pub wanted_term: Option<u32>,
    /// When a pending order or a hold ends.
    #[serde(serialize_with = "crate::json::moment")]
    pub valid_till: OffsetDateTime,
    /// How many Checkouts were accepted for it.
    pub checkouts: u32,
    /// How often Finish took effect: 0 or 1.
    pub finishes: u32,
    /// How often Cancel took effect: 0 or 1.
    pub cancels: u32,
    /// The answers to the callbacks sent, oldest first; 0 where none came.
    pub callbacks: Vec<u16>,
    /// Where the decision is sent.
    pub callback_url: String,
    /// Where the customer goes back to.
    pub redirect_url: String,
    /// The secret part of the form's address; a repeated Checkout makes a new one.
    pub form_token: String,
    /// The form's whole address.
    pub form_url: String,
    /// Ten digits.
    pub primary_phone: Option<String>,
    /// The customer's e-mail.
    pub primary_email: Option<String>,
    /// First name, as the shop knows it.
    pub first_name: Option<String>,
    /// Surname, as the shop knows it.
    pub surname: Option<String>,
    /// Patronymic, as the shop knows it.
    pub patronymic: Option<String>,
    /// Whether the form sends the customer back without a result page.
    pub skip_result_page: bool,
    /// The number of the fiscal document it was finished with.
    pub check_number: Option<String>,
    /// The link to that document.
    pub check_link: Option<String>,
}

impl MokkaOrder {
    /// Lets time pass: an open order becomes `expired` at `valid_till`; later statuses stay.
    pub(super) fn refresh(&mut self, now: OffsetDateTime) {
        let over = now >= self.valid_till;
        if over && matches!(self.status, MokkaStatus::Pending | MokkaStatus::Hold) {
            self.status = MokkaStatus::Expired;
        }
        self.expired = over || self.status == MokkaStatus::Expired;
    }

    /// The customer's decision, or Mokka's on the customer.
    pub(super) fn decide(&mut self, decision: Decision, term: Option<u32>) {
        self.decision = Some(decision);
        match decision {
            Decision::Approved => {
                self.status = MokkaStatus::Hold;
                self.term = term.or(self.wanted_term).or(Some(USUAL_TERM));
            }
            Decision::Declined => self.status = MokkaStatus::Declined,
        }
    }

    /// What a callback says truthfully. A customer whose limit is approved may still not get this order paid.
    pub(super) fn granted(&self) -> Decision {
        if self.status == MokkaStatus::Declined { Decision::Declined } else { Decision::Approved }
    }

    /// A state of a test's choice, with the decision and term that belong to it.
    pub(super) fn put(&mut self, status: MokkaStatus) {
        match &status {
            MokkaStatus::Pending => {
                self.decision = None;
                self.term = None;
            }
            MokkaStatus::Declined => {
                self.decision = Some(Decision::Declined);
                self.term = None;
            }
            MokkaStatus::Hold | MokkaStatus::Finished | MokkaStatus::Canceled | MokkaStatus::Refunded | MokkaStatus::Expired => {
                self.decision = Some(Decision::Approved);
                self.term = self.term.or(Some(USUAL_TERM));
            }
            MokkaStatus::Other(_) => {}
        }
        self.status = status;
    }
}
