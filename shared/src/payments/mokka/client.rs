//! The calls to Mokka. A body is serialised once; those bytes are signed and those bytes are sent.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::multipart::{Form, Part};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::{Code, Error, Fault};
use super::signature::{Order, OrderSetting, Signer};
use super::types::{
    ChangeAnswer, ChangeRequest, Changed, Checkout, CheckoutRequest, FinishRequest, Limit, LimitAnswer, LimitClient,
    LimitRequest, NestedVerdict, OrderRef, Registration, RegistrationRequest, ReturnRequest, ScheduleAnswer, ScheduleRequest,
    Status, Tariff, Verdict,
};
use crate::platform::clock::Deadline;
use crate::platform::money::Money;
use crate::platform::outbound::{self, CallError, Http, System, Target};
use crate::platform::secret::Keys;
use crate::platform::wire;

/// A call that changes something gets this long: Mokka's answer is worth more than a quick "unknown".
const CHANGE_LIMIT: Duration = Duration::from_secs(5);
/// A question gets this long, twice.
const ASK_LIMIT: Duration = Duration::from_millis(2500);

/// How to reach Mokka.
#[derive(Debug)]
pub struct Settings {
    /// `https://r.revo.ru` or another host of theirs.
    pub base_url: Url,
    /// The store's number.
    pub store_id: u64,
    /// The store's secret key, and while it changes the other one.
    pub secret: Keys,
    /// The store of Registration and Limit, if it is another one.
    pub limits: Option<Store>,
    /// Where the secret goes in a signature.
    pub signature_order: OrderSetting,
}

/// A store in Mokka's books.
#[derive(Debug)]
pub struct Store {
    /// Its number.
    pub id: u64,
    /// Its secret key, and while it changes the other one.
    pub secret: Keys,
}

/// A client of Mokka's API Factoring.
#[derive(Debug)]
pub struct Client {
    http: Http,
    base_url: Url,
    store: Account,
    limits: Option<Account>,
}

/// A store and what signs for it.
#[derive(Debug)]
struct Account {
    id: u64,
    signer: Signer,
    /// What signs with the other secret, while the secret changes.
    next: Option<Signer>,
    /// Whether Mokka was last found to take that one.
    takes_next: AtomicBool,
}

impl Account {
    fn new(id: u64, secret: &Keys, order: OrderSetting) -> Self {
        let next = secret.next().map(|next| Signer::new(next.clone(), order));
        let signer = Signer::new(secret.current().clone(), order);
        Self { id, signer, next, takes_next: AtomicBool::default() }
    }

    /// What to sign with, and what if that is refused.
    fn signers(&self, takes_next: bool) -> (&Signer, Option<&Signer>) {
        match &self.next {
            Some(next) if takes_next => (next, Some(&self.signer)),
            next => (&self.signer, next.as_ref()),
        }
    }

    /// Whether one of the secrets has signed this; both are always tried.
    fn verify(&self, body: &[u8], signature: &str) -> bool {
        let current = self.signer.verify(body, signature);
        let next = self.next.as_ref().is_some_and(|next| next.verify(body, signature));
        current | next
    }
}

/// A call as it is signed and sent, maybe more than once.
struct Call<'a> {
    method: &'static Method,
    store: &'a Account,
    body: &'a str,
    /// A PDF that goes with it.
    document: Option<&'a [u8]>,
}

/// One of the nine methods.
struct Method {
    name: &'static str,
    path: &'static str,
    /// Whether it only asks, so that it may be sent a second time when no answer comes.
    asks: bool,
}

impl Method {
    const fn asks(name: &'static str, path: &'static str) -> Self {
        Self { name, path, asks: true }
    }

    const fn changes(name: &'static str, path: &'static str) -> Self {
        Self { name, path, asks: false }
    }

    fn limit(&self) -> Duration {
        if self.asks { ASK_LIMIT } else { CHANGE_LIMIT }
    }
}

