//! An SMS with a code after it went out: what the operator says of it, whether its code was entered, and what it has been counted
//! for. No I/O here.
//!
//! One record for each SMS, written together with the code that it brought. It learns three things, each from another source and
//! in any order: its code was entered (from the form), what became of it (SMSPRO pushes, or is asked), and that its code's time is
//! over (from the schedule). The schedule alone counts, when that time is over and again if a late report says more: the record
//! holds what it has been counted for, and only the difference is ever added, in the write that notes it.

mod conversion;

use std::time::Duration;

use crate::forms::smspro::DeliveryStatus;
use crate::platform::clock::Timestamp;
use crate::platform::ids::FormName;
use crate::platform::phone::Phone;

pub use conversion::{Counts, Group, Thresholds, hours_before};

/// After a code's time is over: a request that began within it may still be finding it right.
const GRACE: Duration = Duration::from_mins(1);
/// The least time between two questions for one report; then it doubles with the SMS's age.
const ASK_AGAIN: Duration = Duration::from_mins(5);
/// After so long no run asks for a report any more. One that is pushed still counts.
const GIVE_UP: Duration = Duration::from_hours(24);
/// How long a record is kept.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// An SMS with a code. It does not name its phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sms {
    /// SMSPRO's id of it.
    pub transaction_id: String,
    /// The form that it belongs to.
    pub form: FormName,
    /// When it went out.
    pub sent_at: Timestamp,
    /// When its code ends.
    pub valid_till: Timestamp,
    /// The range of numbers of its phone, [`Phone::prefix`].
    pub range: String,
    /// The operator of its phone, [`Phone::operator`].
    pub operator: String,
    /// What is known of its delivery.
    pub delivery: Option<DeliveryStatus>,
    /// When that was reported.
    pub reported_at: Option<Timestamp>,
    /// When its code was entered.
    pub entered_at: Option<Timestamp>,
    /// What it has been counted for.
    pub counted: Counts,
    /// The next poll; none any more if absent.
    pub next_poll_at: Option<Timestamp>,
    /// The stored version; 0 if it is not stored yet.
    pub version: u64,
}

impl Sms {
    /// An SMS that went out.
    #[must_use]
    pub fn sent(
        transaction_id: &str,
        form: &FormName,
        phone: &Phone,
        prefix_digits: usize,
        sent_at: Timestamp,
        valid_till: Timestamp,
    ) -> Self {
        Self {
            transaction_id: transaction_id.to_owned(),
            form: form.clone(),
            sent_at,
            valid_till,
            range: phone.prefix(prefix_digits).to_owned(),
            operator: phone.operator().to_owned(),
            delivery: None,
            reported_at: None,
            entered_at: None,
            counted: Counts::default(),
            next_poll_at: Some(first_poll(valid_till)),
            version: 0,
        }
    }

    /// When it may be deleted.
    #[must_use]
    pub fn keep_until(&self) -> Timestamp {
        self.sent_at.plus(KEPT)
    }

    /// This SMS with a report of its delivery; nothing if that says nothing new.
    #[must_use]
    pub fn reported(mut self, delivery: DeliveryStatus, now: Timestamp) -> Option<Self> {
        if self.delivery >= Some(delivery) {
            return None;
        }
        self.delivery = Some(delivery);
        self.reported_at = Some(now);
        if self.is_counted() {
            // The look that is planned was for a report.
            self.next_poll_at =
                if self.uncounted(now).is_none() { self.next_poll_at.filter(|_| self.lacks_report()) } else { Some(now) };
        }
        Some(self)
    }

    /// A report is worth asking for: nothing shows yet that it arrived, or that it never will.
    #[must_use]
    pub fn lacks_report(&self) -> bool {
        self.entered_at.is_none() && !self.delivery.is_some_and(DeliveryStatus::is_final)
    }

    /// Whether its poll is due.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next_poll_at.is_some_and(|at| at <= now)
    }

    /// What it has not been counted for yet, if there is something and its code's time is over. It is an SMS sent, one delivered if
    /// that was reported or its code was entered, one entered.
    #[must_use]
    pub fn uncounted(&self, now: Timestamp) -> Option<Counts> {
        if now < first_poll(self.valid_till) {
            return None;
        }
        let entered = self.entered_at.is_some();
        let delivered = entered || self.delivery == Some(DeliveryStatus::Delivered);
        let counts = Counts { sent: 1, delivered: u32::from(delivered), entered: u32::from(entered) };
        Some(counts.without(self.counted)).filter(|left| *left != Counts::default())
    }

    fn is_counted(&self) -> bool {
        self.counted.sent > 0
    }

    /// This SMS after a poll: counted for all that is known, and polled again only if SMSPRO can be asked for a report.
    #[must_use]
    pub fn polled(mut self, now: Timestamp, can_ask: bool) -> Self {
        if now < first_poll(self.valid_till) {
            return self;
        }
        if let Some(left) = self.uncounted(now) {
            self.counted = self.counted.with(left);
        }
        let age = now.since(self.sent_at);
        let next = now.plus(age.max(ASK_AGAIN)).min(self.sent_at.plus(GIVE_UP));
        self.next_poll_at = Some(next).filter(|next| can_ask && self.lacks_report() && *next > now);
        self
    }
}

