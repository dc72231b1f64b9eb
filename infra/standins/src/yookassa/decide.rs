//! What the customer and the bank make of a payment, and what becomes of a refund that is pending.

use serde::Deserialize;
use serde_json::{Value, json};

use super::cards::GENERAL;
use super::methods::YookassaMethod;
use super::notices::Notice;
use super::payment::{Cancellation, Payment, Stage, State};
use super::records::RefundState;
use super::refund;
use super::registration::Registration;
use super::setting::Setting;
use super::shown;
use super::state::{Books, Yookassa};
use crate::error::{ControlError, list};

/// How a payment goes on, a pending refund ends, or a register answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardDecision {
    /// The customer has paid: one stage is captured, of two the first is held. A pending refund has succeeded, a receipt is registered.
    Paid,
    /// The money is held, whatever the payment wanted.
    Held,
    /// The payment is canceled for a reason of the API. A pending refund is canceled, and so is a receipt's registration.
    Declined,
    /// A card was declined, and the customer may take another.
    FailedTry,
    /// The customer is at the bank's page.
    #[serde(rename = "3ds")]
    ThreeDs,
    /// The bank has not answered yet: the payment stays pending, past its hour too.
    Processing,
    /// The customer's time to pay is over.
    Abandoned,
}

/// A decision, and how it is announced.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardOutcome {
    /// What happens.
    pub outcome: CardDecision,
    /// Whether the shop is notified.
    #[serde(default = "yes")]
    pub notify: bool,
    /// How often it is.
    #[serde(default = "once")]
    pub times: u32,
    /// Of what is declined: `insufficient_funds`, say. Texts that the API does not have are taken.
    pub reason: Option<String>,
    /// How the customer pays where the shop leaves it open; without it, in the first way that the page offers.
    pub method: Option<YookassaMethod>,
}

fn yes() -> bool {
    true
}

fn once() -> u32 {
    1
}

impl CardOutcome {
    /// Announced once.
    #[must_use]
    pub fn new(outcome: CardDecision) -> Self {
        Self { outcome, notify: true, times: 1, reason: None, method: None }
    }

    fn reason(&self) -> String {
        self.reason.clone().unwrap_or_else(|| GENERAL.to_owned())
    }

    fn check(&self) -> Result<(), ControlError> {
        if !(1..=100).contains(&self.times) {
            return Err(ControlError::field("times", "must be 1 to 100"));
        }
        if self.reason.is_some() && self.outcome != CardDecision::Declined {
            return Err(ControlError::field("reason", "only what is declined has one"));
        }
        Ok(())
    }
}

impl Yookassa {
    /// See [`crate::StandIns::decide_yookassa`].
    pub(crate) async fn decide(&self, id: &str, wish: &CardOutcome) -> Result<Value, ControlError> {
        wish.check()?;
        let times = if wish.notify { wish.times } else { 0 };
        let url = self.notification_url();
        let (object, notices) = self.with(|books, setting| {
            let (object, notice) = decided(books, setting, id, wish)?;
            let mut notices = Vec::new();
            for notice in notice.into_iter().flat_map(|notice| (0..times).map(move |_| notice.clone())) {
                // Without an address they wait for the test that brings them by hand.
                if url.is_some() {
                    notices.push(books.notices.take(notice));
                } else {
                    books.notices.queue(notice);
                }
            }
            Ok::<_, ControlError>((object, notices))
        })?;
        let mut answered = Vec::new();
        for notice in notices {
            answered.push(self.post(url.as_deref().unwrap_or_default(), notice).await);
        }
        Ok(json!({ "object": object, "notifications": answered }))
    }
}