static REGISTRATION: Method = Method::changes("registration", "factoring/v1/limit/auth");
static LIMIT: Method = Method::asks("limit", "api/external/v1/client/limit");
static CHECKOUT: Method = Method::changes("checkout", "factoring/v1/precheck/auth");
static SCHEDULE: Method = Method::asks("schedule", "factoring/v1/schedule");
static STATUS: Method = Method::asks("status", "factoring/v1/status");
static CHANGE: Method = Method::changes("change", "factoring/v1/precheck/change");
static CANCEL: Method = Method::changes("cancel", "factoring/v1/precheck/cancel");
static FINISH: Method = Method::changes("finish", "factoring/v1/precheck/finish");
static RETURN: Method = Method::changes("return", "factoring/v1/return");

impl Client {
    /// A client over the shared HTTP client.
    #[must_use]
    pub fn new(http: Http, settings: Settings) -> Self {
        let order = settings.signature_order;
        let store = Account::new(settings.store_id, &settings.secret, order);
        let limits = settings.limits.map(|store| Account::new(store.id, &store.secret, order));
        Self { http, base_url: settings.base_url, store, limits }
    }

    /// The store's number in Mokka's books.
    #[must_use]
    pub fn store_id(&self) -> u64 {
        self.store.id
    }

    /// Verifies the signature of Checkout's callback over its raw body.
    #[must_use]
    pub fn verify(&self, body: &[u8], signature: &str) -> bool {
        self.store.verify(body, signature)
    }

    /// Verifies the signature of Registration's callback over its raw body.
    #[must_use]
    pub fn verify_registration(&self, body: &[u8], signature: &str) -> bool {
        self.limits().verify(body, signature)
    }

    /// Registration: returns the page on which a customer gets a limit. Document "Registration".
    pub async fn registration(&self, request: &RegistrationRequest, deadline: Deadline) -> Result<Registration, Error> {
        self.call(&REGISTRATION, self.limits(), &json(request)?, deadline).await
    }

    /// The address of the form on which any customer gets a limit, without a call; `uid` is what Mokka names the shop there. Document
    /// "Registration", the simple way.
    #[must_use]
    pub fn limit_form(&self, uid: &str) -> Url {
        outbound::below(&self.base_url, &format!("iframe/v2/limit_form/{uid}"))
    }

    /// Limit: what the customer with this phone (ten digits) may spend. Document "Limit".
    pub async fn limit(&self, phone: &str, deadline: Deadline) -> Result<Limit, Error> {
        let body = json(&LimitRequest { client: LimitClient { mobile_phone: phone } })?;
        self.call(&LIMIT, self.limits(), &body, deadline).await
    }

    /// Checkout: registers the order and returns the customer's page. May be repeated with the same `order_id` until the
    /// order is finalised (22 after that). Document "Checkout".
    pub async fn checkout(&self, request: &CheckoutRequest, deadline: Deadline) -> Result<Checkout, Error> {
        self.call(&CHECKOUT, &self.store, &json(request)?, deadline).await
    }

    /// Schedule: the ways to pay an amount in instalments; none if no tariff suits it. Document "Schedule".
    pub async fn schedule(&self, amount: Money, deadline: Deadline) -> Result<Vec<Tariff>, Error> {
        let body = json(&ScheduleRequest { amount: amount.into() })?;
        self.call(&SCHEDULE, &self.store, &body, deadline).await
    }

    /// Status: what became of an order. Document "Status".
    pub async fn status(&self, order_id: &str, deadline: Deadline) -> Result<Status, Error> {
        self.call(&STATUS, &self.store, &json(&OrderRef { order_id })?, deadline).await
    }

    /// Change: sets amount, validity and cart of an order that is not finished. Document "Change".
    pub async fn change(&self, request: &ChangeRequest, deadline: Deadline) -> Result<Changed, Error> {
        self.call(&CHANGE, &self.store, &json(request)?, deadline).await
    }

    /// Cancel: lets a hold go. Document "Cancel".
    pub async fn cancel(&self, order_id: &str, deadline: Deadline) -> Result<(), Error> {
        self.call(&CANCEL, &self.store, &json(&OrderRef { order_id })?, deadline).await
    }

    /// Finish: captures the hold, handing over the fiscal document (PDF). Document "Finish".
    pub async fn finish(&self, request: &FinishRequest, document: &[u8], deadline: Deadline) -> Result<(), Error> {
        let body = json(request)?;
        self.make(&Call { method: &FINISH, store: &self.store, body: &body, document: Some(document) }, deadline).await
    }