/// When an SMS is polled for the first time.
fn first_poll(valid_till: Timestamp) -> Timestamp {
    valid_till.plus(GRACE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * 60_000)
    }

    fn sms() -> Sms {
        let (form, phone) = (FormName::parse("callback").unwrap(), Phone::parse("0770 123456").unwrap());
        Sms::sent("t1", &form, &phone, 7, at(0), at(5))
    }

    fn counts(sent: u32, delivered: u32, entered: u32) -> Option<Counts> {
        Some(Counts { sent, delivered, entered }).filter(|counts| *counts != Counts::default())
    }

    #[test]
    fn it_names_its_range_and_operator() {
        assert_eq!((sms().range.as_str(), sms().operator.as_str()), ("9967701", "beeline"));
        assert!(!format!("{:?}", sms()).contains("770123456"));
    }

    #[test]
    fn sms_is_counted_once_after_its_code_and_again_for_late_reports() {
        assert_eq!(sms().uncounted(at(5)), None, "somebody may still be entering it");
        assert_eq!(sms().uncounted(at(6)), counts(1, 0, 0));
        let polled = sms().polled(at(6), true);
        assert_eq!((polled.uncounted(at(6)), polled.next_poll_at), (None, Some(at(12))));
        let reported = polled.reported(DeliveryStatus::Delivered, at(300)).unwrap();
        assert_eq!((reported.uncounted(at(300)), reported.next_poll_at), (counts(0, 1, 0), Some(at(300))));
        let closed = reported.polled(at(300), true);
        assert_eq!((closed.uncounted(at(301)), closed.next_poll_at, closed.counted), (None, None, counts(1, 1, 0).unwrap()));
    }

    #[test]
    fn an_entered_code_was_delivered_whatever_is_reported() {
        let mut entered = sms();
        entered.entered_at = Some(at(1));
        let entered = entered.reported(DeliveryStatus::NotDelivered, at(2)).unwrap();
        assert_eq!((entered.lacks_report(), entered.uncounted(at(6))), (false, counts(1, 1, 1)));
        assert_eq!(entered.polled(at(6), true).next_poll_at, None);
    }

    #[test]
    fn a_report_is_asked_for_ever_more_seldom_and_a_day_at_most() {
        let (mut sms, mut looks) = (sms(), Vec::new());
        while let Some(now) = sms.next_poll_at {
            looks.push(now.millis() / 60_000);
            sms = sms.polled(now, true);
        }
        assert_eq!(looks, [6, 12, 24, 48, 96, 192, 384, 768, 1440]);
        assert_eq!(self::sms().polled(at(6), false).next_poll_at, None, "nobody can be asked");
        assert_eq!(self::sms().polled(at(3000), true).next_poll_at, None, "found late");
    }

    #[test]
    fn a_failure_ends_the_questions_and_says_nothing_to_count() {
        let failed = sms().polled(at(6), true).reported(DeliveryStatus::Expired, at(7)).unwrap();
        assert_eq!((failed.next_poll_at, failed.uncounted(at(8))), (None, None));
        let waiting = sms().polled(at(6), true).reported(DeliveryStatus::Sent, at(7)).unwrap();
        assert_eq!(waiting.next_poll_at, Some(at(12)), "the question stays planned");
        assert_eq!(
            sms().reported(DeliveryStatus::Expired, at(1)).unwrap().next_poll_at,
            Some(at(6)),
            "it is still to be counted"
        );
    }

    fn word() -> impl Strategy<Value = DeliveryStatus> {
        proptest::sample::select(DeliveryStatus::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn whatever_the_order_of_the_reports_the_last_word_is_the_same(words in proptest::collection::vec(word(), 1..6)) {
            let told = |words: &[DeliveryStatus]| {
                words.iter().fold(sms(), |sms, word| sms.clone().reported(*word, at(1)).unwrap_or(sms)).delivery
            };
            let mut sorted = words.clone();
            sorted.sort_unstable();
            prop_assert_eq!(told(&words), told(&sorted));
            let twice: Vec<_> = words.iter().chain(&words).copied().collect();
            prop_assert_eq!(told(&words), told(&twice));
        }

        /// Looks and reports in any order: never counted twice, and at the end counted for exactly what is known.
        #[test]
        fn it_is_counted_for_exactly_what_is_known(
            steps in proptest::collection::vec((word(), any::<bool>(), 0_i64..200), 0..8),
            entered in any::<bool>(),
        ) {
            let (mut sms, mut now, mut total) = (sms(), 0, Counts::default());
            sms.entered_at = entered.then(|| at(1));
            for (word, look, pause) in steps {
                now += pause;
                if look {
                    total = total.with(sms.uncounted(at(now)).unwrap_or_default());
                    sms = sms.polled(at(now), true);
                } else {
                    sms = sms.clone().reported(word, at(now)).unwrap_or(sms);
                }
                prop_assert!(sms.uncounted(at(now)).is_none() || sms.next_poll_at.is_some(), "who is not counted is looked at");
            }
            total = total.with(sms.uncounted(at(2000)).unwrap_or_default());
            let delivered = u32::from(entered || sms.delivery == Some(DeliveryStatus::Delivered));
            prop_assert_eq!(total, Counts { sent: 1, delivered, entered: u32::from(entered) });
        }
    }
}
