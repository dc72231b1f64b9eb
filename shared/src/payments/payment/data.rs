//! A payment as it is kept: its fields, and what each of them is made of. What happens to them is in the files beside this one.

use super::channels::Outbox;
use super::gateway_name::GatewayName;
use super::means::PaymentMeans;
use super::operation::Operation;
use super::order::Line;
use super::prepayment::Prepaid;
use super::receipt::{ReceiptPart, Receipts};
use super::refund_grounds::RefundGrounds;
use super::state::{BACK_OFFICE, State};
use crate::platform::clock::Timestamp;
use crate::platform::ids::{MethodId, OrderId, OrderUuid, PaymentId};
use crate::platform::money::Money;

/// One attempt to pay an order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, stored as such")]
pub struct Payment {
    /// Ours, and the provider's order id.
    pub id: PaymentId,
    pub order_uuid: OrderUuid,
    /// The shop's id of the order.
    pub order_id: OrderId,
    /// 1, 2, 3, …
    pub attempt: u32,
    /// The way to pay that the customer chose.
    pub method: MethodId,
    /// The gateway that takes the money.
    pub provider: GatewayName,
    /// What the customer pays with there.
    pub means: PaymentMeans,
    /// What the provider is to take, or has captured. Only a change of the hold changes it, or a prepayment that the customer chooses.
    pub amount: Money,
    /// What of the order is paid beside it.
    pub prepaid: Option<Prepaid>,
    /// Where it stands.
    pub state: State,
    /// The last call that changes something at the provider had no clear answer.
    pub unknown: bool,
    /// The customer has finished, and the bank has not: it may become money at any time, so that it never ends by our clock.
    pub processing: bool,
    /// It was given up here while the customer could still pay it: a hold that comes is let go, until none can come any more.
    pub withdrawn: bool,
    /// The provider's data do not match ours: nothing counts as paid until they do.
    pub mismatch: Option<String>,
    /// The provider's id of another payment under our number in which there is money: manual review, until a person has seen it.
    pub second_payment: Option<String>,
    /// What the customer does to pay.
    pub action: Option<PaymentAction>,
    /// The provider's own id of the payment, where it gives one.
    pub provider_id: Option<String>,
    /// Whether the money is held first and captured later.
    pub two_stage: bool,
    /// What the provider holds, if that is not `amount`: a card's hold stays as it is when less is to be captured.
    pub registered: Option<Money>,
    /// The call with an idempotence key whose outcome is not known.
    pub operation: Option<Operation>,
    /// How many such calls there were.
    pub operations: u32,
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
    /// It counted as paid for IMSHOP and its hold has ended since: needs manual review.
    pub lost: bool,
    /// Until when one request alone may call the provider to change something.
    pub lease_until: Option<Timestamp>,
    /// Why it failed, if it did.
    pub reason: Option<Reason>,
    /// What was asked for and is not known to be done yet.
    pub intent: Option<Intent>,
    /// How often the provider refused to capture it.
    pub refusals: u32,
    /// The shop's fiscal receipt that it is captured with; without one we draw a document of our own.
    pub fiscal_receipt: Option<FiscalReceipt>,
    /// What its gateway's fiscal receipts are made of; nothing where it makes none.
    pub receipts: Option<Receipts>,
    /// What was given back, or is being given back; oldest first.
    pub refunds: Vec<Refund>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When we learned that the money is ours.
    pub captured_at: Option<Timestamp>,
    /// What happened, oldest first.
    pub history: Vec<Step>,
    /// How far it is published.
    pub outbox: Outbox,
    /// When it is polled next, and whether it is in manual review.
    pub poll: PollSchedule,
    /// Counts the writes; every write names the version it replaces.
    pub version: u64,
    /// How it is in the store.
    pub stored: Stored,
}

/// What the customer chose when the attempt was opened.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The way to pay.
    pub method: MethodId,
    /// The gateway that takes the money.
    pub provider: GatewayName,
    /// What the customer pays with there.
    pub means: PaymentMeans,
    /// Whether the money is held first and captured later.
    pub two_stage: bool,
    /// Where the app is opened again.
    pub return_url: Option<String>,
    /// Until when the provider keeps the attempt open.
    pub valid_till: Timestamp,
}

/// What the customer does to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentAction {
    /// Opens the provider's page, at this address.
    Page(String),
    /// Confirms in the app of a bank, which opens by this link of the Faster Payments System.
    Sbp(String),
}

/// Why a payment was not made: for the log and support, and which sentence the customer reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The provider's code, or a word of ours.
    pub code: String,
    /// The customer's sentence.
    pub text: String,
}

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
    /// The status event for IMSHOP, if it is one.
    pub event: Option<StatusEvent>,
}

impl Step {
    /// A person, or the shop's system, asked for it, or it came of that.
    pub(super) fn is_command(&self) -> bool {
        self.action.is_some() && self.by.starts_with(BACK_OFFICE) && !self.is_about_attention()
    }
}

/// What a payment is about to have done to it. A capture is a state of its own, [`State::Finishing`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Let the hold go.
    Cancel,
    /// Hold another amount, or hold it longer.
    Change(Change),
    /// Give money back: the index in [`Payment::refunds`].
    Refund(usize),
    /// Make the second receipt of goods that were paid in advance.
    Receipt,
}

