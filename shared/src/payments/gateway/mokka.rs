//! Mokka behind the gateway trait.

use std::time::Duration;

use async_trait::async_trait;

use super::contract::{Abilities, Call, Delivered, Gateway, Registration, Unknown, Urls, page};
use crate::payments::mokka::signature::OrderSetting;
use crate::payments::mokka::types::{
    AdditionalData, Amount, CartItem, ChangeRequest, Channel, Checkout, CheckoutOrder, CheckoutRequest, DeliveryInfo,
    FinishRequest, OrderStatus, Person, Price, ReturnRequest,
};
use crate::payments::mokka::{self, Client, Code, Error, Fault, Method, Settings, Store};
use crate::payments::payment::{
    Change, Fact, FullName, KeyedRequest, Line, LineTax, Order, Payment, Policy, ProviderOutcome, ProviderReport, Reason,
    ReportedState, fiscal_document,
};
use crate::payments::texts;
use crate::platform::clock::{Clock, Deadline, MOSCOW, Timestamp};
use crate::platform::env::Env;
use crate::platform::money::{Currency, Money, Quantity};
use crate::platform::outbound::{Http, System};

/// A hold that waits for the goods lives at least so long: the weekend.
const SHORTEST_HOLD_HOURS: u32 = 72;

#[derive(Debug)]
pub struct MokkaGateway {
    client: Client,
    clock: Clock,
    policy: Policy,
    hold_for: Duration,
    currency: Currency,
    seller: String,
}

impl MokkaGateway {
    /// Reads what [`client_from_env`] reads, `MOKKA_FINISH`, `MOKKA_HOLD_HOURS` (default 336), `MOKKA_CURRENCY` and `SHOP_NAME`.
    pub fn from_env(env: &mut Env, http: Http, clock: Clock) -> Option<Self> {
        let client = client_from_env(env, http);
        let policy = env.parsed_or("MOKKA_FINISH", Policy::OnHold, |text| match text {
            "on_hold" => Ok(Policy::OnHold),
            "on_shipment" => Ok(Policy::OnShipment),
            _ => Err("must be on_hold or on_shipment"),
        });
        let shortest = if policy == Some(Policy::OnShipment) { SHORTEST_HOLD_HOURS } else { 1 };
        let hold_hours = env.number_or("MOKKA_HOLD_HOURS", 336, shortest..=720);
        if env.optional("MOKKA_VALID_HOURS").is_some() {
            env.problem(
                "MOKKA_VALID_HOURS",
                "is two settings now: MOKKA_FORM_HOURS, how long the customer has for the form, and MOKKA_HOLD_HOURS, how long the money \
                 is held for goods that ship later",
            );
        }
        let currency = currency_from_env(env);
        let seller = env.required("SHOP_NAME");
        Some(Self {
            client: client?,
            clock,
            policy: policy?,
            hold_for: Duration::from_hours(hold_hours?.into()),
            currency: currency?,
            seller: seller?,
        })
    }

    /// Mokka's own methods, for what has nothing to do with a payment: Registration, Limit, Schedule.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Registers the order. A term that Mokka has no tariff for is the shop's idea of one: the customer chooses then.
    async fn checkout(&self, request: CheckoutRequest, deadline: Deadline) -> Result<Checkout, Error> {
        let answer = self.client.checkout(&request, deadline).await;
        let (Some(term), Err(Error::Refused { code: Code::TermWrong | Code::AmountOutsideTariff, .. })) =
            (request.current_order.term, &answer)
        else {
            return answer;
        };
        tracing::warn!(term, "Mokka has no tariff for the term of an order: it is asked without one");
        let current_order = CheckoutOrder { term: None, ..request.current_order };
        self.client.checkout(&CheckoutRequest { current_order, ..request }, deadline).await
    }

    /// Whether a callback's signature is right for its raw body.
    #[must_use]
    pub fn verify(&self, body: &[u8], signature: &str) -> bool {
        self.client.verify(body, signature)
    }
}

