//! YooKassa behind the gateway trait: the card page (reference "Card gateways", sections 1 and 3).

mod lost;
mod means;
mod metadata;
mod notification;
mod reading;
mod reasons;
mod receipt;
mod registered;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use serde::Serialize;

use super::configured::Configured;
use super::contract::{Abilities, Call, CardGateway, Delivered, Gateway, Notification, OwnPayment, Registration, Unknown, Urls};
use crate::payments::methods::{GatewaySection, ReceiptSection};
use crate::payments::payment::{
    Change, Intent, KeyedRequest, Order, Payment, Policy, ProviderOutcome, ProviderReport, Reason, ReceiptLines, ReceiptProblem,
    Receipts, Refund, ReportedRefund,
};
use crate::payments::texts;
use crate::payments::yookassa::types::{self, CaptureRequest, PaymentRequest, PaymentStatus, ReceiptRequest, RefundRequest};
use crate::payments::yookassa::{Cause, Client, Code, Error, Operation, Refusal, Settings};
use crate::platform::clock::{Clock, Deadline, Timestamp};
use crate::platform::money::{Currency, Money};
use crate::platform::outbound::{Http, System};
pub use reasons::advice;

use metadata::{INSTALLATION, ORDER_ID, PAYMENT_ID, REFUND};
use reading::{refund_record, report};

/// How long a customer has for the page (reference, 1.4).
const VALID_FOR: Duration = Duration::from_hours(1);
/// As many pages of a list as one look reads.
const MAX_PAGES: u32 = 5;
/// What the secret keys of test shops begin with.
const TEST_KEY: &str = "test_";
/// What a partial refund must leave more than, in kopecks.
const LEAST_REST: i64 = 100;
/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 128;

/// A shop's account at YooKassa.
#[derive(Debug)]
pub struct YookassaGateway {
    client: Client,
    clock: Clock,
    policy: Policy,
    sources: Vec<IpNet>,
    receipt: Option<ReceiptSection>,
    installation: String,
    is_test: bool,
}

impl YookassaGateway {
    /// A gateway as it is configured. With the key of a test shop no payment with real money is ours, and no test payment otherwise.
    #[must_use]
    pub fn new(configured: Configured, http: Http, clock: Clock) -> Self {
        let Configured { section, keys, installation, .. } = configured;
        let GatewaySection { shop_id, base_url, finish: policy, sources, receipt, .. } = section;
        let is_test = keys.current().expose().starts_with(TEST_KEY);
        let client = Client::new(http, Settings { base_url, shop_id, secret: keys });
        Self { client, clock, policy, sources, receipt, installation, is_test }
    }

