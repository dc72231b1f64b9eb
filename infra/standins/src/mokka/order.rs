//! An order on Mokka's side (Mokka, "Status and Decision values").

use serde::{Serialize, Serializer};
use time::{Duration, OffsetDateTime};

use super::limits::Limit;
use super::tariff;
use crate::money::Kopecks;
use crate::options::Tariff;

/// What customers choose to prepay on the form, with the reading `prepayment_on_form` = `thousand`.
pub(super) const PREPAYMENT_ON_FORM: Kopecks = Kopecks(100_000);

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

/// A return that Mokka has taken (Mokka, "Return").
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MokkaReturn {
    /// Rubles with two decimals.
    pub amount: String,
    /// When, by the stand-ins' clock.
    #[serde(serialize_with = "crate::json::moment")]
    pub at: OffsetDateTime,
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
    /// What is paid in instalments, without what is prepaid: rubles with two decimals, unless a test has put something else there.
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
    /// When it was finalised, by the stand-ins' clock.
    #[serde(serialize_with = "crate::json::maybe_moment")]
    pub finished_at: Option<OffsetDateTime>,
    /// How often Change took effect.
    pub changes: u32,
    /// The sum of its returns, in rubles with two decimals.
    pub returned: String,
    /// Its returns, oldest first.
    pub returns: Vec<MokkaReturn>,
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
    /// The phone that the shop's Checkout named; ten digits.
    pub requested_phone: Option<String>,
    /// The phone that the customer confirmed on the form, until then the requested one; ten digits.
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

    /// The amount; nothing, if a test has put something there that is no amount.
    pub(super) fn kopecks(&self) -> Kopecks {
        Kopecks::lenient(&self.amount).unwrap_or(Kopecks(0))
    }

    /// What was paid before.
    pub(super) fn prepaid(&self) -> Kopecks {
        self.prepayment_amount.as_deref().and_then(Kopecks::lenient).unwrap_or(Kopecks(0))
    }

    /// An amount of this order as Mokka names it: without what is prepaid, or `with` it.
    pub(super) fn named(&self, amount: String, with: bool) -> String {
        if self.prepaid() == Kopecks(0) || !with {
            return amount;
        }
        Kopecks::lenient(&amount).and_then(|amount| amount.plus(self.prepaid())).map_or(amount, |sum| sum.to_string())
    }

    /// The customer chooses a prepayment on the form.
    pub(super) fn prepay(&mut self, prepayment: Kopecks) {
        if let Some(rest) = self.kopecks().minus(prepayment).filter(|rest| *rest > Kopecks(0) && self.prepaid() == Kopecks(0)) {
            self.prepayment_amount = Some(prepayment.to_string());
            self.amount = rest.to_string();
        }
    }

    /// The sum of the returns.
    pub(super) fn returned_kopecks(&self) -> Kopecks {
        let sums = self.returns.iter().filter_map(|one| Kopecks::lenient(&one.amount));
        sums.fold(Kopecks(0), |sum, one| sum.plus(one).unwrap_or(sum))
    }

    /// What has not been returned, as an amount is written.
    pub(super) fn left(&self) -> String {
        Kopecks(self.kopecks().0.saturating_sub(self.returned_kopecks().0)).to_string()
    }

    /// The term chosen, or the one that would be without a choice.
    pub(super) fn term_or_usual(&self, tariffs: &[Tariff]) -> u32 {
        self.term.or(self.wanted_term).unwrap_or_else(|| tariff::usual_term(tariffs, self.kopecks()))
    }

    /// Limit and order are approved: the money is held.
    pub(super) fn hold(&mut self, term: u32) {
        self.decision = Some(Decision::Approved);
        self.status = MokkaStatus::Hold;
        self.term = Some(term);
    }

    /// The customer still has the form open, and Mokka lets them go on.
    pub(super) fn reopen(&mut self, now: OffsetDateTime) {
        let is_over = self.status == MokkaStatus::Declined || self.status == MokkaStatus::Expired && self.decision.is_none();
        if is_over {
            self.status = MokkaStatus::Pending;
            self.decision = None;
            self.valid_till = self.valid_till.max(now + Duration::DAY);
        }
    }

    /// The order is declined, the limit perhaps not.
    pub(super) fn decline(&mut self, on_limit: Decision) {
        self.decision = Some(on_limit);
        self.status = MokkaStatus::Declined;
    }

    /// What comes of the order with this limit.
    pub(super) fn judge(&mut self, limit: Limit, term: u32) {
        if limit.covers(self.kopecks()) {
            self.hold(term);
        } else if limit.amount == Kopecks(0) {
            self.decline(Decision::Declined);
        } else {
            self.decline(Decision::Approved);
        }
    }

    /// What a callback says truthfully. A customer whose limit is approved may still not get this order paid.
    pub(super) fn granted(&self) -> Decision {
        if self.status == MokkaStatus::Declined { Decision::Declined } else { Decision::Approved }
    }

    /// A state of a test's choice, with the decision and term that belong to it.
    pub(super) fn put(&mut self, status: MokkaStatus, tariffs: &[Tariff], now: OffsetDateTime) {
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
                self.term = Some(self.term_or_usual(tariffs));
            }
            MokkaStatus::Other(_) => {}
        }
        if matches!(status, MokkaStatus::Finished | MokkaStatus::Refunded) {
            self.finished_at.get_or_insert(now);
        }
        self.status = status;
    }
}