/// Reads `MOKKA_BASE_URL`, `MOKKA_STORE_ID`, `MOKKA_SECRET` and `MOKKA_SIGNATURE_ORDER`; `MOKKA_LIMIT_STORE_ID` and
/// `MOKKA_LIMIT_SECRET`, both or neither; while a secret changes, the other one in `…_NEXT`.
pub fn client_from_env(env: &mut Env, http: Http) -> Option<Client> {
    let base_url = env.url("MOKKA_BASE_URL");
    let store_id = env.parsed("MOKKA_STORE_ID", store_number);
    let secret = env.keys("MOKKA_SECRET");
    let signature_order = env.parsed_or("MOKKA_SIGNATURE_ORDER", OrderSetting::Auto, OrderSetting::parse);
    let limits = limit_store(env);
    let signature_order = signature_order?;
    let settings = Settings { base_url: base_url?, store_id: store_id?, secret: secret?, limits, signature_order };
    Some(Client::new(http, settings))
}

/// Reads `MOKKA_CURRENCY`, the currency of the shop's agreement with Mokka; roubles without it.
pub fn currency_from_env(env: &mut Env) -> Option<Currency> {
    env.currency_or("MOKKA_CURRENCY", Currency::Rub)
}

#[async_trait]
impl Gateway for MokkaGateway {
    async fn register(&self, order: &Order, payment: &Payment, urls: &Urls, deadline: Deadline) -> Result<Registration, Unknown> {
        // What Checkout calls the amount is the whole order: the prepayment may be at most as much (code 35).
        let whole = payment.with_prepayment(payment.amount);
        let prepayment_amount = payment.prepayment().filter(|_| !payment.is_prepaid_afterwards()).map(Amount::from);
        let current_order = CheckoutOrder::new(payment.id.as_str().to_owned(), whole.into(), payment.valid_till.into());
        let current_order = CheckoutOrder { term: order.known.term, prepayment_amount, ..current_order };
        let name = order.name.as_deref().and_then(FullName::told_apart);
        let request = CheckoutRequest {
            primary_phone: phone(order),
            primary_email: email(order),
            person: name.as_ref().map(person),
            delivery_info: delivery_info(order, name.as_ref()),
            additional_data: additional_data(order),
            cart_items: bill(order, whole),
            skip_result_page: true,
            ..CheckoutRequest::new(urls.callback.clone(), urls.redirect.clone(), current_order)
        };
        match self.checkout(request, deadline).await {
            Ok(checkout) => match page(&checkout.iframe_url) {
                Some(action) => Ok(Registration::Open { action, provider_id: None, valid_till: None }),
                None => Err(Unknown("Mokka's iframe_url is not an https URL".to_owned())),
            },
            Err(Error::Refused { code, message }) => match refusal(code) {
                Some(text) => {
                    tracing::warn!(code = code.number(), provider_message = message, "Mokka refused the checkout");
                    Ok(Registration::Refused(Reason { code: format!("mokka:{code}"), text: text.to_owned() }))
                }
                None => Err(Unknown(format!("Mokka answered the checkout with {code}: {message}"))),
            },
            Err(error @ (Error::NotSent(_) | Error::Unavailable(_) | Error::Throttled)) => Err(Unknown(error.to_string())),
        }
    }

    async fn status(&self, payment: &Payment, deadline: Deadline) -> Result<ProviderReport, Unknown> {
        match self.client.status(payment.id.as_str(), deadline).await {
            Ok(status) => {
                let order = status.current_order;
                let amount = order.amount.0.map(|amount| Money::new(amount, self.currency));
                Ok(ProviderReport { amount, ..ProviderReport::new(reported(order.status), order.order_id) })
            }
            Err(Error::Refused { code: Code::OrderNotFound, .. }) => {
                Ok(ProviderReport::new(ReportedState::Unregistered, payment.id.as_str()))
            }
            Err(error) => Err(Unknown(error.to_string())),
        }
    }

    /// Mokka knows no idempotence keys: its Status tells what was done.
    fn keyed(&self, _: &Payment, _: &Call<'_>, _: u32) -> Option<KeyedRequest> {
        None
    }

    async fn capture(
        &self,
        payment: &Payment,
        delivered: Option<Delivered>,
        deadline: Deadline,
    ) -> Result<ProviderOutcome, Unknown> {
        let Some(Delivered { order, document }) = delivered else {
            return Ok(ProviderOutcome::NotSent("a capture at Mokka needs the order".to_owned()));
        };
        let document = match document {
            Some(document) => document,
            None => fiscal_document::pdf(&order, payment, &self.seller, self.clock.now())
                .map_err(|error| Unknown(error.to_string()))?,
        };
        let receipt = payment.fiscal_receipt.clone().unwrap_or_default();
        let request = FinishRequest {
            order_id: payment.id.as_str().to_owned(),
            amount: payment.named(payment.amount, false).into(),
            check_number: receipt.number.unwrap_or_else(|| fiscal_document::number(&order, payment).to_owned()),
            check_link: receipt.link.or_else(|| order.check_link.clone()),
        };
        let mut answer = self.client.finish(&request, &document, deadline).await;
        let other = payment.named(payment.amount, true);
        if let Err(Error::Refused { code: Code::AmountDiffers, .. }) = &answer
            && other != payment.named(payment.amount, false)
        {
            tracing::warn!("Mokka names the amount of a prepaid order in Finish otherwise than in Status");
            answer = self.client.finish(&FinishRequest { amount: other.into(), ..request }, &document, deadline).await;
        }
        outcome(Method::Finish, answer)
    }