    /// Our id of a payment of YooKassa's; nothing if it is another installation's, or the shop's own.
    fn payment_id<'a>(&self, payment: &'a types::Payment) -> Option<&'a str> {
        let metadata = payment.metadata.0.as_ref()?;
        let is_ours = metadata.get(INSTALLATION).is_some_and(|installation| *installation == self.installation);
        metadata.get(PAYMENT_ID).filter(|_| is_ours).map(String::as_str)
    }

    fn operation<T: Serialize>(&self, payment: &Payment, call: &Call<'_>, number: u32, request: &T) -> Option<KeyedRequest> {
        let made = Operation::new(&self.installation, payment.id.as_str(), &call.name(), number, request);
        made.ok().map(|Operation { key, body }| KeyedRequest { key, body })
    }

    /// The receipt of these lines, if one belongs to a call and the gateway makes receipts; `None` if it cannot be made.
    #[expect(clippy::option_option, reason = "no receipt is one thing, and none that can be made another")]
    fn receipt_request(&self, lines: Option<&ReceiptLines>, order: Option<&Order>) -> Option<Option<ReceiptRequest>> {
        let (Some(lines), Some(section)) = (lines, &self.receipt) else { return Some(None) };
        match receipt::request(section, lines, order?) {
            Ok(request) => Some(Some(request)),
            Err(problem) => {
                tracing::error!(%problem, "no fiscal receipt can be made for what is asked of YooKassa");
                None
            }
        }
    }

    fn metadata(&self, payment: &Payment) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            (PAYMENT_ID, payment.id.as_str().to_owned()),
            (ORDER_ID, payment.order_id.as_str().to_owned()),
            (INSTALLATION, self.installation.clone()),
        ])
    }

    fn report_of(&self, found: &types::Payment, payment: &Payment) -> ProviderReport {
        let conflict = self.conflict(found);
        let payment_id = self.payment_id(found).unwrap_or_default();
        ProviderReport { conflict, ..report(found, payment, payment_id) }
    }

    /// Money of another account, or none, is not ours whatever it says.
    fn conflict(&self, found: &types::Payment) -> Option<String> {
        let has_money = has_money(found);
        match found.recipient.0.as_ref().map(|recipient| recipient.account_id.as_str()) {
            Some(account) if account != self.client.shop_id() => {
                return Some(format!("the payment belongs to the account {account}"));
            }
            None if has_money => return Some("the provider does not say to which account the payment belongs".to_owned()),
            Some(_) | None => {}
        }
        match (found.test, self.is_test) {
            (None, _) if has_money => Some("the provider does not say whether real money moves".to_owned()),
            (Some(true), false) => Some("it is a test payment, in which no money moves".to_owned()),
            (Some(false), true) => Some("it is a payment with real money, and the key is a test shop's".to_owned()),
            (Some(true), true) | (Some(false), false) | (None, _) => None,
        }
    }

    /// How the refund under way stands. One that was accepted has an id; of one whose key cannot be repeated any more the list tells.
    async fn refund_of(&self, payment: &Payment, deadline: Deadline) -> Result<Option<ReportedRefund>, Unknown> {
        let Some(Intent::Refund(index)) = payment.intent else { return Ok(None) };
        let Some(refund) = payment.refunds.get(index) else { return Ok(None) };
        if let Some(id) = &refund.provider_id {
            let found = self.client.refund(id, deadline).await.map_err(|error| unknown("get_refund", &error))?;
            return Ok(refund_record(&found));
        }
        let Some(id) = payment.provider_id.as_deref().filter(|_| payment.is_key_expired(self.clock.now())) else {
            return Ok(None);
        };
        let mut cursor = None;
        for _ in 0..MAX_PAGES {
            let page = self.client.refunds(id, cursor.as_deref(), deadline).await;
            let page = page.map_err(|error| unknown("list_refunds", &error))?;
            let name = refund_name(index);
            let is_it = |found: &&types::Refund| {
                let said = found.metadata.0.as_ref().and_then(|metadata| metadata.get(REFUND));
                said.is_some_and(|said| *said == name)
            };
            if let Some(found) = page.items.iter().find(is_it) {
                return Ok(refund_record(found));
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(Some(ReportedRefund::Absent));
            }
        }
        Err(Unknown("YooKassa has too many refunds of this payment to look for one of unknown id".to_owned()))
    }
}

#[async_trait]
impl CardGateway for YookassaGateway {
    fn takes_from(&self, sender: IpAddr) -> bool {
        self.sources.iter().any(|source| source.contains(&sender))
    }

    fn notification(&self, body: &[u8]) -> Option<Notification> {
        notification::read(body)
    }

    async fn owner(&self, provider_id: &str, deadline: Deadline) -> Result<Option<OwnPayment>, Unknown> {
        let found = match self.client.payment(provider_id, deadline).await {
            Ok(found) => found,
            Err(Error::Refused(Refusal { code: Code::NotFound, .. })) => return Ok(None),
            Err(error) => return Err(unknown("get", &error)),
        };
        Ok(self.payment_id(&found).map(|payment_id| OwnPayment {
            payment_id: payment_id.to_owned(),
            amount: found.amount.money(),
            has_money: has_money(&found),
            conflict: self.conflict(&found),
        }))
    }
}

