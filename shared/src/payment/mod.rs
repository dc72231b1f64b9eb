//! A payment: one attempt to pay an order, as a state machine. No I/O here; `settle` runs it.
//!
//! `creating → pending → held → finishing → captured → partially_refunded → refunded`, and `declined`, `canceled`,
//! `expired`. States only move forward (a step may be skipped when the provider is ahead of us). "Unknown outcome" is a flag
//! on a state, never a state: the next look asks the provider before anything else is done.

mod cart;
mod command;
mod form;
mod intent;
mod machine;
mod news;
mod order;
mod prepaid;
pub mod receipt;
mod refund;
mod telling;
mod watch;

use std::fmt;

use crate::clock::{LEASE, Timestamp};
use crate::ids::{MethodId, OrderId, OrderUuid, PaymentId};
use crate::money::Money;

pub use cart::{Cart, Fact, Goods};
pub use command::{Command, Refusal};
pub use form::{FullName, Known};
pub use intent::{Change, Check, Document, Intent};
pub use machine::{Next, Outcome, Policy, Report, ReportedState, next};
pub use news::{News, Stored};
pub use order::{Line, Order};
pub use prepaid::{Named, Prepaid, Prepayment, Split};
pub use refund::{MAX_REFUNDS, Refund, RefundStatus};
pub use telling::{Telling, Word};
pub use watch::Watch;

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// About to be registered with the provider.
    Creating,
    /// Registered; the customer is on the provider's page.
    Pending,
    /// The provider holds the money for us.
    Held,
    /// About to be captured.
    Finishing,
    /// The money is ours.
    Captured,
    /// Part of it was given back.
    PartiallyRefunded,
    /// All of it was given back.
    Refunded,
    /// The provider said no.
    Declined,
    /// Given up before the money was ours.
    Canceled,
    /// The time to pay ran out.
    Expired,
}

impl State {
    /// Every state, in the order of the machine.
    pub const ALL: [Self; 10] = [
        Self::Creating,
        Self::Pending,
        Self::Held,
        Self::Finishing,
        Self::Captured,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::Declined,
        Self::Canceled,
        Self::Expired,
    ];

    /// The name used in storage and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Finishing => "finishing",
            Self::Captured => "captured",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Declined => "declined",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Paying is over, with or without success; only a refund can follow.
    #[must_use]
    pub fn is_settled(self) -> bool {
        match self {
            Self::Creating | Self::Pending | Self::Held | Self::Finishing => false,
            Self::Captured | Self::PartiallyRefunded | Self::Refunded | Self::Declined | Self::Canceled | Self::Expired => true,
        }
    }

    /// Not paid and never will be: the order may be tried again.
    #[must_use]
    pub fn is_failed(self) -> bool {
        matches!(self, Self::Declined | Self::Canceled | Self::Expired)
    }

    /// Whether the machine allows this step. Every step goes forward.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use State::{Canceled, Captured, Creating, Declined, Expired, Finishing, Held, PartiallyRefunded, Pending, Refunded};
        match self {
            Creating => next != Creating,
            Pending => !matches!(next, Creating | Pending),
            Held => matches!(next, Finishing | Captured | PartiallyRefunded | Refunded | Declined | Canceled | Expired),
            Finishing => matches!(next, Captured | PartiallyRefunded | Refunded | Declined | Canceled | Expired),
            Captured => matches!(next, PartiallyRefunded | Refunded),
            PartiallyRefunded => next == Refunded,
            Refunded | Declined | Canceled | Expired => false,
        }
    }
}

/// Who takes the money of an online payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Mokka, payment in instalments.
    Mokka,
}

impl Provider {
    /// The name used in configuration, storage and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mokka => "mokka",
        }
    }

    /// The provider of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        (name == Self::Mokka.name()).then_some(Self::Mokka)
    }
}

/// What moved a payment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger<'a> {
    /// IMSHOP's `create`.
    Create,
    /// IMSHOP's `capture`.
    Capture,
    /// The provider's callback.
    Callback,
    /// The customer's browser came back.
    Return,
    /// The scheduled reconciliation.
    Schedule,
    /// The shop's people or system, by the name of their key.
    BackOffice(&'a str),
}