    async fn cancel(&self, payment: &Payment, deadline: Deadline) -> Result<ProviderOutcome, Unknown> {
        outcome(Method::Cancel, self.client.cancel(payment.id.as_str(), deadline).await)
    }

    async fn change(&self, payment: &Payment, change: &Change, deadline: Deadline) -> Result<ProviderOutcome, Unknown> {
        let mut cart_items: Vec<_> = change.lines.iter().filter_map(item).collect();
        if cart_items.is_empty() {
            // Mokka takes no change without goods, and the shop has named none.
            let price = Price::try_from(payment.with_prepayment(change.amount)).map_err(|error| Unknown(error.to_string()))?;
            let order = CartItem::new(texts::order_as_goods(payment.order_id.as_str()), price);
            cart_items.push(CartItem { quantity: Some(Quantity::ONE), ..order });
        }
        let request = ChangeRequest {
            order_id: payment.id.as_str().to_owned(),
            amount: payment.named(change.amount, false).into(),
            valid_till: Some(change.valid_till.into()),
            cart_items,
        };
        outcome(Method::Change, self.client.change(&request, deadline).await.map(drop))
    }

    async fn refund(&self, payment: &Payment, amount: Money, deadline: Deadline) -> Result<ProviderOutcome, Unknown> {
        let request = ReturnRequest { order_id: payment.id.as_str().to_owned(), amount: amount.into() };
        outcome(Method::Return, self.client.refund(&request, deadline).await)
    }

    /// The day after, in Moscow (document "Return").
    fn partial_refund_from(&self, captured_at: Timestamp) -> Timestamp {
        captured_at.next_day(MOSCOW)
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            changes_hold: true,
            captures_parts: false,
            least_rest: None,
            takes_documents: true,
            one_way_back: false,
            ends_exactly: true,
        }
    }

    fn valid_for(&self) -> Option<Duration> {
        None
    }

    fn policy(&self) -> Policy {
        self.policy
    }

    fn hold_for(&self) -> Duration {
        self.hold_for
    }

    fn system(&self) -> Option<System> {
        Some(System::Mokka)
    }

    /// Mokka's protocol names no currency, so the setting does.
    fn currency(&self) -> Currency {
        self.currency
    }
}

fn store_number(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "must be the store's number")
}

/// The store of Registration and Limit, if it is another one. What is wrong with it is recorded in `env`.
fn limit_store(env: &mut Env) -> Option<Store> {
    match (env.optional("MOKKA_LIMIT_STORE_ID"), env.optional("MOKKA_LIMIT_SECRET")) {
        (None, None) => None,
        (Some(_), Some(_)) => {
            let id = env.parsed("MOKKA_LIMIT_STORE_ID", store_number);
            let secret = env.keys("MOKKA_LIMIT_SECRET");
            Some(Store { id: id?, secret: secret? })
        }
        (Some(_), None) => {
            env.problem("MOKKA_LIMIT_SECRET", "must be set, because MOKKA_LIMIT_STORE_ID is");
            None
        }
        (None, Some(_)) => {
            env.problem("MOKKA_LIMIT_STORE_ID", "must be set, because MOKKA_LIMIT_SECRET is");
            None
        }
    }
}

/// The outcome of a call that changes something, by Mokka's answer.
fn outcome(method: Method, result: Result<(), Error>) -> Result<ProviderOutcome, Unknown> {
    match result {
        Ok(()) => Ok(ProviderOutcome::Done),
        Err(Error::Refused { code, message }) => {
            let name = method.name();
            tracing::warn!(
                method = name,
                code = code.number(),
                provider_message = message,
                advice = code.advice(),
                "Mokka refused"
            );
            match method.outcome(code) {
                mokka::MokkaOutcome::NothingDone => Ok(ProviderOutcome::Refused(Reason {
                    code: format!("mokka:{code}"),
                    text: texts::PROVIDER_UNAVAILABLE.to_owned(),
                })),
                mokka::MokkaOutcome::AskStatus => Err(Unknown(format!("Mokka answered {name} with {code}: {message}"))),
            }
        }
        Err(Error::NotSent(cause)) => Ok(ProviderOutcome::NotSent(cause)),
        Err(error @ (Error::Unavailable(_) | Error::Throttled)) => Err(Unknown(error.to_string())),
    }
}