#[async_trait]
impl Gateway for YookassaGateway {
    async fn register(&self, _: &Order, payment: &Payment, _: &Urls, deadline: Deadline) -> Result<Registration, Unknown> {
        let operation = match stored(payment) {
            Ok(operation) => operation,
            Err(cause) => return Err(Unknown(cause)),
        };
        let created = match self.client.create_payment(&operation, deadline).await {
            Ok(created) => created,
            Err(Error::Refused(refusal)) if matches!(refusal.cause(), Cause::Configuration) => {
                misconfigured(payment, &refusal);
                return Ok(Registration::NotDone(texts::METHOD_TEMPORARILY_OFF));
            }
            Err(Error::Refused(refusal)) if refusal.cause() == Cause::KeyReused => {
                tracing::error!(%refusal, "YooKassa has the key of this registration with another body");
                return Err(Unknown(refusal.to_string()));
            }
            Err(Error::Refused(refusal)) => {
                tracing::error!(%refusal, "YooKassa does not take the registration");
                return Ok(Registration::Refused(reason(&refusal, texts::METHOD_TEMPORARILY_OFF)));
            }
            Err(error) => return Err(unknown("create", &error)),
        };
        let action = created.confirmation.0.as_ref().and_then(|confirmation| means::action(payment.means, confirmation));
        let is_open = created.status == PaymentStatus::Pending && self.conflict(&created).is_none();
        Ok(match action.filter(|_| is_open) {
            Some(action) => {
                let valid_till = created.created_at.0.map(|created_at| created_at.0.plus(VALID_FOR));
                Registration::Open { action, provider_id: Some(created.id), valid_till }
            }
            None => Registration::WithoutAction(created.id),
        })
    }

    async fn status(&self, payment: &Payment, deadline: Deadline) -> Result<ProviderReport, Unknown> {
        let Some(id) = &payment.provider_id else { return self.lost(payment, deadline).await };
        let found = match self.client.payment(id, deadline).await {
            Ok(found) => found,
            Err(Error::Refused(refusal)) => {
                misconfigured(payment, &refusal);
                return Err(Unknown(refusal.to_string()));
            }
            Err(error) => return Err(unknown("get", &error)),
        };
        let refund = self.refund_of(payment, deadline).await?;
        let receipt = self.receipts_of(&found, payment, deadline).await?;
        let second_receipt = self.second_receipt_of(id, payment, deadline).await?;
        Ok(ProviderReport { refund, receipt, second_receipt, ..self.report_of(&found, payment) })
    }

    fn keyed(&self, payment: &Payment, call: &Call<'_>, number: u32) -> Option<KeyedRequest> {
        match call {
            Call::Register { order, urls } => {
                let receipt = self.receipt_request(payment.receipts.as_ref().map(|receipts| &receipts.lines), Some(order))?;
                let description: String =
                    texts::order_as_goods(payment.order_id.as_str()).chars().take(MAX_DESCRIPTION).collect();
                let request = PaymentRequest {
                    amount: payment.amount.into(),
                    capture: !payment.two_stage,
                    confirmation: means::confirmation(payment.means, &urls.redirect),
                    payment_method_data: means::method(payment.means),
                    receipt,
                    description,
                    metadata: self.metadata(payment),
                };
                self.operation(payment, call, number, &request)
            }
            Call::Capture { order } => {
                let receipt = self.receipt_request(payment.receipt_due().as_ref(), *order)?;
                self.operation(payment, call, number, &CaptureRequest { amount: payment.amount.into(), receipt })
            }
            Call::Cancel => self.operation(payment, call, number, &serde_json::Map::new()),
            Call::Refund { index, order } => {
                let refund: &Refund = payment.refunds.get(*index)?;
                let mut metadata = self.metadata(payment);
                metadata.insert(REFUND, refund_name(*index));
                let payment_id = payment.provider_id.clone()?;
                let receipt = self.receipt_request(payment.receipt_due().as_ref(), *order)?;
                let amount = refund.amount.into();
                self.operation(payment, call, number, &RefundRequest { payment_id, amount, receipt, metadata })
            }
            Call::Receipt { order } => {
                let lines = payment.receipt_due()?;
                let request = receipt::second(self.receipt.as_ref()?, &lines, (*order)?, payment.provider_id.as_deref()?);
                self.operation(payment, call, number, &request.ok()?)
            }
        }
    }

