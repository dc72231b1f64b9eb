//! A challenge: the customer proves that the phone in it is theirs, by a code from an SMS. No I/O here.
//!
//! There is one for each form, installation and phone, so a code never counts for another of them. It has two halves that
//! move on their own: the code being sent ([`Sending`], an intent written before the SMS service is called) and the code in
//! force ([`Sent`], which stays valid until the next one is really sent). Leases mark a half that one request is busy with.

mod customer_limits;
mod shared_quota;

use std::time::Duration;

use crate::forms::smspro::Token;
use crate::platform::clock::{LEASE, Timestamp};
use crate::platform::ids::{FormName, InstallId, SubmissionId};
use crate::platform::phone::Phone;
use crate::platform::secret::{InternalSecret, Purpose};

pub use customer_limits::{FormsOf, LimitRefusal, Limits, SendLog, SentCode};
pub use shared_quota::{Alarm, Quota, Used};

/// How long a challenge is kept after its last use: longer than any code lives (an hour at most, `config`).
const KEPT: Duration = Duration::from_hours(2);

/// What a challenge is found by: a digest, from which form, installation and phone cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeKey(String);

impl ChallengeKey {
    /// The key of a form filled in on an installation with a phone; nobody's installation is one of its own.
    #[must_use]
    pub fn new(secret: &InternalSecret, form: &FormName, installation: Option<&InstallId>, phone: &Phone) -> Self {
        let installation = installation.map_or("", InstallId::as_str);
        Self(secret.digest(Purpose::Challenge, &[form.as_str(), installation, phone.digits()]))
    }

    /// A key as it was stored.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The digest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A challenge as it is stored.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// What it is found by.
    pub key: ChallengeKey,
    /// A code that is being sent, or whose sending had no clear outcome.
    pub sending: Option<Sending>,
    /// The code in force.
    pub sent: Option<Sent>,
    /// Until when it must be stored at least.
    pub keep_until: Timestamp,
    /// The stored version; 0 if it is not stored yet.
    pub version: u64,
}

/// The intent to send a code.
#[derive(Clone, Debug)]
pub struct Sending {
    /// SMSPRO's id of the SMS: the same id never sends twice.
    pub transaction_id: String,
    /// When it began; the send limits count from here.
    pub started_at: Timestamp,
    /// A request is calling the SMS service until then; none if it is over or absent.
    pub lease_until: Option<Timestamp>,
    /// The same id was sent a second time, which is all that is allowed.
    pub repeated: bool,
}

/// A code that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// What the SMS service checks it by.
    pub token: Token,
    /// SMSPRO's id of the SMS.
    pub transaction_id: String,
    /// When it ends.
    pub valid_till: Timestamp,
    /// Checks that were begun and did not find the code right.
    pub checks_used: u32,
    /// The digest of the code, once it was found right.
    pub verified: Option<String>,
    /// The request that is busy with this code.
    pub lease: Option<Lease>,
    /// The forms that were saved with it, the first one first.
    pub saved: Vec<Saved>,
    /// The forms that were handed in with it and that the shop does not want like that.
    pub refused: Vec<SubmissionId>,
}

/// One request checks a code and saves its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// When it ends by itself.
    pub until: Timestamp,
    /// A check was counted for it that is given back if the code turns out right or could not be checked.
    pub counted: bool,
}

/// How many forms may be handed in with one code, whatever the shop says of them: a customer corrects an address or picks another
/// time, a thief does not write to everybody.
const FORMS_OF_ONE_CODE: usize = 5;

/// A form was saved with this code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Which one; earlier releases did not say.
    pub submission: Option<SubmissionId>,
    /// What the shop told the customer.
    pub message: Option<String>,
}

impl Challenge {
    /// A challenge that nothing is known of yet.
    #[must_use]
    pub fn new(key: ChallengeKey) -> Self {
        Self { key, sending: None, sent: None, keep_until: Timestamp::from_millis(0), version: 0 }
    }

    /// The code that a customer may enter now.
    #[must_use]
    pub fn in_force(&self, now: Timestamp) -> Option<&Sent> {
        self.sent.as_ref().filter(|sent| sent.valid_till > now)
    }