/// The customer's sentence for a checkout that was surely refused; nothing for a code after which the status must be asked.
fn refusal(code: Code) -> Option<&'static str> {
    if Method::Checkout.outcome(code) == mokka::MokkaOutcome::AskStatus {
        return None;
    }
    Some(match (code, code.fault()) {
        (Code::AmountOutsideTariff, _) => texts::MOKKA_AMOUNT,
        (Code::LimitTooLow, _) => texts::MOKKA_LIMIT,
        (Code::PhoneDiffers, _) => texts::MOKKA_PHONE,
        (_, Fault::Customer) => texts::DECLINED,
        (_, Fault::Shop | Fault::Configuration | Fault::Ours | Fault::Mokka) => texts::METHOD_TEMPORARILY_OFF,
    })
}

fn reported(status: OrderStatus) -> ReportedState {
    match status {
        OrderStatus::Pending => ReportedState::Pending,
        OrderStatus::Hold => ReportedState::Held,
        OrderStatus::Finished => ReportedState::Captured,
        OrderStatus::Canceled => ReportedState::Canceled,
        OrderStatus::Declined => ReportedState::Declined,
        OrderStatus::Refunded => ReportedState::Refunded,
        OrderStatus::Expired => ReportedState::Expired,
        OrderStatus::Other(status) => ReportedState::Unrecognised(status),
    }
}

fn phone(order: &Order) -> Option<String> {
    order.phone.as_ref().and_then(|phone| phone.mokka_digits()).map(str::to_owned)
}

fn email(order: &Order) -> Option<String> {
    order.email.clone().filter(|email| email.contains('@'))
}

fn person(name: &FullName) -> Person {
    let FullName { surname, first, patronymic } = name.clone();
    Person { first_name: Some(first), surname, patronymic: Some(patronymic), birth_date: None }
}

/// Where the order goes, and to whom: an order has one customer. Nothing if that is unknown.
fn delivery_info(order: &Order, name: Option<&FullName>) -> Option<DeliveryInfo> {
    let cart = order.cart.as_ref();
    let fact = |fact: &Fact<Option<String>>| fact.known().cloned().flatten();
    let kind = cart.and_then(|cart| fact(&cart.delivery));
    let address = order.known.address.as_ref().map(|address| {
        // A city that is no name but a key of the address register is not one to read.
        let city = cart.and_then(|cart| fact(&cart.city)).filter(|city| !city.contains(|letter: char| letter.is_ascii_digit()));
        let city = city.filter(|city| !address.to_lowercase().contains(&city.to_lowercase()));
        city.map_or_else(|| address.clone(), |city| format!("{city}, {address}"))
    });
    if kind.is_none() && address.is_none() {
        return None;
    }
    let Person { first_name, surname, patronymic, .. } = name.map(person).unwrap_or_default();
    Some(DeliveryInfo { first_name, surname, patronymic, kind, address, phone: phone(order), email: email(order) })
}

/// An order with an installation comes from the app.
fn additional_data(order: &Order) -> Option<AdditionalData> {
    let channel = order.install_id.as_ref().map(|_| Channel::App);
    let returning_customer = order.known.returning;
    let is_known = channel.is_some() || returning_customer.is_some();
    is_known.then(|| AdditionalData { channel, returning_customer, ..AdditionalData::default() })
}

/// The cart for the customer's page: it sums up to what is paid, or there is none.
fn bill(order: &Order, amount: Money) -> Vec<CartItem> {
    let mut totals = order.lines.iter().map(Line::total);
    let nothing = Money::from_minor(0, amount.currency()).ok();
    let goods = totals.try_fold(nothing, |sum, total| Some(sum?.plus(total?).ok())).flatten();
    let delivery = order.delivery.filter(|delivery| goods.is_some_and(|goods| goods.plus(*delivery) == Ok(amount)));
    if goods != Some(amount) && delivery.is_none() {
        tracing::info!("the lines of the order do not sum up to its amount: its payment page shows none");
        return Vec::new();
    }
    let delivery = delivery.filter(|delivery| !delivery.is_zero()).map(|delivery| Line {
        sku: None,
        name: texts::DELIVERY.to_owned(),
        quantity: Quantity::ONE,
        price: Some(delivery),
        subtotal: None,
        brand: None,
        category: None,
        tax: LineTax::default(),
    });
    order.lines.iter().chain(&delivery).filter_map(item).collect()
}