    async fn capture(&self, payment: &Payment, _: Option<Delivered>, deadline: Deadline) -> Result<ProviderOutcome, Unknown> {
        let (id, operation) = match known(payment) {
            Ok(known) => known,
            Err(cause) => return Ok(ProviderOutcome::NotSent(cause)),
        };
        let answer = self.client.capture(id, &operation, deadline).await;
        outcome("capture", payment, answer, |captured| {
            // Of a payment that was captured in part, the amount may be what was held; the answer is to our own call.
            let may_be = [payment.amount, payment.registered()];
            let is_ours = captured.amount.money().is_some_and(|said| may_be.contains(&said));
            let is_done = captured.status == PaymentStatus::Succeeded && is_ours;
            is_done.then_some(ProviderOutcome::Done)
        })
    }

    async fn cancel(&self, payment: &Payment, deadline: Deadline) -> Result<ProviderOutcome, Unknown> {
        let (id, operation) = match known(payment) {
            Ok(known) => known,
            Err(cause) => return Ok(ProviderOutcome::NotSent(cause)),
        };
        let answer = self.client.cancel(id, &operation, deadline).await;
        outcome("cancel", payment, answer, |canceled| {
            (canceled.status == PaymentStatus::Canceled).then_some(ProviderOutcome::Done)
        })
    }

    /// A card's hold stays as it is: less is captured of it, and the rest goes back to the customer then.
    async fn change(&self, payment: &Payment, change: &Change, _: Deadline) -> Result<ProviderOutcome, Unknown> {
        if change.amount.minor() <= payment.registered().minor() {
            return Ok(ProviderOutcome::Done);
        }
        let code = "yookassa:above_hold".to_owned();
        Ok(ProviderOutcome::Refused(Reason { code, text: texts::PROVIDER_UNAVAILABLE.to_owned() }))
    }

    async fn receipt(&self, payment: &Payment, deadline: Deadline) -> Result<ProviderOutcome, Unknown> {
        let operation = match stored(payment) {
            Ok(operation) => operation,
            Err(cause) => return Ok(ProviderOutcome::NotSent(cause)),
        };
        let answer = self.client.create_receipt(&operation, deadline).await;
        outcome("receipt", payment, answer, |receipt| Some(ProviderOutcome::Accepted(receipt.id)))
    }

    fn receipts(&self, order: &Order, amount: Money) -> Result<Option<Receipts>, ReceiptProblem> {
        let Some(section) = &self.receipt else { return Ok(None) };
        let lines = ReceiptLines::of(order, amount)?;
        receipt::request(section, &lines, order)?;
        Ok(Some(Receipts::new(lines)))
    }

    fn receipt_problem(&self, lines: &ReceiptLines, order: &Order, is_second: bool) -> Option<ReceiptProblem> {
        let Some(section) = &self.receipt else { return is_second.then_some(ReceiptProblem::NoSecondReceipt) };
        if is_second { receipt::second(section, lines, order, "").err() } else { receipt::request(section, lines, order).err() }
    }

    async fn refund(&self, payment: &Payment, amount: Money, deadline: Deadline) -> Result<ProviderOutcome, Unknown> {
        let operation = match stored(payment) {
            Ok(operation) => operation,
            Err(cause) => return Ok(ProviderOutcome::NotSent(cause)),
        };
        let answer = self.client.create_refund(&operation, deadline).await;
        outcome("refund", payment, answer, |refund| {
            if refund.amount.money() != Some(amount) {
                return None;
            }
            match refund_record(&refund)? {
                ReportedRefund::Made => Some(ProviderOutcome::Done),
                ReportedRefund::Accepted(id) => Some(ProviderOutcome::Accepted(id)),
                ReportedRefund::Refused(reason) => Some(ProviderOutcome::Refused(reason)),
                ReportedRefund::Absent => None,
            }
        })
    }

