//! What the shop's people and system may ask of a payment, and when the state of things forbids it. Decided before the provider
//! is called.

use std::fmt;

use super::data::{Change, FiscalReceipt, Payment};
use super::receipt::{LinesRefusal, Part, ReceiptProblem};
use super::refund::MAX_REFUNDS;
use super::refund_grounds::RefundGrounds;
use super::state::State;
use super::steps::MAX_COMMANDS;
use crate::platform::clock::Timestamp;
use crate::platform::money::{Currency, Money};

/// What is asked of a payment.
#[derive(Clone, Debug)]
pub enum Command {
    /// Capture the hold, with this fiscal document.
    Finish {
        receipt: FiscalReceipt,
        /// What of it; all that is to be paid without it.
        part: Option<Part>,
    },
    /// Let the hold go.
    Cancel,
    /// Change the hold.
    Change(Change),
    /// Give money back.
    Refund {
        /// SHA-256 of the idempotency key.
        key_hash: String,
        /// How much; everything that is left without it.
        part: Option<Part>,
        /// Why.
        grounds: RefundGrounds,
        /// When.
        when: RefundTime,
        /// How much the person who asks may give back alone in a day, if that is limited.
        limit: Option<Limit>,
    },
    /// Make the second receipt of goods that were paid in advance: they ship.
    Receipt,
}

/// How much a person may give back alone in a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(Money);

impl Limit {
    #[must_use]
    pub fn new(amount: Money) -> Self {
        Self(amount)
    }

    /// What is left of it after so much, in minor units; nothing in another currency, in which no limit is said.
    #[must_use]
    pub fn after(self, minor: i64, currency: Currency) -> Option<i64> {
        (self.0.currency() == currency).then_some(self.0.minor() - minor).filter(|left| *left >= 0)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// When a refund is to be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefundTime {
    /// At once, or not at all.
    #[default]
    Now,
    /// As soon as the provider takes it.
    Earliest,
}

/// Why the state of things forbids a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandRefusal {
    /// No money is held yet.
    #[error(
        "nothing is held yet: the customer has not finished; an attempt that is left alone ends by itself, and `cancel` gives it up"
    )]
    NotHeld,
    /// The money is ours already.
    #[error("the payment is captured already; money can only be given back by a refund")]
    AlreadyCaptured,
    /// It ended without money.
    #[error("the payment is over without money: {}", .0.name())]
    AlreadyOver(State),
    /// The money is not ours yet.
    #[error("nothing is captured: a hold is canceled, not refunded")]
    NotCaptured,
    /// Everything is given back.
    #[error("everything is given back already")]
    NothingToRefund,
    /// More than is left.
    #[error("at most {0} can still be given back")]
    AboveRest(Money),
    /// What is to be made later takes all that is left.
    #[error("all that is left is taken by refunds that are scheduled or await approval: withdraw one of them first")]
    RestPlanned,
    /// More than is held, where a hold cannot be made larger.
    #[error("at most {0} is held, and no more can be captured")]
    AboveHold(Money),
    /// The provider gives no part back that would leave so little.
    #[error("a part must leave more than {0}: give back less, or the whole rest")]
    RestTooSmall(Money),
    /// The provider captures a hold whole.
    #[error("this hold is captured whole: `change` it first")]
    PartialFinish,
    #[error("{0}")]
    Lines(LinesRefusal),
    /// The fiscal receipt that belongs to it cannot be made.
    #[error("no fiscal receipt can be made for it: {0}")]
    Receipt(ReceiptProblem),
    /// There is nothing to make a second receipt of.
    #[error("nothing of this payment was receipted as paid in advance, so that no second receipt follows")]
    NoSecondReceipt,
    #[error("the second receipt is made already")]
    SecondReceiptMade,
    /// The provider takes a partial refund later only.
    #[error("a part can be given back from {} on, the whole rest at once", .0.rfc3339())]
    PartialTooEarly(Timestamp),
    /// Nothing to do: the amount is zero.
    #[error("the amount must be above zero")]
    ZeroAmount,
    /// In another currency than the payment.
    #[error("the amount must be in the payment's currency")]
    OtherCurrency,
    #[error("a payment can have at most {MAX_REFUNDS} refunds")]
    TooManyRefunds,
    /// The history is full.
    #[error("too much was done to this payment already; go on in the provider's cabinet")]
    TooManySteps,
    /// The idempotency key belongs to another refund.
    #[error("this idempotency key was used for a refund of another amount, or of other lines")]
    KeyReused,
    /// It was scheduled and given up.
    #[error("the refund with this idempotency key was withdrawn; ask for another one with a new key")]
    RefundWithdrawn,
    /// It is not scheduled, or not any more.
    #[error("no refund of that number is scheduled or awaits approval: it is being made, or has ended")]
    NotScheduled,
    /// Nothing of that number is to be approved.
    #[error("no refund of that number awaits approval")]
    NotToApprove,
    /// Who asks for a refund does not approve it.
    #[error("a refund is approved by another person than the one who asked for it")]
    OwnRefund,
    /// It could not wait for the approval that it needs.
    #[error(
        "this is more than this key gives back in a day, and of a payment that failed here nothing can wait for an approval; another key \
             with the role refund must do it"
    )]
    NeedsApproval,
    /// More than the person may give back alone.
    #[error("this is more than {0}, the most that this key gives back in a day; another key with the role refund must do it")]
    AboveLimit(Limit),
    /// The refund is decided, or there is none of that number.
    #[error("no refund of that number waits for a decision")]
    RefundDecided,
    /// The message is published or closed, there is none of that number, or it was not tried yet.
    #[error("no message of that number to that address failed and waits to be closed")]
    MessageDecided,
    /// Something else is under way.
    #[error("something else is under way with this payment: {0}; ask again when it has ended")]
    InProgress(&'static str),
    /// The provider's data do not match ours.
    #[error("the provider's data do not match this payment; compare them in its cabinet first")]
    Mismatch,
}

