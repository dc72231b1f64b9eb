//! What the shop's people and system ask of a payment: refused before the provider is called if the state of things forbids it,
//! in our books or in the provider's; recorded before it is done; found out if its outcome is unknown.

use std::time::Duration;

use super::{ROUNDS, Settler};
use crate::payments::payment::{
    Change, Command, CommandRefusal, Intent, Next, Order, Payment, Reason, ReceiptProblem, Receipts, RefundStatus, State,
    Trigger, next,
};
use crate::platform::clock::{Deadline, Timestamp};
use crate::platform::dynamodb::{RECORDING, StoreError};
use crate::platform::money::Money;

/// What must remain of a request's time for a call whose answer can be waited for; with less nothing is begun.
const ENOUGH: Duration = Duration::from_secs(2);

/// The outcome of a command.
#[derive(Debug)]
pub enum CommandOutcome {
    Done(Payment),
    /// It is recorded and will be done when the provider takes it.
    Scheduled(Payment),
    /// It is recorded and will be done when another person has approved it.
    AwaitsApproval(Payment),
    /// It is recorded and will be done or found out: the provider has not given a clear answer yet.
    Unknown(Payment),
    /// The state of things forbids it; nothing was done.
    Forbidden(Payment, CommandRefusal),
    /// The provider refused it; nothing was done.
    Refused(Payment, Reason),
    /// The provider could not be asked how things stand, or not in time, so nothing was done.
    Unavailable(Payment),
}

/// When a refund is made that is not made at once.
#[derive(Clone, Copy)]
enum Later {
    At(Timestamp),
    /// When it is approved, and not before that.
    Approved(Option<Timestamp>),
}

/// A payment after its Status was asked and nothing was called.
enum Refreshed {
    /// How the payment stands, and what the provider has of it although our books do not say so.
    At(Payment, Beside),
    Unavailable(Payment),
}

/// What the provider has of a payment beside our books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// Its money is held: a shop that captures at once never writes a hold down without its capture.
    Held,
    /// Its money was captured although it failed here: it was paid after it had been given up.
    Captured,
}

impl Settler {
    /// Executes a command for the holder of the key `who`.
    pub async fn operate(
        &self,
        payment: Payment,
        command: Command,
        who: &str,
        deadline: Deadline,
    ) -> Result<CommandOutcome, StoreError> {
        let by = Trigger::BackOffice(who);
        let (mut payment, mut command) = (payment, command);
        for _ in 0..ROUNDS {
            payment = self.wait_for_lease(payment, deadline).await?;
            if let Some(asked_before) = self.asked_before(&payment, &command, by, deadline).await? {
                return Ok(asked_before);
            }
            if payment.intent.is_some() && !payment.is_leased(self.clock.now()) {
                // What was asked for before comes first.
                payment = Box::pin(self.settle(payment, by, deadline)).await?.into_payment();
            }
            match self.permits(&payment, &command) {
                Err(refusal) if !refusal.may_be_outrun() && !payment.may_give_all_back(&command, &refusal) => {
                    return Ok(CommandOutcome::Forbidden(payment, refusal));
                }
                Ok(()) | Err(_) => {}
            }
            let beside;
            (payment, beside) = match Box::pin(self.refresh(payment, by, deadline)).await? {
                Refreshed::At(payment, beside) => (payment, beside),
                Refreshed::Unavailable(payment) => return Ok(CommandOutcome::Unavailable(payment)),
            };
            // Another request with the same key may have made the refund while this one asked.
            if let Some(asked_before) = self.asked_before(&payment, &command, by, deadline).await? {
                return Ok(asked_before);
            }
            command = self.possible(&payment, command);
            match self.permits(&payment, &command) {
                Ok(()) => {}
                Err(CommandRefusal::NotHeld) if beside == Beside::Held => {
                    if let Err(refusal) = self.permits_part(&payment, &command) {
                        return Ok(CommandOutcome::Forbidden(payment, refusal));
                    }
                }
                Err(refusal) if beside == Beside::Captured && payment.may_give_all_back(&command, &refusal) => {}
                Err(refusal) => return Ok(CommandOutcome::Forbidden(payment, refusal)),
            }
            if deadline.before(RECORDING + ENOUGH).allows(ENOUGH).is_none() {
                return Ok(CommandOutcome::Unavailable(payment));
            }
            if matches!(command, Command::Cancel)
                && beside != Beside::Held
                && matches!(payment.state, State::Creating | State::Pending)
            {
                // There is nothing to call the provider for: whatever is paid yet is let go by the first request that sees it.
                match self.orders.save_payment(payment.clone().withdrawn(by, self.clock.now())).await? {
                    Some(payment) => return Ok(CommandOutcome::Done(payment)),
                    None => payment = self.reread(payment).await?,
                }
                continue;
            }
            if payment.is_extending() {
                // Whether it is held longer does not matter any more.
                (payment.intent, payment.unknown) = (None, false);
            }
            let scheduled_for = payment.scheduled_time(&command, self.partial_refund_from(&payment), self.clock.now());
            let needs_approval = self.needs_approval(&payment, &command, who).await?;
            if needs_approval && !Self::can_await_approval(&payment) {
                return Ok(CommandOutcome::Forbidden(payment, CommandRefusal::NeedsApproval));
            }
            let later = match scheduled_for {
                earliest if needs_approval => Some(Later::Approved(earliest)),
                Some(at) => Some(Later::At(at)),
                None => None,
            };
            if let Some(later) = later {
                match self.plan(payment.clone(), &command, later, by).await? {
                    Ok(Some(payment)) if needs_approval => return Ok(CommandOutcome::AwaitsApproval(payment)),
                    Ok(Some(payment)) => return Ok(CommandOutcome::Scheduled(payment)),
                    Ok(None) => payment = self.reread(payment).await?,
                    Err(refusal) => return Ok(CommandOutcome::Forbidden(payment, refusal)),
                }
                continue;
            }
            let intended = match self.intend(payment.clone(), &command, by) {
                Ok(intended) => intended,
                Err(refusal) => return Ok(CommandOutcome::Forbidden(payment, refusal)),
            };
            let order = match self.order_for_receipt(&intended).await? {
                Ok(order) => order,
                Err(refusal) => return Ok(CommandOutcome::Forbidden(payment, refusal)),
            };
            let intent = self.prepared(intended, order.as_ref());
            payment = match self.orders.save_payment(intent).await? {
                None => self.reread(payment).await?,
                Some(leased) => {
                    let id = leased.id.clone();
                    let after = match Box::pin(self.execute(leased.clone(), by, deadline)).await? {
                        Some(after) => after,
                        None => self.orders.payment(&id).await?.unwrap_or(leased),
                    };
                    return Box::pin(self.outcome(after, &command, by, deadline)).await;
                }
            };
        }
        Ok(CommandOutcome::Forbidden(payment, CommandRefusal::InProgress("other requests")))
    }