    /// At once.
    fn partial_refund_from(&self, captured_at: Timestamp) -> Timestamp {
        captured_at
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            changes_hold: false,
            captures_parts: true,
            least_rest: Some(LEAST_REST),
            takes_documents: false,
            one_way_back: true,
            ends_exactly: false,
        }
    }

    fn policy(&self) -> Policy {
        self.policy
    }

    fn valid_for(&self) -> Option<Duration> {
        Some(VALID_FOR)
    }

    /// YooKassa says until when it holds the money.
    fn hold_for(&self) -> Duration {
        Duration::ZERO
    }

    fn system(&self) -> Option<System> {
        Some(System::Yookassa)
    }

    fn currency(&self) -> Currency {
        Currency::Rub
    }
}

/// Money is held or captured.
fn has_money(found: &types::Payment) -> bool {
    matches!(found.status, PaymentStatus::WaitingForCapture | PaymentStatus::Succeeded)
}

/// What a refund of ours is called in its metadata.
fn refund_name(index: usize) -> String {
    index.saturating_add(1).to_string()
}

/// The call as it was stored.
fn stored(payment: &Payment) -> Result<Operation, String> {
    let operation = payment.operation.as_ref().ok_or("no call to YooKassa is stored with the payment")?;
    let KeyedRequest { key, body } = operation.request.clone();
    Ok(Operation { key, body })
}

/// The same, with YooKassa's id of the payment.
fn known(payment: &Payment) -> Result<(&str, Operation), String> {
    let id = payment.provider_id.as_deref().ok_or("YooKassa's id of the payment is not known")?;
    Ok((id, stored(payment)?))
}

/// What came of a call that changes something. An answer that does not show what was asked for is none: the status tells.
fn outcome<T>(
    method: &'static str,
    payment: &Payment,
    answer: Result<T, Error>,
    done: impl FnOnce(T) -> Option<ProviderOutcome>,
) -> Result<ProviderOutcome, Unknown> {
    match answer {
        Ok(answer) => done(answer).ok_or_else(|| Unknown(format!("YooKassa's answer to {method} does not show that it is done"))),
        Err(Error::Refused(refusal)) => match refusal.cause() {
            // Nothing was done, and nothing is wrong with what was asked: it is asked again once that is mended.
            Cause::Configuration if refusal.code == Code::InvalidCredentials => {
                misconfigured(payment, &refusal);
                Ok(ProviderOutcome::NotSent(refusal.to_string()))
            }
            // The refusal stays under its key.
            Cause::Configuration => {
                misconfigured(payment, &refusal);
                Ok(ProviderOutcome::Refused(reason(&refusal, texts::PROVIDER_UNAVAILABLE)))
            }
            Cause::KeyReused => {
                tracing::error!(method, %refusal, "YooKassa has the key of this call with another body");
                Err(Unknown(refusal.to_string()))
            }
            Cause::State | Cause::Amount | Cause::Request => {
                Ok(ProviderOutcome::Refused(reason(&refusal, texts::PROVIDER_UNAVAILABLE)))
            }
        },
        Err(Error::NotSent(cause)) => Ok(ProviderOutcome::NotSent(cause)),
        Err(error @ Error::Throttled) => Ok(ProviderOutcome::NotSent(error.to_string())),
        Err(error @ Error::Unknown { .. }) => Err(Unknown(error.to_string())),
    }
}

fn reason(refusal: &Refusal, text: &str) -> Reason {
    Reason { code: format!("yookassa:{}", refusal.code), text: text.to_owned() }
}

fn misconfigured(payment: &Payment, refusal: &Refusal) {
    tracing::error!(gateway = %payment.provider, %refusal, "YooKassa does not accept the gateway's configuration: shop id, secret key or account");
}

fn unknown(method: &'static str, error: &Error) -> Unknown {
    Unknown(format!("{method}: {error}"))
}