impl CommandRefusal {
    /// The provider may be ahead of our books: then what they forbid is allowed, so it is asked first.
    #[must_use]
    pub fn may_be_outrun(&self) -> bool {
        matches!(self, Self::NotHeld | Self::NotCaptured)
    }

    /// The stable code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotHeld => "not_held",
            Self::AlreadyCaptured => "already_captured",
            Self::AlreadyOver(State::Canceled) => "already_canceled",
            Self::AlreadyOver(State::Declined) => "already_declined",
            Self::AlreadyOver(_) => "already_expired",
            Self::NotCaptured => "not_captured",
            Self::NothingToRefund => "nothing_to_refund",
            Self::AboveRest(_) | Self::RestPlanned => "above_rest",
            Self::AboveHold(_) => "above_hold",
            Self::RestTooSmall(_) => "rest_too_small",
            Self::PartialFinish => "partial_finish",
            Self::Lines(LinesRefusal::Unknown(_)) => "unknown_line",
            Self::Lines(LinesRefusal::AboveLeft { .. }) => "above_line",
            Self::Lines(LinesRefusal::NotKept) => "lines_not_kept",
            Self::Receipt(_) => "receipt_impossible",
            Self::NoSecondReceipt => "no_second_receipt",
            Self::SecondReceiptMade => "second_receipt_made",
            Self::PartialTooEarly(_) => "partial_too_early",
            Self::ZeroAmount | Self::Lines(LinesRefusal::Nothing) => "zero_amount",
            Self::OtherCurrency => "other_currency",
            Self::TooManyRefunds => "too_many_refunds",
            Self::TooManySteps => "too_many_steps",
            Self::KeyReused => "idempotency_key_reused",
            Self::RefundWithdrawn => "refund_withdrawn",
            Self::NotScheduled => "not_scheduled",
            Self::NotToApprove => "not_to_approve",
            Self::OwnRefund => "own_refund",
            Self::AboveLimit(_) | Self::NeedsApproval => "above_limit",
            Self::RefundDecided => "refund_decided",
            Self::MessageDecided => "message_decided",
            Self::InProgress(_) => "in_progress",
            Self::Mismatch => "mismatch",
        }
    }
}

impl Payment {
    /// Whether a command may be executed now. `partial_from` is when the provider takes a partial refund.
    pub fn permits(&self, command: &Command, partial_from: Timestamp, now: Timestamp) -> Result<(), CommandRefusal> {
        if self.is_leased(now) {
            return Err(CommandRefusal::InProgress("a call to the provider"));
        }
        // To hold it longer blocks nothing.
        if let Some(intent) = self.intent.as_ref().filter(|_| !self.is_extending()) {
            return Err(CommandRefusal::InProgress(intent.name()));
        }
        if self.mismatch.is_some() {
            return Err(CommandRefusal::Mismatch);
        }
        if self.commands() >= MAX_COMMANDS {
            return Err(CommandRefusal::TooManySteps);
        }
        match command {
            // Given up before it was paid.
            Command::Cancel if matches!(self.state, State::Creating | State::Pending) => Ok(()),
            Command::Cancel | Command::Finish { part: None, .. } => self.permits_to_end_the_hold(),
            Command::Finish { part: Some(part), .. } => {
                self.permits_to_end_the_hold().and_then(|()| self.permits_part(part).map(drop))
            }
            Command::Change(_) if self.state == State::Finishing => Err(CommandRefusal::InProgress("finish")),
            Command::Change(change) => self.permits_to_end_the_hold().and_then(|()| self.permits_amount(change.amount)),
            Command::Refund { part, when, .. } => {
                self.permits_refund(part.as_ref())?;
                match self.scheduled_time(command, partial_from, now) {
                    Some(at) if *when == RefundTime::Now => Err(CommandRefusal::PartialTooEarly(at)),
                    Some(_) | None => Ok(()),
                }
            }
            Command::Receipt => self.permits_second_receipt(),
        }
    }

