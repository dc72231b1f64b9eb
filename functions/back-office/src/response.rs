//! What goes out: payments and orders as JSON, amounts as strings with two decimals, moments in RFC 3339; and which status
//! stands for which outcome of a command.

use lambda_http::{Body, Response};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use shared::payments::explain::{Action, Explanation, ProviderView, explain};
use shared::payments::gateway::yookassa;
use shared::payments::mokka::{Code, Error};
use shared::payments::payment::{
    self, Channel, CommandRefusal, Line, Order, Payment, PaymentAction, PaymentMeans, ProviderReport, RefundStatus,
    ReportedState, Step,
};
use shared::payments::settle::CommandOutcome;
use shared::platform::clock::Timestamp;
use shared::platform::http::{self, Failure, Status};
use shared::platform::ids::{ItemId, OrderId};
use shared::platform::money::{Currency, Money, Quantity};

use crate::events::ShownEvent;
use crate::receipts::ShownReceipts;

/// The provider's refusals among the reasons of a payment.
const MOKKA: &str = "mokka:";

/// The answer of every route, as far as it has each field.
#[derive(Default, Serialize)]
pub(crate) struct Answer<'a> {
    pub(crate) success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment: Option<ShownPayment<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refund: Option<ShownRefund<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider_view: Option<View>,
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "they are fields of an answer")]
pub(crate) struct ShownPayment<'a> {
    payment_id: &'a str,
    order_id: &'a str,
    order_uuid: &'a str,
    attempt: u32,
    method: &'a str,
    provider: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    means: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<&'a str>,
    state: &'static str,
    amount: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    prepayment: Option<String>,
    currency: &'static str,
    refunded: String,
    unknown: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mismatch: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusals: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sbp_payload: Option<&'a str>,
    valid_till: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_until: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lost: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    second_payment: Option<&'a str>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    captured_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipts: Option<ShownReceipts<'a>>,
    refunds: Vec<ShownRefund<'a>>,
    told: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    untold: Vec<ShownMessage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_check_at: Option<String>,
    attention: bool,
    explain: ShownExplanation,
    history: Vec<ShownStep<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<ShownEvent>>,
}

/// What the fields beside it come to, in words.
#[derive(Serialize)]
struct ShownExplanation {
    code: &'static str,
    text: String,
    customer_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_look: Option<String>,
    actions: Vec<&'static str>,
}

/// Why something was not done.
#[derive(Serialize)]
struct Reason<'a> {
    code: &'a str,
    text: &'a str,
}

/// Money given back, or being given back; numbered from 1.
#[derive(Serialize)]
pub(crate) struct ShownRefund<'a> {
    refund: usize,
    amount: String,
    status: &'static str,
    by: &'a str,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_for: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason<'a>>,
}

/// A message that one of IMSHOP's addresses has not taken, and that the ones after it wait for.
#[derive(Serialize)]
struct ShownMessage {
    message: usize,
    address: &'static str,
    says: &'static str,
}

#[derive(Serialize)]
struct ShownStep<'a> {
    at: String,
    state: &'a str,
    by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
}