    /// Return: gives back all or part of a finished order. Document "Return". Status shows only that everything was given
    /// back, so an unknown outcome of a part cannot be cleared up by asking.
    pub async fn refund(&self, request: &ReturnRequest, deadline: Deadline) -> Result<(), Error> {
        self.call(&RETURN, &self.store, &json(request)?, deadline).await
    }

    /// The store of Registration and Limit.
    fn limits(&self) -> &Account {
        self.limits.as_ref().unwrap_or(&self.store)
    }

    /// Calls a method without a document.
    async fn call<T: Answer>(
        &self,
        method: &'static Method,
        store: &Account,
        body: &str,
        deadline: Deadline,
    ) -> Result<T, Error> {
        self.make(&Call { method, store, body, document: None }, deadline).await
    }

    /// Makes a call; one that only asks is made a second time if no answer comes.
    async fn make<T: Answer>(&self, call: &Call<'_>, deadline: Deadline) -> Result<T, Error> {
        let method = call.method;
        let answer = match self.signed(call, deadline).await {
            Err(Error::NotSent(cause) | Error::Unavailable(cause)) if method.asks => {
                tracing::warn!(method = method.name, cause, "Mokka's answer did not come, asking once more");
                self.signed(call, deadline).await
            }
            other => other,
        };
        if let Err(Error::Refused { code, .. }) = &answer {
            let (fault, advice) = (code.fault(), code.advice());
            tracing::info!(method = method.name, code = code.number(), ?fault, advice, "Mokka refused the call");
        }
        answer
    }

    /// Signs with the secret that worked last, or if that is refused with the other one, while there is one.
    async fn signed<T: Answer>(&self, call: &Call<'_>, deadline: Deadline) -> Result<T, Error> {
        let takes_next = call.store.takes_next.load(Ordering::Relaxed);
        let (signer, other) = call.store.signers(takes_next);
        let first = self.signed_by(call, signer, other.is_some(), deadline).await;
        let (Err(Error::Refused { code: Code::SignatureWrong, .. }), Some(other)) = (&first, other) else {
            return first;
        };
        let second = self.signed_by(call, other, false, deadline).await;
        if is_signed_right(&second) {
            tracing::info!("Mokka takes the other secret now");
            // Not turned round: others may find the same at the same time.
            call.store.takes_next.store(!takes_next, Ordering::Relaxed);
        }
        second
    }

    /// Sends in the order of signature that worked last, or if that is refused in the other one. In a trial the other secret
    /// follows.
    async fn signed_by<T: Answer>(&self, call: &Call<'_>, signer: &Signer, trial: bool, deadline: Deadline) -> Result<T, Error> {
        let order = signer.order();
        let alternative = signer.alternative(order);
        let first = self.send(call, (signer, order), trial || alternative.is_some(), deadline).await;
        let (Err(Error::Refused { code: Code::SignatureWrong, .. }), Some(other)) = (&first, alternative) else {
            return first;
        };
        // 61 is a refusal before anything is done, so asking again in the other order is safe.
        let second = self.send(call, (signer, other), trial, deadline).await;
        if is_signed_right(&second) {
            tracing::warn!("Mokka takes the other signature order; set MOKKA_SIGNATURE_ORDER to it");
            signer.remember(other);
        }
        second
    }

