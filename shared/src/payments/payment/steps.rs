//! The steps of a payment: how it is opened, moved on, leased, and what its history keeps of that.

use super::channels::Outbox;
use super::data::{Change, Choice, Intent, Payment, PollSchedule, Reason, StatusEvent, Step, Stored};
use super::order::Order;
use super::prepayment::{Prepaid, Prepayment};
use super::receipt::{RECEIPT_TAKES, ReceiptRejection};
use super::state::{State, Trigger};
use crate::platform::clock::{LEASE, Timestamp};
use crate::platform::ids::PaymentId;
use crate::platform::money::Money;

/// How many lines of a history may be people's; a payment's item holds far more. What the provider does is always recorded.
pub const MAX_COMMANDS: usize = 500;
/// How many lines a history is kept down to.
const KEPT_STEPS: usize = 500;

impl Payment {
    /// A new attempt to pay an order that costs `amount`, leased to the request that opens it.
    #[must_use]
    pub fn open(order: &Order, attempt: u32, amount: Money, choice: Choice, now: Timestamp) -> Self {
        // Only Mokka's form lets the customer choose a part: elsewhere all is paid at once.
        let is_of_form = |prepayment: &&Prepayment| matches!(prepayment, Prepayment::After(_)) && !choice.provider.is_mokka();
        let prepayment = order.known.prepayment.as_ref().filter(|prepayment| !is_of_form(prepayment));
        let (prepaid, amount) = Prepaid::of(prepayment, amount);
        Self {
            id: PaymentId::new(&order.id, attempt),
            order_uuid: order.uuid.clone(),
            order_id: order.id.clone(),
            attempt,
            method: choice.method,
            provider: choice.provider,
            means: choice.means,
            amount,
            prepaid,
            state: State::Creating,
            unknown: false,
            processing: false,
            withdrawn: false,
            mismatch: None,
            second_payment: None,
            action: None,
            provider_id: None,
            two_stage: choice.two_stage,
            registered: None,
            operation: None,
            operations: 0,
            return_url: choice.return_url,
            callback_token_hash: String::new(),
            return_token: None,
            valid_till: choice.valid_till,
            hold_until: None,
            lost: false,
            lease_until: Some(now.plus(LEASE)),
            reason: None,
            intent: None,
            refusals: 0,
            fiscal_receipt: None,
            receipts: None,
            refunds: Vec::new(),
            created_at: now,
            captured_at: None,
            history: vec![Step {
                number: 1,
                at: now,
                state: State::Creating.name().to_owned(),
                by: Trigger::Create.to_string(),
                action: None,
                event: None,
            }],
            outbox: Outbox::default(),
            poll: PollSchedule::default(),
            version: 0,
            stored: Stored::default(),
        }
    }

    /// Another request may be calling the provider for this payment right now.
    #[must_use]
    pub fn is_leased(&self, now: Timestamp) -> bool {
        self.lease_until.is_some_and(|until| until > now)
    }