impl Intent {
    /// The name used in storage, logs and answers.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Change(_) => "change",
            Self::Refund(_) => "refund",
            Self::Receipt => "receipt",
        }
    }
}

/// How a hold is to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is to be held.
    pub amount: Money,
    /// Until when it is to be held.
    pub valid_till: Timestamp,
    /// The cart that this amount is for.
    pub lines: Vec<Line>,
}

/// The shop's fiscal receipt of a capture, with its document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FiscalReceipt {
    /// Its number; ours without one.
    pub number: Option<String>,
    /// Its address.
    pub link: Option<String>,
    /// The document itself; ours without one.
    pub document: Option<FiscalDocument>,
}

/// Where a stored document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiscalDocument {
    pub id: String,
    /// In how many parts it is stored.
    pub parts: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// SHA-256 of the idempotency key it was asked for with; empty for one that the provider's own people made.
    pub key_hash: String,
    /// How much.
    pub amount: Money,
    /// How it stands.
    pub status: RefundStatus,
    /// How often the provider was asked again for it, after a call that may have been carried out.
    pub repeats: u32,
    /// Who asked for it.
    pub by: String,
    /// When it was asked for.
    pub at: Timestamp,
    /// When its outcome was known.
    pub ended_at: Option<Timestamp>,
    /// The provider's id of it, where it keeps a record of each.
    pub provider_id: Option<String>,
    /// When the provider was known to have accepted it, and not to have made it yet.
    pub accepted_at: Option<Timestamp>,
    /// What of the payment's lines it gives back, while it is open.
    pub part: ReceiptPart,
    /// A digest of the lines that were asked for, if an amount was not.
    pub lines_hash: Option<String>,
    /// Why, as the person said who asked for it.
    pub grounds: RefundGrounds,
    /// When the schedule makes it, or was to, if it was asked for before the provider takes it.
    pub scheduled_for: Option<Timestamp>,
    /// It was scheduled and refused, and no person has seen that yet.
    pub is_refusal_unseen: bool,
    /// Who approved it, if the one who asked for it could not give it back alone.
    pub approval: Option<Approval>,
}

/// Who approved a refund, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    pub by: String,
    pub at: Timestamp,
}

/// How a refund stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundStatus {
    /// More than the person may give back alone who asked for it: made when another one has approved it.
    AwaitsApproval,
    /// Asked for before the provider takes it: made by the schedule.
    Scheduled,
    /// Asked for; surely not sent to the provider yet.
    Waiting,
    /// Sent to the provider, maybe; not known to be made or refused.
    Pending,
    /// The money is given back.
    Made,
    /// It is not given back, and will not be.
    Refused(Reason),
    /// It was scheduled or awaited approval, and was given up before it was made.
    Withdrawn,
}

impl RefundStatus {
    /// Whether the provider may be making it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Waiting | Self::Pending)
    }

    /// The name used in storage and answers.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AwaitsApproval => "awaits_approval",
            Self::Scheduled => "scheduled",
            Self::Waiting => "waiting",
            Self::Pending => "pending",
            Self::Made => "made",
            Self::Refused(_) => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What became of a payment, as far as IMSHOP is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusEvent {
    /// It is paid: captured, or held where a hold counts.
    Paid,
    /// It will not be paid; paying again makes sense.
    Failed,
    /// So much of it was given back by now.
    PartiallyRefunded(Money),
    /// All of it was given back.
    Refunded,
}

impl StatusEvent {
    /// The name used in answers and in the history.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::PartiallyRefunded(_) => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }

    /// The status event that a state stands for.
    pub(super) fn of(state: State, refunded: Money) -> Option<Self> {
        match state {
            State::Creating | State::Pending | State::Finishing => None,
            State::Held | State::Captured => Some(Self::Paid),
            State::PartiallyRefunded => Some(Self::PartiallyRefunded(refunded)),
            State::Refunded => Some(Self::Refunded),
            State::Declined | State::Canceled | State::Expired => Some(Self::Failed),
        }
    }
}

/// When a payment is polled next, and what the polls have found so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollSchedule {
    /// When something is to be done next, the provider's poll or a message's next try; none at rest.
    pub next_at: Option<Timestamp>,
    /// When the provider is asked next. A payment that an earlier release wrote last has none.
    pub provider_at: Option<Timestamp>,
    /// How many polls in a row brought nothing new.
    pub unchanged: u32,
    /// Since when something is not as it should be.
    pub troubled_since: Option<Timestamp>,
    /// It is on the list for manual review.
    pub manual_review: bool,
    /// Before this the provider is not asked again to do what it may have done, or has refused.
    pub repeat_at: Option<Timestamp>,
    /// The provider has said by itself that something happened, and its status does not show it yet.
    pub hinted: bool,
    /// Since when the provider could not be asked.
    pub unreachable_since: Option<Timestamp>,
    /// The next audit look at what is over: what was done in the provider's own cabinet sends no callback.
    pub audit_at: Option<Timestamp>,
    /// How many audit looks there were.
    pub audits_done: u32,
}

/// What the stored payment says, to find by comparison what is new. Empty for one that is not stored yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    pub(super) steps: usize,
    pub(super) leased: bool,
    pub(super) mismatch: bool,
    pub(super) manual_review: bool,
    pub(super) captured_minor: i64,
    pub(super) refunded_minor: i64,
}