    /// The intent to send a code, written before the SMS service is called.
    #[must_use]
    pub fn sending(mut self, transaction_id: String, now: Timestamp) -> Self {
        self.sending = Some(Sending { transaction_id, started_at: now, lease_until: Some(now.plus(LEASE)), repeated: false });
        self.keep_until = self.keep_until.max(now.plus(KEPT));
        self
    }

    /// The intent to send the same SMS a second time.
    #[must_use]
    pub fn repeating(mut self, now: Timestamp) -> Self {
        if let Some(sending) = &mut self.sending {
            sending.lease_until = Some(now.plus(LEASE));
            sending.repeated = true;
        }
        self
    }

    /// This challenge if the SMS being sent is that one.
    fn of_sending(self, transaction_id: &str) -> Option<Self> {
        self.sending.as_ref().is_some_and(|sending| sending.transaction_id == transaction_id).then_some(self)
    }

    /// The SMS went out: its code replaces the one before.
    #[must_use]
    pub fn sent(self, transaction_id: &str, token: Token, valid_till: Timestamp) -> Option<Self> {
        let mut challenge = self.of_sending(transaction_id)?;
        challenge.sending = None;
        challenge.keep_until = challenge.keep_until.max(valid_till.plus(KEPT));
        challenge.sent = Some(Sent {
            token,
            transaction_id: transaction_id.to_owned(),
            valid_till,
            checks_used: 0,
            verified: None,
            lease: None,
            saved: Vec::new(),
            refused: Vec::new(),
        });
        Some(challenge)
    }

    /// It is unknown whether the SMS went out: the next request may find out.
    #[must_use]
    pub fn send_unclear(self, transaction_id: &str, repeated: bool) -> Option<Self> {
        let mut challenge = self.of_sending(transaction_id)?;
        if let Some(sending) = &mut challenge.sending {
            sending.lease_until = None;
            sending.repeated = repeated;
        }
        Some(challenge)
    }

    /// The SMS did not go out, or its token is lost.
    #[must_use]
    pub fn send_over(self, transaction_id: &str) -> Option<Self> {
        let mut challenge = self.of_sending(transaction_id)?;
        challenge.sending = None;
        Some(challenge)
    }

    /// This challenge if the code in force is that one.
    fn of_code(self, transaction_id: &str) -> Option<Self> {
        self.sent.as_ref().is_some_and(|sent| sent.transaction_id == transaction_id).then_some(self)
    }

    /// Leased to one request, with a check counted before the code is looked at.
    #[must_use]
    pub fn checking(mut self, now: Timestamp) -> Self {
        if let Some(sent) = &mut self.sent {
            sent.checks_used = sent.checks_used.saturating_add(1);
            sent.lease = Some(Lease { until: now.plus(LEASE), counted: true });
        }
        self
    }

    /// The code was right: its check is given back, and `digest` knows it again. The lease begins anew.
    #[must_use]
    pub fn verified(self, transaction_id: &str, digest: &str, now: Timestamp) -> Option<Self> {
        let mut challenge = self.of_code(transaction_id)?;
        if let Some(sent) = &mut challenge.sent {
            sent.give_back();
            sent.verified = Some(digest.to_owned());
            sent.lease = Some(Lease { until: now.plus(LEASE), counted: false });
        }
        Some(challenge)
    }

    /// The code was wrong: its check stays counted, the lease is over if it is still this one.
    #[must_use]
    pub fn wrong(self, transaction_id: &str, lease: Lease) -> Option<Self> {
        let mut challenge = self.of_code(transaction_id)?;
        let sent = challenge.sent.as_mut().filter(|sent| sent.lease == Some(lease))?;
        sent.lease = None;
        Some(challenge)
    }

    /// Nothing came of it: the check is given back, the lease is over if it is still this one.
    #[must_use]
    pub fn released(self, transaction_id: &str, lease: Lease) -> Option<Self> {
        let mut challenge = self.of_code(transaction_id)?;
        let sent = challenge.sent.as_mut().filter(|sent| sent.lease == Some(lease))?;
        sent.give_back();
        sent.lease = None;
        Some(challenge)
    }