/// A line as Mokka shows it: whole pieces at their price, with the one after a discount beside it. What has no whole number of pieces, or no
/// whole price of a piece, is one piece that says how much it is. Nothing for a line that is nothing.
fn item(line: &Line) -> Option<CartItem> {
    let total = line.total()?;
    let count = line.quantity.whole().filter(|count| *count > 0);
    let each =
        count.filter(|count| total.minor() % count == 0).map(|count| Money::from_minor(total.minor() / count, total.currency()));
    let (name, quantity, full, paid) = match each {
        Some(each) => (named(line).to_owned(), line.quantity, line.price, each.ok()?),
        None if line.quantity.is_zero() && total.is_zero() => return None,
        None if line.quantity.is_zero() => (named(line).to_owned(), Quantity::ONE, None, total),
        None => {
            let full = line.price.and_then(|price| line.quantity.times(price).ok());
            (texts::amount_of_goods(named(line), line.quantity), Quantity::ONE, full, total)
        }
    };
    // A price before the discount only if there is one: what costs more than its price says no price.
    let full = full.filter(|full| full.minor() > paid.minor());
    let sale_price = full.and(Price::try_from(paid).ok());
    let price = Price::try_from(full.unwrap_or(paid)).ok()?;
    let sku = line.sku.as_ref().map(|sku| sku.as_str().to_owned());
    let (brand, category) = (line.brand.clone(), line.category.clone());
    Some(CartItem { sku, sale_price, quantity: Some(quantity), brand, category, ..CartItem::new(name, price) })
}

/// What a line is called; Mokka takes none without a name.
fn named(line: &Line) -> &str {
    let name = line.name.trim();
    if name.is_empty() { texts::GOODS } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mokka_code_is_a_sure_refusal_or_leads_to_a_status_call() {
        let ask: Vec<_> = Code::DOCUMENTED.into_iter().filter(|code| refusal(*code).is_none()).map(Code::number).collect();
        assert_eq!(ask, [22, 23, 24, 32, 62, 80, 81, 82, 100]);
        assert_eq!(refusal(Code::Other(777)), None, "what is unknown is not a refusal");
        assert_eq!(refusal(Code::AmountOutsideTariff), Some(texts::MOKKA_AMOUNT));
        assert_eq!(refusal(Code::LimitTooLow), Some(texts::MOKKA_LIMIT));
        assert_eq!(refusal(Code::PhoneDiffers), Some(texts::MOKKA_PHONE), "the table calls it the customer's");
    }

    #[test]
    fn only_what_is_surely_refused_is_booked_as_refused() {
        let perhaps_done = [22, 23, 62, 80, 81, 82, 100];
        for method in [Method::Finish, Method::Cancel, Method::Change, Method::Return] {
            for code in Code::DOCUMENTED.into_iter().chain([Code::Other(777), Code::Other(-1)]) {
                let answered = outcome(method, Err(Error::Refused { code, message: String::new() }));
                let is_unknown = perhaps_done.contains(&code.number()) || matches!(code, Code::Other(_));
                assert_eq!(answered.is_err(), is_unknown, "{method:?} {code}");
                if let Ok(outcome) = answered {
                    assert!(matches!(outcome, ProviderOutcome::Refused(_)), "{method:?} {code}");
                }
            }
        }
    }

    #[test]
    fn every_status_of_the_document_is_mapped_and_others_are_kept() {
        let mapped = |status: &str| reported(OrderStatus::from(status.to_owned()));
        for (status, state) in [
            ("pending", ReportedState::Pending),
            ("hold", ReportedState::Held),
            ("finished", ReportedState::Captured),
            ("canceled", ReportedState::Canceled),
            ("declined", ReportedState::Declined),
            ("refunded", ReportedState::Refunded),
            ("expired", ReportedState::Expired),
            ("frozen", ReportedState::Unrecognised("frozen".to_owned())),
            ("HOLD", ReportedState::Unrecognised("HOLD".to_owned())),
        ] {
            assert_eq!(mapped(status), state);
        }
    }
}
