//! A payment and what can become of it.

use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use super::cards::{self, Card};
use super::confirmation::Confirmation;
use super::methods::YookassaMethod;
use super::refusal::Refusal;
use super::registration::OwnReceipt;
use super::setting::Setting;
use crate::money::Kopecks;
use crate::random;

/// How long a customer has to pay.
const TO_PAY: Duration = Duration::hours(1);
/// How long after its capture a payment can be given back.
const TO_REFUND: Duration = Duration::days(3 * 365);
/// A refund leaves nothing, or more than that.
const LEAST_REST: Kopecks = Kopecks(100);
const TOKEN: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Where a payment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody has paid, or the bank has not answered: the API says the same of both.
    Pending(Stage),
    Held,
    Succeeded,
    Canceled(Cancellation),
}

/// Where the customer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// At the page.
    Page,
    /// At the bank's page, to confirm.
    Confirming,
    /// Done: the bank has not answered yet. Such a payment has no end of its own.
    Processing,
}

/// Why there is no money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cancellation {
    pub(super) party: &'static str,
    pub(super) reason: String,
}

impl Cancellation {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { party: cards::party(&reason), reason }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Payment {
    pub(super) id: String,
    /// 32 capitals and digits: the address of its page ends so, and the code of its link has them.
    pub(super) token: String,
    pub(super) state: State,
    /// What the customer pays, and what is held.
    pub(super) amount: Kopecks,
    pub(super) captured: Option<Kopecks>,
    pub(super) refunded: Kopecks,
    /// What refunds are about to give back.
    pub(super) refunding: Kopecks,
    /// Whether money is taken as soon as it is there.
    pub(super) capture: bool,
    pub(super) description: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) customer: Option<String>,
    pub(super) confirmation: Option<Confirmation>,
    /// The way to pay that the shop has chosen, if it has.
    pub(super) asked: Option<YookassaMethod>,
    /// The way to pay, once the shop or the customer has chosen it.
    pub(super) method: Option<YookassaMethod>,
    pub(super) card: Option<Card>,
    /// What the Faster Payments System calls the customer's payment.
    pub(super) sbp_operation: Option<String>,
    pub(super) confirmed_at_bank: bool,
    /// The receipt that came with it, or with its capture.
    pub(super) receipt: Option<OwnReceipt>,
    /// The ids of every receipt of it and of its refunds.
    pub(super) receipts: Vec<String>,
    pub(super) created_at: OffsetDateTime,
    pub(super) captured_at: Option<OffsetDateTime>,
    pub(super) expires_at: Option<OffsetDateTime>,
    /// What a test wants to be shown in place of what is so.
    pub(super) overrides: Map<String, Value>,
}

impl Payment {
    /// A payment of nobody yet.
    pub(super) fn new(amount: Kopecks, capture: bool, now: OffsetDateTime) -> Self {
        Self {
            id: random::uuid(),
            token: random::code(TOKEN, 32),
            state: State::Pending(Stage::Page),
            amount,
            captured: None,
            refunded: Kopecks(0),
            refunding: Kopecks(0),
            capture,
            description: None,
            metadata: Map::new(),
            customer: None,
            confirmation: None,
            asked: None,
            method: None,
            card: None,
            sbp_operation: None,
            confirmed_at_bank: false,
            receipt: None,
            receipts: Vec::new(),
            created_at: now,
            captured_at: None,
            expires_at: None,
            overrides: Map::new(),
        }
    }

    /// The ways in which the customer can pay it.
    pub(super) fn choice(&self, setting: &Setting<'_>) -> Vec<YookassaMethod> {
        match self.asked {
            Some(asked) => vec![asked],
            None => setting.choice(self.capture).filter(|method| self.amount <= method.most()).collect(),
        }
    }

    pub(super) fn is_pending(&self) -> bool {
        matches!(self.state, State::Pending(_))
    }

    /// When this payment ends by itself, as it stands.
    pub(super) fn ends_at(&self) -> Option<OffsetDateTime> {
        match &self.state {
            State::Pending(Stage::Page | Stage::Confirming) => Some(self.created_at + TO_PAY),
            State::Held => self.expires_at,
            State::Pending(Stage::Processing) | State::Succeeded | State::Canceled(_) => None,
        }
    }