    /// The form is saved, regardless of who holds the lease by now.
    #[must_use]
    pub fn saved(self, transaction_id: &str, submission: &SubmissionId, message: Option<String>) -> Option<Self> {
        let mut challenge = self.of_code(transaction_id)?;
        let sent = challenge.sent.as_mut().filter(|sent| sent.saved_as(submission).is_none())?;
        sent.give_back();
        sent.lease = None;
        sent.refused.retain(|refused| refused != submission);
        sent.saved.push(Saved { submission: Some(submission.clone()), message });
        Some(challenge)
    }

    /// The shop does not want the form like this: it may be insisted on, or another one be handed in. The check is given back, the
    /// lease is over if it is still this one.
    #[must_use]
    pub fn refused(self, transaction_id: &str, submission: &SubmissionId, lease: Lease) -> Option<Self> {
        let mut challenge = self.of_code(transaction_id)?;
        let sent = challenge.sent.as_mut()?;
        if sent.lease == Some(lease) {
            sent.give_back();
            sent.lease = None;
        }
        if !sent.knows(submission) {
            sent.refused.push(submission.clone());
        }
        Some(challenge)
    }

    /// A wrong guess at a code whose form is saved already.
    #[must_use]
    pub fn guessed(mut self) -> Self {
        if let Some(sent) = &mut self.sent {
            sent.checks_used = sent.checks_used.saturating_add(1);
        }
        self
    }
}

impl Sending {
    /// A request may be calling the SMS service right now.
    #[must_use]
    pub fn is_leased(&self, now: Timestamp) -> bool {
        self.lease_until.is_some_and(|until| until > now)
    }

    /// The request that began it died: how far it came is unknown.
    #[must_use]
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        self.lease_until.is_some_and(|until| until <= now)
    }

    /// Whether the same SMS may be sent once more to find out what became of it. After `lifetime` its code would be
    /// worth nothing, and the SMS service may have forgotten the id.
    #[must_use]
    pub fn may_repeat(&self, now: Timestamp, lifetime: Duration) -> bool {
        !self.repeated && !self.is_leased(now) && now.since(self.started_at) < lifetime
    }
}

impl Sent {
    /// A request is checking this code or saving its form right now.
    #[must_use]
    pub fn is_leased(&self, now: Timestamp) -> bool {
        self.lease.is_some_and(|lease| lease.until > now)
    }

    /// What became of a form that was saved with this code.
    #[must_use]
    pub fn saved_as(&self, submission: &SubmissionId) -> Option<&Saved> {
        self.saved.iter().find(|saved| saved.submission.as_ref() == Some(submission))
    }

    /// Whether this form may no longer be handed in with this code: it would be one too many.
    #[must_use]
    pub fn is_spent_for(&self, submission: &SubmissionId) -> bool {
        !self.knows(submission) && self.saved.len() + self.refused.len() >= FORMS_OF_ONE_CODE
    }

    fn knows(&self, submission: &SubmissionId) -> bool {
        self.saved_as(submission).is_some() || self.refused.contains(submission)
    }

