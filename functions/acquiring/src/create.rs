//! `create`: one live attempt for an order, however often it is asked.

use std::time::Duration;

use lambda_http::{Body, Response};
use shared::payments::gateway::{Call, Registration};
use shared::payments::imshop::acquiring::{Created, HowToPay, Request as Command};
use shared::payments::methods::{Facts, Method};
use shared::payments::payment::{Choice, Order, Payment, PaymentAction, Reason, Receipts, State, Trigger};
use shared::payments::settle::Settled;
use shared::payments::texts;
use shared::platform::clock::Deadline;
use shared::platform::dynamodb::RECORDING;
use shared::platform::http::{self, Failure, Inbound, Status, on_payment};
use shared::platform::ids::{OrderId, OrderUuid};
use shared::platform::money::Money;
use shared::platform::secret::{Purpose, sha256_hex};
use url::Url;

use crate::Deps;
use crate::fields::required;
use crate::landing::Landing;

/// The pauses between looks for an order that IMSHOP may be paying before it is recorded.
const ORDER_PAUSES: [Duration; 3] = [Duration::from_millis(150), Duration::from_millis(350), Duration::from_millis(700)];
/// How often one request may lose against others before it gives up.
const ROUNDS: u32 = 5;
/// 128 bits of hex.
const RETURN_TOKEN_LETTERS: usize = 32;

pub(crate) async fn create(deps: &Deps, inbound: &Inbound, command: Command) -> Result<Response<Body>, Failure> {
    let method_id = required(command.payment_method_id, "paymentMethodId")?;
    let order_uuid = required(command.order_uuid, "orderUuid")?;
    let order_id = required(command.order_id, "orderId")?;
    let return_url = command.return_url.0.filter(|url| !url.trim().is_empty() && may_be_a_link(url));
    let base = deps.public_base_url.as_ref().or(inbound.api_gateway_url());
    let base = base.ok_or_else(|| Failure::internal("PUBLIC_BASE_URL is not set and the event names no domain"))?;
    let method = deps.methods.find(&method_id).ok_or_else(|| Failure::business(texts::METHOD_UNKNOWN))?;
    let provider = method.provider.clone().ok_or_else(|| Failure::business(texts::METHOD_NOT_ONLINE))?;
    let order = order(deps, &order_uuid, &order_id).await?;
    let request = Attempt { deps, method, base, deadline: inbound.deadline() };
    let valid_for = deps.settler.gateways.get(&provider).valid_for().unwrap_or(deps.valid_for);
    let choice = Choice {
        method: method.id.clone(),
        provider,
        means: method.means,
        two_stage: method.two_stage,
        return_url: return_url.clone(),
        valid_till: deps.settler.clock.now().plus(valid_for),
    };
    let payment = Box::pin(request.open(order, choice)).await?;
    on_payment(&payment.id);
    answer(&payment, base, return_url.as_deref())
}

/// The page on which the app is opened again becomes a link: an address, and none that runs anything. Without one the customer can pay
/// all the same.
fn may_be_a_link(text: &str) -> bool {
    let scheme = Url::parse(text).map(|url| url.scheme().to_owned());
    let runs = ["javascript", "data", "vbscript", "blob", "file"];
    let may = scheme.is_ok_and(|scheme| !runs.contains(&scheme.as_str())) && text.len() <= 2000;
    if !may {
        tracing::warn!(bytes = text.len(), "a returnUrl that is no address of an app (like imshop://payment/failed) is left out");
    }
    may
}

/// The order, looked for a few times: the app may be quicker than the recording.
async fn order(deps: &Deps, uuid: &OrderUuid, id: &OrderId) -> Result<Order, Failure> {
    let mut pauses = ORDER_PAUSES.into_iter();
    let order = loop {
        if let Some(order) = deps.settler.orders.order(uuid).await.map_err(Failure::internal)? {
            break order;
        }
        let Some(pause) = pauses.next() else {
            tracing::warn!(order_uuid = %uuid, "payment asked for an order that is not recorded");
            return Err(Failure::business(texts::ORDER_UNKNOWN));
        };
        tokio::time::sleep(pause).await;
    };
    if order.is_called(id) { Ok(order) } else { Err(Failure::business(texts::ORDER_MISMATCH)) }
}