/// What the shop's people and system are called in a history, before their name.
const BACK_OFFICE: &str = "back-office:";

impl Trigger<'_> {
    /// Somebody asks for the provider's word by name, even if nothing is expected of it.
    #[must_use]
    pub fn is_explicit(self) -> bool {
        matches!(self, Self::BackOffice(_))
    }
}

impl fmt::Display for Trigger<'_> {
    /// The name used in storage and logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("create"),
            Self::Capture => f.write_str("capture"),
            Self::Callback => f.write_str("callback"),
            Self::Return => f.write_str("return"),
            Self::Schedule => f.write_str("schedule"),
            Self::BackOffice(name) => write!(f, "{BACK_OFFICE}{name}"),
        }
    }
}

/// How many lines of a history may be people's; a payment's item holds far more. What the provider does is always recorded.
pub const MAX_ASKED: usize = 500;
/// How many lines a history is kept down to.
const KEPT_STEPS: usize = 500;

/// One step of a payment's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// 1, 2, 3, …; it stays when lines before it are dropped.
    pub number: usize,
    /// When.
    pub at: Timestamp,
    /// The state after it.
    pub state: String,
    /// What moved it, or who.
    pub by: String,
    /// What was asked for or came of it, if the state does not say it all.
    pub action: Option<String>,
    /// What IMSHOP has to be told because of it.
    pub word: Option<Word>,
}

impl Step {
    /// A person, or the shop's system, asked for it, or it came of that.
    fn is_asked(&self) -> bool {
        self.action.is_some() && self.by.starts_with(BACK_OFFICE)
    }
}

/// Why a payment was not made: for the log and support, and which sentence the customer reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The provider's code, or a word of ours.
    pub code: String,
    /// The customer's sentence.
    pub text: String,
}

/// One attempt to pay an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Ours, and the provider's order id.
    pub id: PaymentId,
    /// The order.
    pub order_uuid: OrderUuid,
    /// The shop's id of the order.
    pub order_id: OrderId,
    /// 1, 2, 3, …
    pub attempt: u32,
    /// The way to pay that the customer chose.
    pub method: MethodId,
    /// Who takes the money.
    pub provider: Provider,
    /// What the provider is to take, or has captured. Only a change of the hold changes it, or a prepayment that the customer chooses.
    pub amount: Money,
    /// What of the order is paid beside it.
    pub prepaid: Option<Prepaid>,
    /// Where it stands.
    pub state: State,
    /// The last call that changes something at the provider had no clear answer.
    pub unknown: bool,
    /// It was given up here while the customer could still pay it: a hold that comes is let go, until none can come any more.
    pub withdrawn: bool,
    /// The provider's data do not match ours: nothing counts as paid until they do.
    pub mismatch: Option<String>,
    /// The provider's payment page.
    pub url: Option<String>,
    /// Where the app is opened again.
    pub return_url: Option<String>,
    /// SHA-256 of the token in the callback's path.
    pub callback_token_hash: String,
    /// The token in the path of the page to which the customer comes back. An attempt that a release before it opened has none.
    pub return_token: Option<String>,
    /// Until when the provider keeps the attempt open: the form's end, and once that was moved for a hold, the hold's.
    pub valid_till: Timestamp,
    /// Until when the hold lives, once that is settled with the provider; it lives no longer than the form without it.
    pub hold_until: Option<Timestamp>,
    /// IMSHOP was told that it is paid, and it is not any more: a person has to know.
    pub lost: bool,
    /// Until when one request alone may call the provider to change something.
    pub lease_until: Option<Timestamp>,
    /// Why it failed, if it did.
    pub reason: Option<Reason>,
    /// What was asked for and is not known to be done yet.
    pub intent: Option<Intent>,
    /// How often the provider refused to capture it.
    pub refusals: u32,
    /// The fiscal document it is captured with; ours is drawn without one.
    pub check: Option<Check>,
    /// What was given back, or is being given back; oldest first.
    pub refunds: Vec<Refund>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When we learned that the money is ours.
    pub captured_at: Option<Timestamp>,
    /// What happened, oldest first.
    pub history: Vec<Step>,
    /// What IMSHOP knows of it.
    pub telling: Telling,
    /// When it is looked at next, and whether a person must.
    pub watch: Watch,
    /// Counts the writes; every write names the version it replaces.
    pub version: u64,
    /// How it is in the store.
    pub stored: Stored,
}