impl<'a> ShownPayment<'a> {
    pub(crate) fn of(payment: &'a Payment, view: ProviderView<'_>, now: Timestamp) -> Self {
        let (payment_url, sbp_payload) = match &payment.action {
            Some(PaymentAction::Page(url)) => (Some(url.as_str()), None),
            Some(PaymentAction::Sbp(link)) => (None, Some(link.as_str())),
            None => (None, None),
        };
        Self {
            payment_id: payment.id.as_str(),
            order_id: payment.order_id.as_str(),
            order_uuid: payment.order_uuid.as_str(),
            attempt: payment.attempt,
            method: payment.method.as_str(),
            provider: payment.provider.as_str(),
            means: Some(payment.means).filter(|means| *means != PaymentMeans::Card).map(PaymentMeans::name),
            provider_id: payment.provider_id.as_deref(),
            state: payment.state.name(),
            amount: payment.amount.decimal(),
            prepayment: payment.prepayment().map(Money::decimal),
            currency: payment.amount.currency().code(),
            refunded: payment.refunded().decimal(),
            unknown: payment.unknown,
            mismatch: payment.mismatch.as_deref(),
            intent: payment.intent.as_ref().map(payment::Intent::name),
            refusals: (payment.refusals > 0).then_some(payment.refusals),
            reason: payment.reason.as_ref().map(Reason::of),
            payment_url,
            sbp_payload,
            valid_till: payment.valid_till.rfc3339(),
            hold_until: payment.hold_until.map(Timestamp::rfc3339),
            lost: payment.lost,
            second_payment: payment.second_payment.as_deref(),
            created_at: payment.created_at.rfc3339(),
            captured_at: payment.captured_at.map(Timestamp::rfc3339),
            check_number: payment.fiscal_receipt.as_ref().and_then(|receipt| receipt.number.as_deref()),
            check_link: payment.fiscal_receipt.as_ref().and_then(|receipt| receipt.link.as_deref()),
            receipts: ShownReceipts::of(payment),
            refunds: payment.refunds.iter().enumerate().map(|(index, refund)| ShownRefund::of(index, refund)).collect(),
            told: !payment.has_unpublished_status(),
            untold: Channel::IMSHOP.into_iter().filter_map(|channel| ShownMessage::of(payment, channel)).collect(),
            next_check_at: payment.poll.next_at.map(Timestamp::rfc3339),
            attention: payment.poll.manual_review,
            explain: ShownExplanation::of(explain(payment, view, now)),
            history: payment.history.iter().map(ShownStep::of).collect(),
            events: None,
        }
    }

    /// The same with what the shop heard of it.
    pub(crate) fn with_events(payment: &'a Payment, now: Timestamp) -> Self {
        let shown = Self::of(payment, ProviderView::NotAsked, now);
        Self { events: Some(ShownEvent::all(payment)), receipts: ShownReceipts::with_lines(payment), ..shown }
    }
}

impl ShownExplanation {
    fn of(Explanation { situation, text, customer_text, next_look, actions }: Explanation) -> Self {
        Self {
            code: situation.code(),
            text,
            customer_text,
            next_look: next_look.map(Timestamp::rfc3339),
            actions: actions.into_iter().map(Action::name).collect(),
        }
    }
}

impl<'a> ShownRefund<'a> {
    pub(crate) fn of(index: usize, refund: &'a payment::Refund) -> Self {
        let reason = match &refund.status {
            RefundStatus::Refused(reason) => Some(Reason::of(reason)),
            RefundStatus::AwaitsApproval
            | RefundStatus::Scheduled
            | RefundStatus::Waiting
            | RefundStatus::Pending
            | RefundStatus::Made
            | RefundStatus::Withdrawn => None,
        };
        Self {
            refund: index + 1,
            amount: refund.amount.decimal(),
            status: refund.status.name(),
            by: &refund.by,
            at: refund.at.rfc3339(),
            ended_at: refund.ended_at.map(Timestamp::rfc3339),
            scheduled_for: refund.scheduled_for.map(Timestamp::rfc3339),
            approved_by: refund.approval.as_ref().map(|approval| approval.by.as_str()),
            approved_at: refund.approval.as_ref().map(|approval| approval.at.rfc3339()),
            refund_reason: refund.grounds.reason.map(payment::RefundReason::name),
            note: refund.grounds.note.as_deref(),
            reason,
        }
    }
}

impl<'a> Reason<'a> {
    /// A provider's refusal with what to do about it; the text that is stored is the customer's.
    fn of(reason: &'a payment::Reason) -> Self {
        Self { code: &reason.code, text: advice(&reason.code).unwrap_or(&reason.text) }
    }
}

/// What to do about a provider's refusal; nothing for a word of ours.
fn advice(code: &str) -> Option<&'static str> {
    match code.split_once(':')? {
        ("mokka", number) => Some(Code::from_number(number.parse().ok()?).advice()),
        ("yookassa", reason) => Some(yookassa::advice(reason)),
        _ => None,
    }
}

impl ShownMessage {
    fn of(payment: &Payment, channel: Channel) -> Option<Self> {
        let (number, message) = payment.next_message(channel).filter(|_| payment.outbox.of(channel).failures > 0)?;
        Some(Self { message: number, address: channel.name(), says: message.name() })
    }
}