/// Refuses a way to pay that the shop's rules cannot have offered for this order, as far as its cart is known.
fn refuse_unless_offered(deps: &Deps, method: &Method, order: &Order) -> Result<(), Failure> {
    let carts = Facts::of_order(order, deps.currency, deps.methods.utc_offset());
    if carts.iter().any(|cart| method.could_be_offered(cart)) {
        return Ok(());
    }
    let mut unmet: Vec<_> = carts.iter().flat_map(|cart| method.when.iter().flat_map(|when| when.unmet(cart))).collect();
    unmet.sort_unstable();
    unmet.dedup();
    tracing::warn!(order_uuid = %order.uuid, method = %method.id, unmet = unmet.join(", "), "a way to pay that was not offered");
    Err(Failure::business(texts::METHOD_NOT_OFFERED))
}

struct Attempt<'a> {
    deps: &'a Deps,
    method: &'a Method,
    base: &'a Url,
    deadline: Deadline,
}

/// What to do with the order's latest attempt.
enum Found {
    /// It is live: answer with it.
    Live(Payment),
    /// It was not registered, or that is unknown: register it (again).
    Register(Payment),
    /// It failed: a new one may start.
    Over,
}

impl Attempt<'_> {
    async fn open(&self, order: Order, choice: Choice) -> Result<Payment, Failure> {
        let orders = &self.deps.settler.orders;
        let mut order = order;
        for _ in 0..ROUNDS {
            let latest = match &order.latest_payment {
                Some(id) => orders.payment(id).await.map_err(Failure::internal)?,
                None => None,
            };
            let leased = match latest {
                Some(payment) => match self.settle_latest(&order, payment, &choice).await? {
                    Found::Live(payment) => return Ok(payment),
                    Found::Register(payment) => {
                        let again = self.prepared(&order, self.registering_again(payment, &choice));
                        orders.save_payment(again.leased(self.deps.settler.clock.now())).await.map_err(Failure::internal)?
                    }
                    Found::Over => self.start(&order, &choice).await?,
                },
                None => self.start(&order, &choice).await?,
            };
            if let Some(payment) = leased {
                return self.register(&order, payment).await;
            }
            // Another request was quicker: what it wrote is what counts.
            let version = order.version;
            order = orders.order(&order.uuid).await.map_err(Failure::internal)?.unwrap_or(order);
            if order.version == version && order.latest_payment.is_none() {
                // The order did not change, so it is the payment's id that is taken: the shop gave two orders one id.
                tracing::error!(order_uuid = %order.uuid, "the order's id belongs to another order's payment");
                return Err(Failure::business(texts::ORDER_ID_TAKEN));
            }
        }
        Err(Failure::business(texts::PAYMENT_IN_PROGRESS))
    }

    async fn settle_latest(&self, order: &Order, payment: Payment, choice: &Choice) -> Result<Found, Failure> {
        on_payment(&payment.id);
        let is_other =
            payment.provider != choice.provider || payment.means != choice.means || payment.two_stage != choice.two_stage;
        if payment.state == State::Creating && payment.is_leased(self.deps.settler.clock.now()) {
            return match self.wait_for(payment).await? {
                Found::Live(payment) if is_other => self.give_up(order, payment, choice).await,
                found @ (Found::Live(_) | Found::Register(_) | Found::Over) => Ok(found),
            };
        }
        let settler = &self.deps.settler;
        let settled = settler.settle(payment, Trigger::Create, self.deadline).await.map_err(Failure::internal)?;
        let (payment, in_doubt) = match settled {
            Settled::Unregistered(payment) if is_other => return self.give_up(order, payment, choice).await,
            Settled::Unregistered(payment) => return Ok(Found::Register(payment)),
            Settled::Known(payment) => (payment, false),
            Settled::InDoubt(payment) => (payment, true),
        };
        if payment.mismatch.is_some() {
            return Err(Failure::business(texts::PAYMENT_MISMATCH));
        }
        match payment.state {
            State::Creating if is_other => self.give_up(order, payment, choice).await,
            State::Creating => Err(Failure::business(texts::PROVIDER_UNAVAILABLE)),
            // The customer has finished: what comes of it is waited for, whatever the clock says.
            State::Pending if payment.processing => Err(Failure::business(texts::PAYMENT_PROCESSING)),
            // The bank of a customer who paid at the last moment may not have answered: a hold that comes yet is let go, and money that is taken
            // at once has to be waited for.
            State::Pending if !self.ends_exactly(&payment) && settler.clock.now() >= payment.valid_till => {
                if payment.two_stage {
                    self.give_up(order, payment, choice).await
                } else {
                    Err(Failure::business(texts::PAYMENT_UNCERTAIN))
                }
            }
            // Its page is probably gone, and whether it was paid cannot be asked now, or the provider says that something happened and does
            // not show what.
            State::Pending if (in_doubt || payment.poll.hinted) && settler.clock.now() >= payment.valid_till => {
                Err(Failure::business(texts::PAYMENT_UNCERTAIN))
            }
            // Its page is dead, whatever the provider calls it: it ends here, and another one may start.
            State::Pending if settler.clock.now() >= payment.valid_till => {
                let expired = payment.moved(State::Expired, Trigger::Create, settler.clock.now());
                let saved = settler.orders.save_payment(expired).await.map_err(Failure::internal)?;
                saved.map(|_| Found::Over).ok_or_else(|| Failure::business(texts::PAYMENT_IN_PROGRESS))
            }
            State::Pending if is_other => self.give_up(order, payment, choice).await,
            State::Pending => Ok(Found::Live(payment)),
            State::Held if settler.gateways.hold_counts_as_paid(&payment) => Err(Failure::business(texts::ALREADY_PAID)),
            State::Held | State::Finishing => Err(Failure::business(texts::PAYMENT_PROCESSING)),
            State::Captured | State::PartiallyRefunded => Err(Failure::business(texts::ALREADY_PAID)),
            State::Refunded => Err(Failure::business(texts::REFUNDED)),
            // Before another attempt is opened, the provider must have confirmed that this one has no money.
            State::Declined | State::Canceled | State::Expired
                if in_doubt || payment.poll.hinted || payment.has_hold_to_let_go() =>
            {
                Err(Failure::business(texts::PAYMENT_UNCERTAIN))
            }
            State::Declined | State::Canceled | State::Expired => Ok(Found::Over),
        }
    }

    /// The customer has chosen another way to pay meanwhile. A hold that comes of the earlier attempt is let go, so that no customer pays twice;
    /// one that takes the money at once cannot be closed before its end.
    async fn give_up(&self, order: &Order, payment: Payment, choice: &Choice) -> Result<Found, Failure> {
        self.payable(order, choice)?;
        if !payment.two_stage && payment.action.is_some() {
            let until = payment.valid_till.utc().to_offset(self.deps.methods.utc_offset()).time();
            return Err(Failure::business(texts::other_method_until(until)));
        }
        let settler = &self.deps.settler;
        tracing::info!(provider = %payment.provider, "an attempt is given up for another way to pay");
        let withdrawn = payment.withdrawn(Trigger::Create, settler.clock.now());
        let saved = settler.orders.save_payment(withdrawn).await.map_err(Failure::internal)?;
        saved.map(|_| Found::Over).ok_or_else(|| Failure::business(texts::PAYMENT_IN_PROGRESS))
    }

    /// Another request is registering this attempt: its result is ours too, so that a double press makes one attempt.
    async fn wait_for(&self, payment: Payment) -> Result<Found, Failure> {
        let payment = self.deps.settler.wait_for_lease(payment, self.deadline).await.map_err(Failure::internal)?;
        match payment.state {
            State::Creating if payment.is_leased(self.deps.settler.clock.now()) => {
                Err(Failure::business(texts::PAYMENT_IN_PROGRESS))
            }
            State::Creating => Err(Failure::business(texts::PROVIDER_UNAVAILABLE)),
            State::Pending => Ok(Found::Live(payment)),
            State::Declined | State::Canceled | State::Expired => Err(Failure::business(failure_text(&payment))),
            State::Held | State::Finishing => Err(Failure::business(texts::PAYMENT_PROCESSING)),
            State::Captured | State::PartiallyRefunded | State::Refunded => Err(Failure::business(texts::ALREADY_PAID)),
        }
    }

    /// What an order costs, if it may be paid in this way.
    fn payable(&self, order: &Order, choice: &Choice) -> Result<Money, Failure> {
        refuse_unless_offered(self.deps, self.method, order)?;
        let amount = order.amount.ok_or_else(|| Failure::business(texts::ORDER_WITHOUT_AMOUNT))?;
        if amount.is_zero() {
            return Err(Failure::business(texts::NOTHING_TO_PAY));
        }
        if amount.currency() != self.deps.settler.gateways.get(&choice.provider).currency() {
            return Err(Failure::business(texts::CURRENCY_NOT_SUPPORTED));
        }
        Ok(amount)
    }

    fn ends_exactly(&self, payment: &Payment) -> bool {
        self.deps.settler.gateways.get(&payment.provider).abilities().ends_exactly
    }

    /// Records the intent of a new attempt. Nothing if another request was quicker. What is under way goes on whatever the rules
    /// have become; only a new attempt must be one that is offered.
    async fn start(&self, order: &Order, choice: &Choice) -> Result<Option<Payment>, Failure> {
        let amount = self.payable(order, choice)?;
        let mut payment = Payment::open(order, order.attempts + 1, amount, choice.clone(), self.deps.settler.clock.now());
        payment.receipts = self.receipts(order, &payment)?;
        payment.callback_token_hash = sha256_hex(&self.token(&payment));
        payment.return_token = Some(self.return_token(&payment));
        on_payment(&payment.id);
        let payment = self.prepared(order, payment);
        self.deps.settler.orders.open_payment(order, payment).await.map_err(Failure::internal)
    }

    /// What the gateway's fiscal receipts are made of. Without a receipt that the law wants no money is taken.
    fn receipts(&self, order: &Order, payment: &Payment) -> Result<Option<Receipts>, Failure> {
        let receipts = self.deps.settler.gateways.get(&payment.provider).receipts(order, payment.amount);
        receipts.map_err(|problem| {
            if problem.is_contact() {
                tracing::warn!(order_uuid = %order.uuid, %problem, "no fiscal receipt can be made, so the payment is not opened");
                return Failure::business(texts::RECEIPT_WITHOUT_CONTACT);
            }
            tracing::error!(order_uuid = %order.uuid, %problem, "no fiscal receipt can be made, so the payment is not opened");
            Failure::business(texts::METHOD_TEMPORARILY_OFF)
        })
    }

    /// An attempt that is not known at the provider, about to be registered. What was asked with an idempotence key is asked again as it was;
    /// otherwise the page known so far ends with this registration, whatever comes of it, and its end does not count: the customer has as
    /// long as anybody else.
    fn registering_again(&self, payment: Payment, choice: &Choice) -> Payment {
        if payment.operation.is_some() {
            return payment;
        }
        let callback_token_hash = sha256_hex(&self.token(&payment));
        Payment { action: None, callback_token_hash, valid_till: choice.valid_till, ..payment }
    }

    /// An attempt with its registration as it is sent each time.
    fn prepared(&self, order: &Order, payment: Payment) -> Payment {
        let gateway = self.deps.settler.gateways.get(&payment.provider);
        let urls = Landing::new(self.base, &payment).urls(&self.token(&payment));
        let call = Call::Register { order, urls: &urls };
        payment
            .with_operation(&call.name(), self.deps.settler.clock.now(), |payment, number| gateway.keyed(payment, &call, number))
    }

    /// Registers a leased attempt with its provider and records how that came out.
    async fn register(&self, order: &Order, payment: Payment) -> Result<Payment, Failure> {
        let urls = Landing::new(self.base, &payment).urls(&self.token(&payment));
        let gateway = self.deps.settler.gateways.get(&payment.provider);
        let outcome = gateway.register(order, &payment, &urls, self.deadline.before(RECORDING)).await;
        let now = self.deps.settler.clock.now();
        let (after, failure) = match outcome {
            Ok(Registration::Open { action, provider_id, valid_till }) => {
                tracing::info!(amount_minor = payment.amount.minor(), attempt = payment.attempt, "payment registered");
                let valid_till = valid_till.unwrap_or(payment.valid_till);
                let open = Payment { action: Some(action), provider_id, valid_till, ..payment };
                (open.moved(State::Pending, Trigger::Create, now), None)
            }
            Ok(Registration::WithoutAction(provider_id)) => {
                tracing::warn!("the payment is registered, and its page was not said");
                let known = Payment { provider_id: Some(provider_id), ..payment };
                (known.in_doubt(now), Some(texts::PROVIDER_UNAVAILABLE.to_owned()))
            }
            Ok(Registration::NotDone(text)) => (payment.postponed(now), Some(text.to_owned())),
            Ok(Registration::Refused(reason)) => {
                let Reason { text, .. } = reason.clone();
                (payment.refused(reason).moved(State::Declined, Trigger::Create, now), Some(text))
            }
            Err(cause) => {
                tracing::warn!(cause = %cause, "the registration had no clear answer");
                (payment.in_doubt(now), Some(texts::PROVIDER_UNAVAILABLE.to_owned()))
            }
        };
        let id = after.id.clone();
        let payment = match self.deps.settler.orders.save_payment(after).await.map_err(Failure::internal)? {
            Some(payment) => payment,
            // A callback outran us after the lease had ended: the customer's page is still the right answer, if there is one.
            None => self
                .deps
                .settler
                .orders
                .payment(&id)
                .await
                .map_err(Failure::internal)?
                .ok_or_else(|| Failure::internal("a payment vanished"))?,
        };
        match (failure, &payment.action) {
            (None, Some(_)) => Ok(payment),
            (None, None) => Err(Failure::business(texts::PAYMENT_IN_PROGRESS)),
            (Some(text), _) => Err(Failure::business(text)),
        }
    }

    /// The token in the path of the payment's callback: derived, so that a repeated registration names the same address, unless
    /// the internal secret is another one since.
    fn token(&self, payment: &Payment) -> String {
        self.deps.internal.digest(Purpose::CallbackToken, &[payment.id.as_str()])
    }

    /// The token of the customer's page. Kept as it is, because every answer about this attempt names it again.
    fn return_token(&self, payment: &Payment) -> String {
        let mut token = self.deps.internal.digest(Purpose::ReturnToken, &[payment.id.as_str()]);
        token.truncate(RETURN_TOKEN_LETTERS);
        token
    }
}

/// Why an attempt failed, for the customer.
pub(crate) fn failure_text(payment: &Payment) -> String {
    match (&payment.reason, payment.state) {
        (Some(reason), State::Declined) => reason.text.clone(),
        (_, State::Canceled) => texts::CANCELED.to_owned(),
        (_, State::Expired) => texts::EXPIRED.to_owned(),
        _ => texts::DECLINED.to_owned(),
    }
}

fn answer(payment: &Payment, base: &Url, return_url: Option<&str>) -> Result<Response<Body>, Failure> {
    let action = payment.action.as_ref().ok_or_else(|| Failure::business(texts::PAYMENT_IN_PROGRESS))?;
    let landing = Landing::new(base, payment);
    let how = match action {
        PaymentAction::Page(url) => HowToPay::Page {
            payment_url: url,
            success_regex: landing.success_regex(),
            failure_regex: landing.failure_regex(return_url),
        },
        PaymentAction::Sbp(payload) => HowToPay::Sbp { sbp_payload: payload },
    };
    http::json(Status::Ok, &Created { success: true, payment_id: payment.id.as_str(), how })
}