    /// Whether `refusal` does not stand in the way of giving back, in one piece, what was captured after the payment had failed here, once
    /// that was seen.
    #[must_use]
    pub fn may_give_all_back(&self, command: &Command, refusal: &CommandRefusal) -> bool {
        let is_whole = |part: &Option<Part>| part.as_ref().is_none_or(|part| *part == Part::Amount(self.amount));
        let is_asked = matches!(command, Command::Refund { part, .. } if is_whole(part));
        is_asked && *refusal == CommandRefusal::Mismatch && self.state.is_failed() && !self.rest().is_zero()
    }

    fn permits_to_end_the_hold(&self) -> Result<(), CommandRefusal> {
        match self.state {
            State::Held | State::Finishing => Ok(()),
            State::Creating | State::Pending => Err(CommandRefusal::NotHeld),
            State::Captured | State::PartiallyRefunded | State::Refunded => Err(CommandRefusal::AlreadyCaptured),
            State::Declined | State::Canceled | State::Expired => Err(CommandRefusal::AlreadyOver(self.state)),
        }
    }

    fn permits_amount(&self, amount: Money) -> Result<(), CommandRefusal> {
        if amount.is_zero() {
            Err(CommandRefusal::ZeroAmount)
        } else if amount.currency() == self.amount.currency() {
            Ok(())
        } else {
            Err(CommandRefusal::OtherCurrency)
        }
    }

    /// How much is captured by `part` of what is to be paid, if it can be.
    pub fn permits_part(&self, part: &Part) -> Result<Money, CommandRefusal> {
        let amount = self.captured_part(part)?.0;
        self.permits_amount(amount)?;
        if amount.minor() > self.amount.minor() {
            Err(CommandRefusal::AboveHold(self.amount))
        } else if amount != self.amount && self.state == State::Finishing && self.operation.is_some() {
            // The call that may have been executed says the other part.
            Err(CommandRefusal::InProgress("finish of another part"))
        } else {
            Ok(amount)
        }
    }

    /// Whether there is money of it that was captured and is not given back.
    fn has_money(&self) -> Result<(), CommandRefusal> {
        match self.state {
            State::Captured | State::PartiallyRefunded => Ok(()),
            State::Creating | State::Pending | State::Held | State::Finishing => Err(CommandRefusal::NotCaptured),
            State::Refunded => Err(CommandRefusal::NothingToRefund),
            State::Declined | State::Canceled | State::Expired => Err(CommandRefusal::AlreadyOver(self.state)),
        }
    }

    fn permits_second_receipt(&self) -> Result<(), CommandRefusal> {
        self.has_money()?;
        match &self.receipts {
            None => Err(CommandRefusal::NoSecondReceipt),
            Some(receipts) if receipts.is_closed() => Err(CommandRefusal::SecondReceiptMade),
            Some(_) => Ok(()),
        }
    }

    /// When a refund can be made that cannot be made now.
    #[must_use]
    pub fn scheduled_time(&self, command: &Command, partial_from: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let Command::Refund { part, .. } = command else { return None };
        let is_part = self.wanted(part.as_ref()).is_ok_and(|wanted| wanted.amount != self.amount);
        (is_part && now < partial_from).then_some(partial_from)
    }

    fn permits_refund(&self, part: Option<&Part>) -> Result<(), CommandRefusal> {
        self.has_money()?;
        let rest = self.rest();
        if rest.is_zero() {
            return Err(CommandRefusal::RestPlanned);
        }
        let amount = self.wanted(part)?.amount;
        self.permits_amount(amount)?;
        if self.refunds.len() >= MAX_REFUNDS {
            return Err(CommandRefusal::TooManyRefunds);
        }
        if amount.minor() > rest.minor() {
            return Err(CommandRefusal::AboveRest(rest));
        }
        Ok(())
    }
}