    /// Its time is over.
    pub(super) fn end(&mut self) {
        let reason = if self.state == State::Held { "expired_on_capture" } else { "expired_on_confirmation" };
        self.cancel(reason);
    }

    /// The customer's money is there: held for `hold`, or taken.
    pub(super) fn pay(&mut self, hold: Option<Duration>, now: OffsetDateTime) {
        match self.method.get_or_insert(YookassaMethod::BankCard) {
            YookassaMethod::BankCard => {
                self.card.get_or_insert_with(Card::usual);
            }
            YookassaMethod::Sbp => self.sbp_operation = Some(random::token().to_uppercase()),
            YookassaMethod::YooMoney | YookassaMethod::SberPay | YookassaMethod::ApplePay => {}
        }
        match hold {
            Some(hold) => {
                self.state = State::Held;
                self.expires_at = Some(now + hold);
            }
            None => self.take(self.amount, now),
        }
    }

    fn take(&mut self, amount: Kopecks, now: OffsetDateTime) {
        self.state = State::Succeeded;
        self.captured = Some(amount);
        self.captured_at = Some(now);
        self.expires_at = None;
    }

    pub(super) fn cancel(&mut self, reason: impl Into<String>) {
        self.state = State::Canceled(Cancellation::new(reason));
        self.expires_at = None;
    }

    /// Takes a hold, or a part of it: the rest goes back.
    pub(super) fn capture(&mut self, amount: Option<Kopecks>, now: OffsetDateTime) -> Result<(), Refusal> {
        if self.state != State::Held {
            return Err(Refusal::invalid("Payment can not be captured in current status"));
        }
        let amount = amount.unwrap_or(self.amount);
        if amount > self.amount {
            return Err(Refusal::at("amount", "Illegal amount for capture"));
        }
        self.take(amount, now);
        Ok(())
    }

    /// Lets a hold go.
    pub(super) fn release(&mut self) -> Result<(), Refusal> {
        if self.state == State::Held {
            self.cancel("canceled_by_merchant");
            return Ok(());
        }
        let autocapture = self.capture && self.is_pending();
        Err(Refusal::invalid(if autocapture {
            "You can not cancel payment with autocapture"
        } else {
            "Payment can not be canceled in current status"
        }))
    }

    /// What can still be given back, with the refunds that are on their way taken off.
    pub(super) fn rest(&self) -> Kopecks {
        let taken = self.captured.unwrap_or(Kopecks(0));
        taken.minus(self.refunded).and_then(|rest| rest.minus(self.refunding)).unwrap_or(Kopecks(0))
    }

    fn refundable_in_time(&self, now: OffsetDateTime) -> bool {
        self.state == State::Succeeded && self.captured_at.is_some_and(|at| now < at + TO_REFUND)
    }

    pub(super) fn is_refundable(&self, now: OffsetDateTime) -> bool {
        self.refundable_in_time(now) && self.rest() > Kopecks(0)
    }

    /// Whether so much can be given back now.
    pub(super) fn check_refund(&self, amount: Kopecks, now: OffsetDateTime) -> Result<(), Refusal> {
        if !self.refundable_in_time(now) {
            return Err(Refusal::invalid("Payment can not be refunded in current status"));
        }
        let rest = self.rest();
        if rest == Kopecks(0) {
            return Err(Refusal::invalid("Payment is already completely refunded"));
        }
        match rest.minus(amount) {
            None => Err(Refusal::at("amount", "Refund sum exceeded")),
            Some(left) if left > Kopecks(0) && left <= LEAST_REST => {
                Err(Refusal::at("amount", "Remaining payment amount after refund must be greater than 1.00 RUB"))
            }
            Some(_) => Ok(()),
        }
    }

    /// What is announced of where it stands.
    pub(super) fn event(&self) -> Option<&'static str> {
        match &self.state {
            State::Pending(_) => None,
            State::Held => Some("payment.waiting_for_capture"),
            State::Succeeded => Some("payment.succeeded"),
            State::Canceled(_) => Some("payment.canceled"),
        }
    }
}