    /// Sends once. In a trial a wrong signature is no fault: another one follows.
    async fn send<T: Answer>(
        &self,
        call: &Call<'_>,
        (signer, order): (&Signer, Order),
        trial: bool,
        deadline: Deadline,
    ) -> Result<T, Error> {
        let Call { method, store, body, document } = *call;
        let mut url = outbound::below(&self.base_url, method.path);
        url.query_pairs_mut()
            .append_pair("store_id", &store.id.to_string())
            .append_pair("signature", &signer.sign(body.as_bytes(), order));
        let request = self.http.post(url);
        let request = match document {
            None => {
                request.header(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8")).body(body.to_owned())
            }
            Some(pdf) => {
                let check = Part::bytes(pdf.to_vec()).file_name("check.pdf");
                let check = check.mime_str("application/pdf").map_err(|error| Error::NotSent(error.to_string()))?;
                request.multipart(Form::new().text("body", body.to_owned()).part("check", check))
            }
        };
        let target = Target { system: System::Mokka, method: method.name };
        let answer = self.http.send(target, request, method.limit(), deadline).await.map_err(|error| match error {
            CallError::NotSent(cause) => Error::NotSent(cause),
            CallError::NoAnswer(cause) => Error::Unavailable(cause),
        });
        let mut answer = answer?;
        let content = read(&answer);
        match &content {
            Ok(_) => answer.call.done(),
            Err(Error::Refused { code, .. }) if (trial && *code == Code::SignatureWrong) || is_business(*code) => {
                answer.call.refused();
            }
            Err(_) => {}
        }
        content
    }
}

/// A refusal of this order or at this time, while Mokka and our settings are as they should be.
fn is_business(code: Code) -> bool {
    match code.fault() {
        Fault::Customer | Fault::Shop | Fault::Ours => true,
        Fault::Configuration | Fault::Mokka => false,
    }
}

fn read<T: Answer>(answer: &outbound::Answer) -> Result<T, Error> {
    if answer.status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Error::Throttled);
    }
    if !answer.status.is_success() {
        return Err(Error::Unavailable(format!("HTTP {}", answer.status)));
    }
    let verdict = T::verdict(&answer.body)?;
    match verdict.status {
        0 => T::content(&answer.body),
        number => Err(Error::refused(number, verdict.message.0.as_deref().unwrap_or_default())),
    }
}

/// Whether Mokka has looked further than the signature.
fn is_signed_right<T>(answer: &Result<T, Error>) -> bool {
    match answer {
        Ok(_) => true,
        Err(Error::Refused { code, .. }) => *code != Code::SignatureWrong,
        Err(Error::NotSent(_) | Error::Unavailable(_) | Error::Throttled) => false,
    }
}

/// What a method answers, and where its verdict is.
trait Answer: Sized {
    fn verdict(body: &[u8]) -> Result<Verdict, Error> {
        parse(body)
    }

    /// What comes with a verdict of 0.
    fn content(body: &[u8]) -> Result<Self, Error>;
}

impl Answer for Registration {
    fn content(body: &[u8]) -> Result<Self, Error> {
        parse(body)
    }
}

impl Answer for Limit {
    /// Nested in `meta`; what fails before Limit itself is reached may not nest it.
    fn verdict(body: &[u8]) -> Result<Verdict, Error> {
        parse(body).map(|nested: NestedVerdict| nested.meta).or_else(|_| parse(body))
    }

    fn content(body: &[u8]) -> Result<Self, Error> {
        let answer: LimitAnswer = parse(body)?;
        answer.client.ok_or_else(|| Error::Unavailable("it says that it worked, but names no customer".to_owned()))
    }
}

impl Answer for Checkout {
    fn content(body: &[u8]) -> Result<Self, Error> {
        parse(body)
    }
}

impl Answer for Vec<Tariff> {
    fn content(body: &[u8]) -> Result<Self, Error> {
        let ScheduleAnswer { payment_schedule } = parse(body)?;
        let tariffs = payment_schedule.and_then(|list| list.0);
        let tariffs =
            tariffs.ok_or_else(|| Error::Unavailable("its payment_schedule is not the list that was expected".to_owned()))?;
        let asked = tariffs.len();
        let read: Self = tariffs.into_iter().filter_map(|tariff| tariff.0).collect();
        // None at all would mean that the amount suits no tariff.
        let all_lost = asked > 0 && read.is_empty();
        if all_lost { Err(Error::Unavailable("no tariff of its payment_schedule can be read".to_owned())) } else { Ok(read) }
    }
}

impl Answer for Status {
    fn content(body: &[u8]) -> Result<Self, Error> {
        parse(body)
    }
}

impl Answer for Changed {
    fn content(body: &[u8]) -> Result<Self, Error> {
        let answer: ChangeAnswer = parse(body).unwrap_or_default();
        Ok(Self { schedule: answer.schedule.0.unwrap_or_default() })
    }
}

/// Cancel, Finish and Return answer nothing beyond the verdict.
impl Answer for () {
    fn content(_body: &[u8]) -> Result<Self, Error> {
        Ok(())
    }
}

fn json<T: Serialize>(request: &T) -> Result<String, Error> {
    serde_json::to_string(request).map_err(|error| Error::NotSent(format!("the request cannot be written: {error}")))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    wire::object(body).map_err(Error::Unavailable)
}