impl<'a> ShownStep<'a> {
    fn of(step: &'a Step) -> Self {
        Self { at: step.at.rfc3339(), state: &step.state, by: &step.by, action: step.action.as_deref() }
    }
}

#[derive(Serialize)]
pub(crate) struct ShownOrder<'a> {
    order_id: &'a str,
    order_uuid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    /// When the order forgets its customer, unless an attempt is open then.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_until: Option<String>,
    items: Vec<ShownLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_price: Option<String>,
    attempts: u32,
}

#[derive(Serialize)]
struct ShownLine<'a> {
    name: &'a str,
    #[serde(serialize_with = "number")]
    quantity: Quantity,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtotal: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn number<S: Serializer>(quantity: &Quantity, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(quantity.to_string()).map_err(serde::ser::Error::custom)?.serialize(serializer)
}

impl<'a> ShownOrder<'a> {
    pub(crate) fn of(order: &'a Order) -> Self {
        Self {
            order_id: order.id.as_str(),
            order_uuid: order.uuid.as_str(),
            public_id: order.public_id.as_ref().map(OrderId::as_str),
            amount: order.amount.map(Money::decimal),
            currency: order.currency.map(Currency::code),
            name: order.name.as_deref(),
            phone: order.phone.as_ref().map(|phone| format!("+{}", phone.digits())),
            email: order.email.as_deref(),
            customer_until: order.person_until.map(Timestamp::rfc3339),
            items: order.lines.iter().map(ShownLine::of).collect(),
            delivery_price: order.delivery.map(Money::decimal),
            attempts: order.attempts,
        }
    }
}

impl<'a> ShownLine<'a> {
    fn of(line: &'a Line) -> Self {
        Self {
            name: &line.name,
            quantity: line.quantity,
            sku: line.sku.as_ref().map(ItemId::as_str),
            price: line.price.map(Money::decimal),
            subtotal: line.subtotal.map(Money::decimal),
        }
    }
}

/// What the provider says of a payment now, in its own words.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum View {
    Said {
        state: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        amount: Option<String>,
    },
    Unavailable {
        error: &'static str,
    },
}

impl View {
    pub(crate) fn of(report: Option<ProviderReport>) -> Self {
        let Some(report) = report else { return Self::Unavailable { error: "unavailable" } };
        let state = match report.state {
            ReportedState::Unregistered => "unregistered".to_owned(),
            ReportedState::Pending => "pending".to_owned(),
            ReportedState::Processing => "processing".to_owned(),
            ReportedState::Held => "hold".to_owned(),
            ReportedState::Captured => "finished".to_owned(),
            ReportedState::Refunded => "refunded".to_owned(),
            ReportedState::Declined => "declined".to_owned(),
            ReportedState::Canceled => "canceled".to_owned(),
            ReportedState::Expired => "expired".to_owned(),
            ReportedState::Unrecognised(state) => state,
        };
        let sums = report.sums.and_then(|sums| sums.captured.or(sums.held));
        Self::Said { state, amount: report.amount.or(sums).map(Money::decimal) }
    }
}

/// The code of an answer whose provider could not be asked.
const UNAVAILABLE: &str = "provider_unavailable";
const UNAVAILABLE_TEXT: &str = "the provider could not be asked, and nothing was done; try again in a minute";