    /// A person has looked into the provider's cabinet: was the refund made whose outcome was unknown? What the provider
    /// itself shows comes first.
    pub async fn decide_refund(
        &self,
        payment: Payment,
        number: usize,
        made: bool,
        who: &str,
        deadline: Deadline,
    ) -> Result<CommandOutcome, StoreError> {
        let by = Trigger::BackOffice(who);
        let mut payment = payment;
        for _ in 0..ROUNDS {
            let now = self.clock.now();
            let undecided = number > 0 && payment.intent == Some(Intent::Refund(number.wrapping_sub(1)));
            if !undecided {
                return Ok(CommandOutcome::Forbidden(payment, CommandRefusal::RefundDecided));
            }
            if payment.is_leased(now) {
                return Ok(CommandOutcome::Forbidden(payment, CommandRefusal::InProgress("a call to the provider")));
            }
            let Some(report) = self.ask(&payment, deadline).await else { return Ok(CommandOutcome::Unavailable(payment)) };
            if report.sums.is_some() && !payment.is_refund_for_people(&report, now) {
                // The provider keeps a record of it, and the polls find that: a word of ours could give the money back twice.
                return Ok(CommandOutcome::Forbidden(payment, CommandRefusal::InProgress("a refund at the provider")));
            }
            let policy = self.gateways.policy(&payment);
            let decided = match next(&payment, &report, policy, now) {
                Next::Mismatch(what) if payment.mismatch.as_ref() == Some(&what) => {
                    return Ok(CommandOutcome::Forbidden(payment, CommandRefusal::Mismatch));
                }
                news
                @ (Next::Move(_) | Next::Done | Next::Dropped(_) | Next::GivenBack(_) | Next::Closed | Next::Mismatch(_)) => {
                    payment = match self.record(payment.clone(), news, by).await? {
                        Some(payment) => payment,
                        None => self.reread(payment).await?,
                    };
                    continue;
                }
                // The provider would show it if everything had been given back.
                Next::Repeat
                    if made
                        && (report.sums.is_some() || payment.refund_under_way().is_some_and(|(_, whole_rest)| whole_rest)) =>
                {
                    return Ok(CommandOutcome::Forbidden(payment, CommandRefusal::Mismatch));
                }
                Next::Wait
                | Next::Register
                | Next::Capture
                | Next::Repeat
                | Next::Release
                | Next::Extend
                | Next::MatchesAgain => {
                    if made {
                        payment.clone().intent_done(by, now)
                    } else {
                        let text = "the provider's cabinet does not show it".to_owned();
                        payment.clone().intent_dropped(&Reason { code: "not_made".to_owned(), text }, by, now)
                    }
                }
            };
            match self.orders.save_payment(decided).await? {
                Some(payment) => return Ok(CommandOutcome::Done(payment)),
                None => payment = self.reread(payment).await?,
            }
        }
        Ok(CommandOutcome::Forbidden(payment, CommandRefusal::InProgress("other requests")))
    }