/// What is decided keeps its state; only its notification is sent again.
fn decided(
    books: &mut Books,
    setting: &Setting<'_>,
    id: &str,
    wish: &CardOutcome,
) -> Result<(Value, Option<Notice>), ControlError> {
    if let Some(payment) = books.payments.find_mut(id) {
        let method = chosen(payment, wish, setting)?;
        check_sbp(method, &wish.outcome)?;
        if payment.is_pending() {
            let pays = matches!(wish.outcome, CardDecision::Paid | CardDecision::Held);
            if pays || wish.method.is_some() {
                payment.method = method;
            }
            decide_payment(payment, wish, setting);
        }
        let object = shown::payment(payment, setting);
        let notice = payment.event().map(|event| Notice::new(event, &object, setting.now));
        books.watch(id);
        return Ok((object, notice));
    }
    if wish.method.is_some() {
        return Err(ControlError::field("method", "only a customer chooses one, for a payment"));
    }
    if books.receipts.find(id).is_some() {
        return decide_receipt(books, setting, id, wish).map(|object| (object, None));
    }
    let state = match wish.outcome {
        CardDecision::Paid => RefundState::Succeeded,
        CardDecision::Declined => RefundState::Canceled(Cancellation { party: "yoo_money", reason: wish.reason() }),
        CardDecision::Held
        | CardDecision::FailedTry
        | CardDecision::ThreeDs
        | CardDecision::Processing
        | CardDecision::Abandoned => {
            let problem = "a refund is paid or declined";
            return Err(books
                .refunds
                .find(id)
                .map_or_else(|| ControlError::UnknownYookassa(id.to_owned()), |_| ControlError::field("outcome", problem)));
        }
    };
    refund::finish(books, setting, id, state);
    let refund = books.refunds.find(id).ok_or_else(|| ControlError::UnknownYookassa(id.to_owned()))?;
    Ok((shown::refund(refund), refund::notice(refund, setting.now)))
}

/// What the register says of a receipt whose money has moved. Nothing is announced of it.
fn decide_receipt(books: &mut Books, setting: &Setting<'_>, id: &str, wish: &CardOutcome) -> Result<Value, ControlError> {
    let said = match wish.outcome {
        CardDecision::Paid => Registration::Succeeded,
        CardDecision::Declined => Registration::Canceled,
        CardDecision::Held
        | CardDecision::FailedTry
        | CardDecision::ThreeDs
        | CardDecision::Processing
        | CardDecision::Abandoned => return Err(ControlError::field("outcome", "a receipt is paid or declined")),
    };
    if wish.reason.is_some() {
        return Err(ControlError::field("reason", "a receipt that the register declines has none"));
    }
    let unknown = || ControlError::UnknownYookassa(id.to_owned());
    if books.is_early(books.receipts.find(id).ok_or_else(unknown)?) {
        return Err(ControlError::field(
            "outcome",
            "the register hears of a receipt once its payment is captured or its refund made",
        ));
    }
    books.register(id, said, setting);
    books.receipts.find(id).map(|receipt| books.shown_receipt(receipt)).ok_or_else(unknown)
}

/// How a payment is paid: as the shop or the customer has chosen.
fn chosen(payment: &Payment, wish: &CardOutcome, setting: &Setting<'_>) -> Result<Option<YookassaMethod>, ControlError> {
    let choice = payment.choice(setting);
    match wish.method {
        Some(method) if choice.contains(&method) => Ok(Some(method)),
        Some(method) => {
            let offered = list(choice.into_iter().map(YookassaMethod::name));
            Err(ControlError::field(
                "method",
                format!("`{}` is none of what this payment's page offers: {offered}", method.name()),
            ))
        }
        None => Ok(payment.method.or_else(|| choice.first().copied())),
    }
}

/// What SBP does not know.
fn check_sbp(method: Option<YookassaMethod>, outcome: &CardDecision) -> Result<(), ControlError> {
    if method != Some(YookassaMethod::Sbp) {
        return Ok(());
    }
    match outcome {
        CardDecision::Paid | CardDecision::Declined | CardDecision::Processing | CardDecision::Abandoned => Ok(()),
        CardDecision::Held | CardDecision::FailedTry | CardDecision::ThreeDs => {
            let problem = "SBP has one stage and no card: a payment by it is paid, declined, processing or abandoned";
            Err(ControlError::field("outcome", problem))
        }
    }
}

fn decide_payment(payment: &mut Payment, wish: &CardOutcome, setting: &Setting<'_>) {
    let hold = setting.hold();
    match wish.outcome {
        CardDecision::Paid => payment.pay((!payment.capture).then_some(hold), setting.now),
        CardDecision::Held => payment.pay(Some(hold), setting.now),
        CardDecision::Declined => payment.cancel(wish.reason()),
        CardDecision::FailedTry => payment.state = State::Pending(Stage::Page),
        CardDecision::ThreeDs => payment.state = State::Pending(Stage::Confirming),
        CardDecision::Processing => payment.state = State::Pending(Stage::Processing),
        CardDecision::Abandoned => payment.end(),
    }
}