    /// Nothing is left to be done or found out at the provider.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state.is_settled() && self.intent.is_none() && self.mismatch.is_none() && !self.withdrawn
    }

    /// Its order must stay as it is: it is being paid, or has been, or the provider has money for it that a person must see to first.
    #[must_use]
    pub fn relies_on_its_order(&self) -> bool {
        !self.state.is_failed() || self.mismatch.is_some()
    }

    /// When it came into its state.
    #[must_use]
    pub fn moved_at(&self) -> Timestamp {
        let steps = self.history.iter().rev().take_while(|step| step.state == self.state.name());
        steps.last().map_or(self.created_at, |step| step.at)
    }

    /// When it came into its state, or the last time that more of it was given back or that a person's turn began or ended.
    #[must_use]
    pub fn changed_at(&self) -> Timestamp {
        let last = self.history.iter().rev().find(|step| step.event.is_some() || step.is_about_attention()).map(|step| step.at);
        last.map_or_else(|| self.moved_at(), |at| at.max(self.moved_at()))
    }

    /// This payment moved on to `state`. The outcome is known again, what was intended is over, and so is the lease.
    /// A step that the machine does not allow leaves it as it is.
    #[must_use]
    pub fn moved(mut self, state: State, by: Trigger<'_>, now: Timestamp) -> Self {
        if self.state.may_become(state) {
            if state == State::Refunded {
                self.give_back_the_rest(by, now);
            }
            if matches!(state, State::Captured | State::PartiallyRefunded | State::Refunded) {
                self.captured_at.get_or_insert(now);
                if let Some(receipts) = &mut self.receipts {
                    receipts.look_at = Some(now.plus(RECEIPT_TAKES));
                }
            }
            // A shop that let the hold go through us knows.
            if state.is_failed() && self.last_status_event() == Some(&StatusEvent::Paid) && self.intent != Some(Intent::Cancel) {
                self.lost = true;
                self.poll.manual_review = true;
            }
            self.state = state;
            // Whether the customer has paid the rest, too, is not known before the shop captures.
            let is_half = state == State::Held && self.is_prepaid_afterwards();
            self.push(None, StatusEvent::of(state, self.refunded()).filter(|_| !is_half), by, now);
        }
        // It moves only when the provider's data match, or when there is no money to match.
        self.mismatch = None;
        self.intent = None;
        self.settled_for_now()
    }

    /// This payment, not wanted any more while the customer could still pay it.
    #[must_use]
    pub fn withdrawn(self, by: Trigger<'_>, now: Timestamp) -> Self {
        let payment = self.noted("cancel asked for".to_owned(), by, now).moved(State::Canceled, by, now);
        Self { withdrawn: true, reason: None, ..payment }
    }

    /// This payment, withdrawn before, now that it cannot be paid any more.
    #[must_use]
    pub fn closed(mut self) -> Self {
        self.withdrawn = false;
        self.mismatch = None;
        self.intent = None;
        self.settled_for_now()
    }

    /// It was given up, was paid all the same, and the provider has not let the hold go yet.
    #[must_use]
    pub fn has_hold_to_let_go(&self) -> bool {
        self.withdrawn && (self.intent.is_some() || self.reason.is_some())
    }

    /// This payment on the way to its capture, leased to one request. A hold that is new is only passed through.
    #[must_use]
    pub fn finishing(mut self, by: Trigger<'_>, now: Timestamp) -> Self {
        let is_new = self.state != State::Finishing;
        for state in [State::Held, State::Finishing] {
            if self.state.may_become(state) {
                self.state = state;
                self.push(None, None, by, now);
            }
        }
        self.mismatch = None;
        // A capture that is tried again is not news: the polls go on becoming rarer, and what is unknown of the first call stays so.
        if is_new { self.settled_for_now().leased(now) } else { self.leased(now) }
    }

    /// This payment, held, with the end of its hold about to be moved, leased to one request. A hold that is new is written down by
    /// it.
    #[must_use]
    pub fn extending(self, change: Change, by: Trigger<'_>, now: Timestamp) -> Self {
        let mut held = if self.state == State::Held { self.settled_for_now() } else { self.moved(State::Held, by, now) };
        held.intent = Some(Intent::Change(change));
        held.reason = None;
        held.leased(now)
    }

    /// What is intended is only to hold the same for longer.
    #[must_use]
    pub fn is_extending(&self) -> bool {
        match &self.intent {
            Some(Intent::Change(change)) => self.hold_until.is_none() && change.amount == self.amount,
            Some(Intent::Cancel | Intent::Refund(_) | Intent::Receipt) | None => false,
        }
    }

    /// Something that only a person can see to: it is not paid any more, is paid twice, its receipt was not taken, or a scheduled refund
    /// was refused.
    #[must_use]
    pub fn has_news_for_people(&self) -> bool {
        self.lost || self.second_payment.is_some() || self.has_new_receipt_rejection() || self.has_unseen_refusal()
    }

    /// This payment after a person has seen it.
    #[must_use]
    pub fn acknowledged(mut self, by: Trigger<'_>, now: Timestamp) -> Self {
        self.lost = false;
        self.second_payment = None;
        for refund in &mut self.refunds {
            refund.is_refusal_unseen = false;
        }
        if let Some(receipts) = &mut self.receipts {
            receipts.rejection = receipts.rejection.map(|_| ReceiptRejection::Seen);
        }
        self.noted("seen".to_owned(), by, now)
    }

    /// This payment with something that was asked for on its history.
    #[must_use]
    pub fn noted(mut self, action: String, by: Trigger<'_>, now: Timestamp) -> Self {
        self.push(Some(action), None, by, now);
        self
    }

    /// The number of the history's last line.
    #[must_use]
    pub fn last_step(&self) -> usize {
        self.history.last().map_or(0, |step| step.number)
    }

    /// How many lines of the history are people's.
    #[must_use]
    pub fn commands(&self) -> usize {
        self.history.iter().filter(|step| step.is_command()).count()
    }

    /// This payment as it fits into its item. Of a history that has grown too long the oldest lines are dropped that say neither what
    /// it came to, nor what a person did, nor anything for IMSHOP.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        let mut surplus = self.history.len().saturating_sub(KEPT_STEPS);
        if surplus > 0 {
            let kept = self.kept_events();
            self.history.retain(|step| {
                let is_needed = step.event.is_some() || step.is_command() || kept.contains(&step.number);
                let dropped = surplus > 0 && step.action.is_some() && !is_needed;
                surplus -= usize::from(dropped);
                !dropped
            });
            let history = &self.history;
            self.outbox.receipts.retain(|receipt| history.iter().any(|step| step.number == receipt.number));
        }
        self
    }

    /// A line of history without a step.
    pub(super) fn push(&mut self, action: Option<String>, event: Option<StatusEvent>, by: Trigger<'_>, now: Timestamp) {
        // The status event that was published last is not published again.
        let event = event.filter(|event| self.last_status_event() != Some(event));
        self.push_line(action, event, by.to_string(), now);
    }

    pub(super) fn push_line(&mut self, action: Option<String>, event: Option<StatusEvent>, by: String, now: Timestamp) {
        let (number, state) = (self.last_step() + 1, self.state.name().to_owned());
        self.history.push(Step { number, at: now, state, by, action, event });
    }

    pub(super) fn settled_for_now(mut self) -> Self {
        self.unknown = false;
        self.operation = None;
        self.lease_until = None;
        self.poll.unchanged = 0;
        self.poll.repeat_at = None;
        self.poll.hinted = false;
        self.poll.unreachable_since = None;
        self
    }

    /// This payment, leased to one request that is about to change something at the provider.
    #[must_use]
    pub fn leased(mut self, now: Timestamp) -> Self {
        self.lease_until = Some(now.plus(LEASE));
        self
    }

    /// This payment after a call that changes something had no clear answer: the lease is released, and the next request asks the status.
    #[must_use]
    pub fn in_doubt(mut self, now: Timestamp) -> Self {
        self.unknown = true;
        self.lease_until = None;
        self.repeated_later(now)
    }

    /// This payment after the provider refused to capture it. It stays on its way: a person has to do something.
    #[must_use]
    pub fn capture_refused(mut self, reason: Reason, by: Trigger<'_>, now: Timestamp) -> Self {
        let action = format!("finish not done: {}", reason.code);
        self.refusals = self.refusals.saturating_add(1);
        // Each reason is said once, and once for each person.
        let by_name = by.to_string();
        let is_said = self.history.iter().any(|step| step.action.as_deref() == Some(&action) && step.by == by_name);
        if !is_said {
            self.push(Some(action), None, by, now);
        }
        self.refused(reason).repeated_later(now)
    }

    /// This payment after the provider refused what was asked, having changed nothing.
    #[must_use]
    pub fn refused(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self.unknown = false;
        self.operation = None;
        self.lease_until = None;
        self
    }
}