impl Payment {
    /// A new attempt to pay an order that costs `amount`, leased to the request that opens it.
    #[must_use]
    pub fn open(order: &Order, attempt: u32, amount: Money, choice: Choice, now: Timestamp) -> Self {
        let (prepaid, amount) = Prepaid::of(order.known.prepayment.as_ref(), amount);
        Self {
            id: PaymentId::new(&order.id, attempt),
            order_uuid: order.uuid.clone(),
            order_id: order.id.clone(),
            attempt,
            method: choice.method,
            provider: choice.provider,
            amount,
            prepaid,
            state: State::Creating,
            unknown: false,
            withdrawn: false,
            mismatch: None,
            url: None,
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
            check: None,
            refunds: Vec::new(),
            created_at: now,
            captured_at: None,
            history: vec![Step {
                number: 1,
                at: now,
                state: State::Creating.name().to_owned(),
                by: Trigger::Create.to_string(),
                action: None,
                word: None,
            }],
            telling: Telling::default(),
            watch: Watch::default(),
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
            }
            // Whoever let the hold go by us knows.
            if state.is_failed() && self.last_word() == Some(&Word::Paid) && self.intent != Some(Intent::Cancel) {
                self.lost = true;
                self.watch.attention = true;
            }
            self.state = state;
            // Whether the customer has paid the rest, too, is not known before the shop captures.
            let is_half = state == State::Held && self.is_prepaid_afterwards();
            self.push(None, Word::of(state, self.refunded()).filter(|_| !is_half), by, now);
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

    /// This payment, withdrawn before, now that nobody can pay it any more.
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
        // A capture that is tried again is not news: the looks go on becoming rarer, and what is unknown of the first call stays so.
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
            Some(Intent::Cancel | Intent::Refund(_)) | None => false,
        }
    }

    /// This payment after a person has seen that it is not paid any more.
    #[must_use]
    pub fn seen(mut self, by: Trigger<'_>, now: Timestamp) -> Self {
        self.lost = false;
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
    pub fn asked(&self) -> usize {
        self.history.iter().filter(|step| step.is_asked()).count()
    }

    /// This payment as it fits into its item. Of a history that has grown too long the oldest lines are dropped that say neither what
    /// it came to, nor what a person did, nor anything for IMSHOP.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        let mut surplus = self.history.len().saturating_sub(KEPT_STEPS);
        if surplus > 0 {
            self.history.retain(|step| {
                let dropped = surplus > 0 && step.action.is_some() && step.word.is_none() && !step.is_asked();
                surplus -= usize::from(dropped);
                !dropped
            });
        }
        self
    }

    /// A line of history without a step.
    fn push(&mut self, action: Option<String>, word: Option<Word>, by: Trigger<'_>, now: Timestamp) {
        // What IMSHOP knows already is not told again.
        let word = word.filter(|word| self.last_word() != Some(word));
        let (number, state) = (self.last_step() + 1, self.state.name().to_owned());
        self.history.push(Step { number, at: now, state, by: by.to_string(), action, word });
    }

    fn settled_for_now(mut self) -> Self {
        self.unknown = false;
        self.lease_until = None;
        self.watch.quiet = 0;
        self.watch.repeat_at = None;
        self.watch.hinted = false;
        self.watch.unasked_since = None;
        self
    }

    /// This payment, leased to one request that is about to change something at the provider.
    #[must_use]
    pub fn leased(mut self, now: Timestamp) -> Self {
        self.lease_until = Some(now.plus(LEASE));
        self
    }

    /// This payment after a call that changes something had no clear answer: anybody may look next, by asking the status.
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
        self.lease_until = None;
        self
    }
}

/// What the customer chose when the attempt was opened.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The way to pay.
    pub method: MethodId,
    /// Who takes the money.
    pub provider: Provider,
    /// Where the app is opened again.
    pub return_url: Option<String>,
    /// Until when the provider keeps the attempt open.
    pub valid_till: Timestamp,
}