/// How a command came out, with the refund of that key if it was one.
pub(crate) fn operated(outcome: &CommandOutcome, refund_key: Option<&str>, now: Timestamp) -> Result<Response<Body>, Failure> {
    let view = match outcome {
        CommandOutcome::Unavailable(_) => ProviderView::Unavailable,
        CommandOutcome::Done(_)
        | CommandOutcome::Scheduled(_)
        | CommandOutcome::AwaitsApproval(_)
        | CommandOutcome::Unknown(_)
        | CommandOutcome::Forbidden(..)
        | CommandOutcome::Refused(..) => ProviderView::NotAsked,
    };
    let of = |payment, status, rest: Answer<'_>| {
        http::json(status, &with_payment(rest, ShownPayment::of(payment, view, now), refund_of(payment, refund_key)))
    };
    let failed = |code, error| Answer { code: Some(code), error: Some(error), ..Answer::default() };
    match outcome {
        CommandOutcome::Done(payment) => of(payment, Status::Ok, Answer { success: true, ..Answer::default() }),
        CommandOutcome::Scheduled(payment) => {
            of(payment, Status::Accepted, Answer { success: true, outcome: Some("scheduled"), ..Answer::default() })
        }
        CommandOutcome::AwaitsApproval(payment) => {
            of(payment, Status::Accepted, Answer { success: true, outcome: Some("awaits_approval"), ..Answer::default() })
        }
        CommandOutcome::Unknown(payment) => {
            of(payment, Status::Accepted, Answer { success: true, outcome: Some("unknown"), ..Answer::default() })
        }
        CommandOutcome::Forbidden(payment, refusal) => forbidden(payment, refusal, refund_key, now),
        CommandOutcome::Refused(payment, reason) => match advice(&reason.code) {
            Some(advice) => {
                let provider_code = Some(reason.code.as_str());
                let refused = failed("provider_refused", format!("the provider refused, and nothing was done: {advice}"));
                of(payment, Status::BadGateway, Answer { provider_code, ..refused })
            }
            None if reason.text.is_empty() => {
                let error = format!("it was not done: the payment is {}", payment.state.name());
                of(payment, Status::Conflict, failed("not_done", error))
            }
            None => of(payment, Status::Conflict, failed(&reason.code, reason.text.clone())),
        },
        CommandOutcome::Unavailable(payment) => {
            of(payment, Status::Unavailable, failed(UNAVAILABLE, UNAVAILABLE_TEXT.to_owned()))
        }
    }
}

/// The state of things forbids it.
pub(crate) fn forbidden(
    payment: &Payment,
    refusal: &CommandRefusal,
    refund_key: Option<&str>,
    now: Timestamp,
) -> Result<Response<Body>, Failure> {
    let answer = Answer { code: Some(refusal.code()), error: Some(refusal.to_string()), ..Answer::default() };
    let shown = ShownPayment::of(payment, ProviderView::NotAsked, now);
    http::json(Status::Conflict, &with_payment(answer, shown, refund_of(payment, refund_key)))
}

fn with_payment<'a>(answer: Answer<'a>, payment: ShownPayment<'a>, refund: Option<ShownRefund<'a>>) -> Answer<'a> {
    Answer { payment: Some(payment), refund, ..answer }
}

fn refund_of<'a>(payment: &'a Payment, key: Option<&str>) -> Option<ShownRefund<'a>> {
    payment.refund_with_key(key?).map(|(index, refund)| ShownRefund::of(index, refund))
}

/// A payment, beside what the provider says of it now.
pub(crate) fn viewed(
    status: Status,
    payment: &Payment,
    report: Option<ProviderReport>,
    now: Timestamp,
) -> Result<Response<Body>, Failure> {
    let outcome = (status == Status::Accepted).then_some("unknown");
    let shown = ShownPayment::of(payment, ProviderView::of(report.as_ref()), now);
    let answer = Answer { success: true, outcome, provider_view: Some(View::of(report)), ..Answer::default() };
    http::json(status, &with_payment(answer, shown, None))
}

/// A question that the provider did not answer.
pub(crate) fn unavailable(payment: &Payment, now: Timestamp) -> Result<Response<Body>, Failure> {
    operated(&CommandOutcome::Unavailable(payment.clone()), None, now)
}

/// A call that has nothing to do with a payment failed.
pub(crate) fn provider_failed(error: &Error) -> Result<Response<Body>, Failure> {
    match error {
        Error::Refused { code, .. } => {
            let provider_code = format!("{MOKKA}{code}");
            let text = format!("the provider refused: {}", code.advice());
            let code = Some("provider_refused");
            let answer = Answer { code, provider_code: Some(&provider_code), error: Some(text), ..Answer::default() };
            http::json(Status::BadGateway, &answer)
        }
        Error::NotSent(_) | Error::Unavailable(_) | Error::Throttled => {
            tracing::warn!(cause = %error, "Mokka could not be asked");
            let answer = Answer { code: Some(UNAVAILABLE), error: Some(UNAVAILABLE_TEXT.to_owned()), ..Answer::default() };
            http::json(Status::Unavailable, &answer)
        }
    }
}