    /// A hold that cannot be changed ends when the provider says.
    fn possible(&self, payment: &Payment, command: Command) -> Command {
        match command {
            Command::Change(change) if !self.gateways.get(&payment.provider).abilities().changes_hold => {
                Command::Change(Change { valid_till: payment.valid_till, ..change })
            }
            Command::Finish { .. } | Command::Cancel | Command::Change(_) | Command::Refund { .. } | Command::Receipt => command,
        }
    }

    /// From when on the provider takes a refund of a part.
    fn partial_refund_from(&self, payment: &Payment) -> Timestamp {
        let captured_at = payment.captured_at.unwrap_or(Timestamp::from_millis(0));
        self.gateways.get(&payment.provider).partial_refund_from(captured_at)
    }

    /// Records a refund that is to be made later, if its fiscal receipt can be made. Nothing if another request wrote first.
    async fn plan(
        &self,
        payment: Payment,
        command: &Command,
        later: Later,
        by: Trigger<'_>,
    ) -> Result<Result<Option<Payment>, CommandRefusal>, StoreError> {
        let Command::Refund { key_hash, part, grounds, .. } = command else { return Ok(Ok(None)) };
        let wanted = match payment.wanted(part.as_ref()) {
            Ok(wanted) => wanted,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let now = self.clock.now();
        let made = payment.clone().refunding(key_hash.clone(), wanted.clone(), grounds.clone(), by, now);
        if let Err(refusal) = self.order_for_receipt(&made).await? {
            return Ok(Err(refusal));
        }
        let (key_hash, grounds) = (key_hash.clone(), grounds.clone());
        let planned = match later {
            Later::At(at) => {
                tracing::info!(at = at.rfc3339(), by = %by, "a refund is scheduled");
                payment.scheduling_refund(key_hash, wanted, grounds, at, by, now)
            }
            Later::Approved(earliest) => {
                tracing::info!(by = %by, "a refund awaits approval");
                payment.asking_approval(key_hash, wanted, grounds, earliest, by, now)
            }
        };
        self.orders.save_payment(planned).await.map(Ok)
    }

    fn permits(&self, payment: &Payment, command: &Command) -> Result<(), CommandRefusal> {
        let gateway = self.gateways.get(&payment.provider);
        payment.permits(command, self.partial_refund_from(payment), self.clock.now())?;
        if let Command::Change(change) = command
            && !gateway.abilities().changes_hold
            && change.amount.minor() > payment.registered().minor()
        {
            return Err(CommandRefusal::AboveHold(payment.registered()));
        }
        self.permits_part(payment, command)?;
        if let (Command::Refund { part, .. }, Some(least)) = (command, gateway.abilities().least_rest) {
            let left = payment.rest().minus(payment.wanted(part.as_ref())?.amount);
            if left.is_ok_and(|left| !left.is_zero() && left.minor() <= least) {
                let least = Money::from_minor(least, payment.amount.currency()).unwrap_or(payment.amount);
                return Err(CommandRefusal::RestTooSmall(least));
            }
        }
        Ok(())
    }

    /// Whether what is to be captured of a hold can be.
    fn permits_part(&self, payment: &Payment, command: &Command) -> Result<(), CommandRefusal> {
        let Command::Finish { part: Some(part), .. } = command else { return Ok(()) };
        let amount = payment.permits_part(part)?;
        let captures_parts = self.gateways.get(&payment.provider).abilities().captures_parts;
        if amount == payment.amount || captures_parts { Ok(()) } else { Err(CommandRefusal::PartialFinish) }
    }

    /// The order that the receipt of what is intended is for, if one belongs to it; why there can be none.
    pub(super) async fn order_for_receipt(
        &self,
        intended: &Payment,
    ) -> Result<Result<Option<Order>, CommandRefusal>, StoreError> {
        let Some(lines) = intended.receipt_due() else { return Ok(Ok(None)) };
        let order = self.order_of(intended).await?;
        let gateway = self.gateways.get(&intended.provider);
        Ok(match gateway.receipt_problem(&lines, &order, intended.intent == Some(Intent::Receipt)) {
            None => Ok(Some(order)),
            Some(ReceiptProblem::NoSecondReceipt) => Err(CommandRefusal::NoSecondReceipt),
            Some(problem) => Err(CommandRefusal::Receipt(problem)),
        })
    }

    /// A refund that was asked for with the same key is the same refund.
    async fn asked_before(
        &self,
        payment: &Payment,
        command: &Command,
        by: Trigger<'_>,
        deadline: Deadline,
    ) -> Result<Option<CommandOutcome>, StoreError> {
        let Command::Refund { key_hash, part, .. } = command else { return Ok(None) };
        let Some((index, _)) = payment.refund_with_key(key_hash) else { return Ok(None) };
        if !payment.is_asked_as(index, part.as_ref()) {
            return Ok(Some(CommandOutcome::Forbidden(payment.clone(), CommandRefusal::KeyReused)));
        }
        self.outcome(payment.clone(), command, by, deadline).await.map(Some)
    }

    /// Asks the provider, and records what it says of the past. Does nothing about the future.
    async fn refresh(&self, payment: Payment, by: Trigger<'_>, deadline: Deadline) -> Result<Refreshed, StoreError> {
        let mut payment = payment;
        for _ in 0..ROUNDS {
            let Some(report) = self.ask(&payment, deadline).await else { return Ok(Refreshed::Unavailable(payment)) };
            payment = payment.with_report(&report, self.clock.now());
            let policy = self.gateways.policy(&payment);
            let beside = if payment.is_captured_beside(&report) { Beside::Captured } else { Beside::Nothing };
            let saved = match next(&payment, &report, policy, self.clock.now()) {
                Next::Capture => return Ok(Refreshed::At(payment, Beside::Held)),
                Next::Extend if payment.state != State::Held => {
                    Box::pin(self.record(payment.clone(), Next::Move(State::Held), by)).await?
                }
                Next::Wait | Next::Register | Next::Repeat | Next::Release | Next::Extend => {
                    return Ok(Refreshed::At(payment, beside));
                }
                Next::Mismatch(what) if payment.mismatch.as_ref() == Some(&what) => return Ok(Refreshed::At(payment, beside)),
                news @ (Next::Move(_)
                | Next::Done
                | Next::Dropped(_)
                | Next::GivenBack(_)
                | Next::Closed
                | Next::Mismatch(_)
                | Next::MatchesAgain) => Box::pin(self.record(payment.clone(), news, by)).await?,
            };
            payment = match saved {
                Some(saved) => return Ok(Refreshed::At(saved, beside)),
                None => self.reread(payment).await?,
            };
            if payment.is_leased(self.clock.now()) {
                return Ok(Refreshed::At(payment, Beside::Nothing));
            }
        }
        Ok(Refreshed::Unavailable(payment))
    }

    fn intend(&self, payment: Payment, command: &Command, by: Trigger<'_>) -> Result<Payment, CommandRefusal> {
        let now = self.clock.now();
        Ok(match command {
            Command::Finish { receipt, part } => {
                let payment = match part {
                    Some(part) => payment.to_be_captured(part)?,
                    None => payment,
                };
                let asked = match &receipt.number {
                    Some(number) => format!("finish with check {number} asked for"),
                    None => "finish asked for".to_owned(),
                };
                let payment = Payment { fiscal_receipt: Some(receipt.clone()), reason: None, ..payment };
                payment.noted(asked, by, now).finishing(by, now)
            }
            Command::Cancel => payment.intending(Intent::Cancel, by, now),
            Command::Change(change) => {
                // A change says both amount and end of the hold.
                let hold_until = payment.hold_until.or(Some(payment.valid_till));
                let keeps_hold = !self.gateways.get(&payment.provider).abilities().changes_hold;
                let registered = if keeps_hold { Some(payment.registered()) } else { payment.registered };
                Payment { registered, hold_until, ..payment }.intending(Intent::Change(change.clone()), by, now)
            }
            Command::Refund { key_hash, part, grounds, .. } => {
                let wanted = payment.wanted(part.as_ref())?;
                payment.refunding(key_hash.clone(), wanted, grounds.clone(), by, now)
            }
            Command::Receipt => payment.second_receipt_again().intending(Intent::Receipt, by, now),
        })
    }

    /// What became of a command, after the provider is asked once more where that helps.
    async fn outcome(
        &self,
        payment: Payment,
        command: &Command,
        by: Trigger<'_>,
        deadline: Deadline,
    ) -> Result<CommandOutcome, StoreError> {
        let payment = if has_ended(&payment, command) {
            payment
        } else {
            Box::pin(self.settle(payment, by, deadline)).await?.into_payment()
        };
        Ok(match verdict(&payment, command) {
            Verdict::Done => CommandOutcome::Done(payment),
            Verdict::Scheduled => CommandOutcome::Scheduled(payment),
            Verdict::AwaitsApproval => CommandOutcome::AwaitsApproval(payment),
            Verdict::Withdrawn => CommandOutcome::Forbidden(payment, CommandRefusal::RefundWithdrawn),
            Verdict::Open => CommandOutcome::Unknown(payment),
            Verdict::Refused(reason) => {
                if let Command::Refund { key_hash, limit: Some(_), .. } = command
                    && let Some((_, refund)) = payment.refund_with_key(key_hash)
                {
                    self.uncount_refund(refund).await;
                }
                // Refused because the provider is ahead of us: then what it says now is the better answer.
                let payment = match Box::pin(self.refresh(payment, by, deadline)).await? {
                    Refreshed::At(payment, _) | Refreshed::Unavailable(payment) => payment,
                };
                match (verdict(&payment, command), self.permits(&payment, command)) {
                    (Verdict::Done, _) => CommandOutcome::Done(payment),
                    (_, Err(refusal)) if !matches!(command, Command::Refund { .. }) => {
                        CommandOutcome::Forbidden(payment, refusal)
                    }
                    _ => CommandOutcome::Refused(payment, reason),
                }
            }
        })
    }
}

enum Verdict {
    Done,
    Scheduled,
    AwaitsApproval,
    Withdrawn,
    Open,
    Refused(Reason),
}

/// Whether asking the provider once more would bring nothing new about the command.
fn has_ended(payment: &Payment, command: &Command) -> bool {
    !matches!(verdict(payment, command), Verdict::Open)
}

/// How a command stands by our books.
fn verdict(payment: &Payment, command: &Command) -> Verdict {
    match command {
        Command::Finish { .. } => match (payment.state, &payment.reason) {
            (State::Captured | State::PartiallyRefunded | State::Refunded, _) => Verdict::Done,
            (State::Finishing, Some(reason)) if !payment.unknown => Verdict::Refused(reason.clone()),
            (State::Creating | State::Pending | State::Held | State::Finishing, _) => Verdict::Open,
            (State::Declined | State::Canceled | State::Expired, _) => Verdict::Refused(over(payment)),
        },
        Command::Cancel if payment.state == State::Canceled => Verdict::Done,
        // A change that was refused left its reason behind; what it was to change may have been so before.
        Command::Change(change) if payment.intent.is_none() && payment.reason.is_none() && is_as(payment, change) => {
            Verdict::Done
        }
        Command::Cancel | Command::Change(_) => match payment.intent {
            Some(Intent::Cancel | Intent::Change(_)) => Verdict::Open,
            Some(Intent::Refund(_) | Intent::Receipt) | None => Verdict::Refused(over(payment)),
        },
        Command::Receipt if payment.receipts.as_ref().is_some_and(Receipts::is_closed) => Verdict::Done,
        Command::Receipt if payment.intent == Some(Intent::Receipt) => Verdict::Open,
        Command::Receipt => Verdict::Refused(over(payment)),
        Command::Refund { key_hash, .. } => match payment.refund_with_key(key_hash).map(|(_, refund)| &refund.status) {
            Some(RefundStatus::Made) => Verdict::Done,
            Some(RefundStatus::Refused(reason)) => Verdict::Refused(reason.clone()),
            Some(RefundStatus::Scheduled) => Verdict::Scheduled,
            Some(RefundStatus::AwaitsApproval) => Verdict::AwaitsApproval,
            Some(RefundStatus::Withdrawn) => Verdict::Withdrawn,
            Some(RefundStatus::Waiting | RefundStatus::Pending) => Verdict::Open,
            None => Verdict::Refused(over(payment)),
        },
    }
}

/// Whether what is held is what a change asks for.
fn is_as(payment: &Payment, change: &Change) -> bool {
    payment.amount == change.amount && payment.valid_till == change.valid_till
}

/// Why it was not done: what the provider said, or how the payment ended.
fn over(payment: &Payment) -> Reason {
    let ended = || Reason { code: payment.state.name().to_owned(), text: String::new() };
    payment.reason.clone().unwrap_or_else(ended)
}