    fn give_back(&mut self) {
        if self.lease.is_some_and(|lease| lease.counted) {
            self.checks_used = self.checks_used.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn form(number: u32) -> SubmissionId {
        SubmissionId::parse(&format!("{number:064x}")).unwrap()
    }

    fn sent() -> Challenge {
        let secret = InternalSecret::parse("0123456789abcdef0123456789abcdef").unwrap();
        let (form, installation) = (FormName::parse("callback").unwrap(), InstallId::parse("i").unwrap());
        let key = ChallengeKey::new(&secret, &form, Some(&installation), &Phone::parse("996770123456").unwrap());
        let challenge = Challenge::new(key).sending("t1".to_owned(), at(0));
        challenge.sent("t1", Token::parse("token").unwrap(), at(300)).unwrap()
    }

    #[test]
    fn code_is_valid_until_it_expires_or_the_next_one_is_sent() {
        let challenge = sent();
        assert!(challenge.in_force(at(299)).is_some() && challenge.in_force(at(300)).is_none());
        let sending = challenge.sending("t2".to_owned(), at(60));
        assert_eq!(sending.in_force(at(61)).unwrap().transaction_id, "t1");
        let unclear = sending.clone().send_unclear("t2", false).unwrap();
        assert_eq!(unclear.in_force(at(61)).unwrap().transaction_id, "t1");
        let next = sending.sent("t2", Token::parse("other").unwrap(), at(360)).unwrap();
        assert_eq!(next.in_force(at(61)).unwrap().transaction_id, "t2");
        assert!(next.sent("t1", Token::parse("late").unwrap(), at(400)).is_none(), "a late answer of another SMS");
    }

    #[test]
    fn an_sms_is_repeated_once_by_nobody_who_is_not_alone() {
        let lifetime = Duration::from_mins(5);
        let challenge = sent().sending("t2".to_owned(), at(60));
        let may = |challenge: &Challenge, now| challenge.sending.as_ref().unwrap().may_repeat(now, lifetime);
        assert!(!may(&challenge, at(71)), "leased");
        assert!(may(&challenge, at(72)), "whoever held the lease is gone");
        assert!(!may(&challenge, at(360)), "its code would be over");
        let unclear = challenge.send_unclear("t2", false).unwrap();
        assert!(may(&unclear, at(61)));
        assert!(!may(&unclear.repeating(at(61)), at(80)), "once");
    }

    #[test]
    fn check_stays_counted_unless_code_was_right_or_unchecked() {
        let leased = sent().checking(at(1));
        let lease = leased.sent.as_ref().unwrap().lease.unwrap();
        let used = |challenge: Option<Challenge>| challenge.unwrap().sent.unwrap().checks_used;
        assert_eq!(used(Some(leased.clone())), 1);
        assert_eq!(used(leased.clone().wrong("t1", lease)), 1);
        assert_eq!(used(leased.clone().released("t1", lease)), 0);
        assert_eq!(used(leased.clone().saved("t1", &form(1), None)), 0);
        let right = leased.clone().verified("t1", "digest", at(2)).unwrap();
        assert_eq!(used(Some(right.clone())), 0);
        assert_eq!(used(right.saved("t1", &form(1), None)), 0, "not given back twice");
        let other = Lease { until: at(99), counted: true };
        assert!(leased.clone().released("t1", other).is_none(), "somebody else's lease");
        assert!(leased.verified("t2", "digest", at(2)).is_none(), "another code");
    }

    #[test]
    fn a_form_is_saved_once_and_five_at_most() {
        let mut saved = sent().checking(at(1)).saved("t1", &form(1), Some("first".to_owned())).unwrap();
        assert!(saved.clone().saved("t1", &form(1), Some("second".to_owned())).is_none());
        for number in 2..=5 {
            assert!(!saved.sent.as_ref().unwrap().is_spent_for(&form(number)), "{number}");
            saved = saved.checking(at(2)).saved("t1", &form(number), None).unwrap();
        }
        let sent = saved.sent.unwrap();
        assert!(sent.is_spent_for(&form(6)) && !sent.is_spent_for(&form(1)) && !sent.is_leased(at(2)) && sent.checks_used == 0);
        assert_eq!(sent.saved_as(&form(1)).unwrap().message.as_deref(), Some("first"));
        assert!(sent.saved_as(&form(6)).is_none());
    }

    #[test]
    fn refused_form_counts_once_and_is_uncounted_when_saved() {
        let mut challenge = sent();
        for number in [1, 2, 1, 3] {
            let leased = challenge.checking(at(1));
            let lease = leased.sent.as_ref().unwrap().lease.unwrap();
            challenge = leased.refused("t1", &form(number), lease).unwrap();
        }
        let sent = challenge.sent.as_ref().unwrap();
        assert_eq!((sent.refused.len(), sent.checks_used, sent.lease), (3, 0, None));
        let saved = challenge.checking(at(2)).saved("t1", &form(2), None).unwrap();
        let sent = saved.sent.as_ref().unwrap();
        assert_eq!((sent.refused.len(), sent.saved.len(), sent.is_spent_for(&form(4))), (2, 1, false));
        let other = Lease { until: at(99), counted: true };
        let sent = saved.checking(at(3)).refused("t1", &form(5), other).unwrap().sent.unwrap();
        assert_eq!((sent.refused.len(), sent.is_leased(at(3))), (3, true), "somebody else's lease goes on");
    }
}
