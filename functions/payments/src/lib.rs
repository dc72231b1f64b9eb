//! `POST /v1/payments`: which ways to pay this cart has, by the rules of `payments.toml`.
//!
//! Round trips: none, unless a way to pay with a widget is offered and the amount is known; then, the first time on a day and
//! in an instance, one read, at most one Schedule, one write. If the amount matters and the cart has no prices, those of the
//! product feed are looked up: one or two reads, none for what is known in memory. A way to pay that asks for a customer's limit costs one Limit
//! every few minutes. Equal requests get equal answers, as far as the rules do not ask for the time and Mokka answers in time.

mod mokka;
mod mokka_limits;
mod schedules;

use std::time::Duration;

use lambda_http::{Body, Request, Response};
use shared::payments::imshop::payments::{Answer, Payment, Request as Cart};
use shared::payments::methods::{Facts, Icon, Limit, Method, Methods, Offer};
use shared::payments::store::Quotes;
use shared::payments::store::prices::Prices;
use shared::payments::texts;
use shared::platform::clock::{Clock, Deadline};
use shared::platform::dynamodb::client_from_env;
use shared::platform::env::{ConfigError, Env};
use shared::platform::http::{self, Failure, Inbound, Shape, Status};
use shared::platform::metrics::Metrics;
use shared::platform::money::{Currency, Money};
use shared::platform::runtime::Platform;
use shared::platform::secret::Keys;

use crate::mokka::{Answers, Mokka, Questions};

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    keys: Keys,
    methods: Methods,
    currency: Currency,
    clock: Clock,
    budget: Duration,
    quotes: Option<Quotes>,
    /// If a way to pay asks it.
    mokka: Option<Mokka>,
    /// If the shop has a product feed.
    prices: Option<Prices>,
    metrics: Metrics,
}

impl Deps {
    /// Reads `IMSHOP_KEY`, `PAYMENTS_CONFIG` (default `/opt/payments.toml`), `DEFAULT_CURRENCY` (default RUB) and
    /// `PAYMENTS_BUDGET_MS` (default 700); if a way to pay has a widget or a limit, Mokka's settings; if there is a
    /// `PRICE_FEED_URL`, `PRICES_MAX_AGE_HOURS` (default 48); with any of these `QUOTES_TABLE` and the store's.
    pub fn from_env(mut env: Env, platform: Platform) -> Result<Self, ConfigError> {
        let keys = env.public_keys("IMSHOP_KEY");
        let methods = env.file("PAYMENTS_CONFIG", "/opt/payments.toml", Methods::parse);
        let currency = env.currency_or("DEFAULT_CURRENCY", Currency::Rub);
        let budget = env.number_or("PAYMENTS_BUDGET_MS", 700, 200..=5000);
        let asks_mokka = methods.as_ref().is_some_and(|methods| methods.iter().any(Method::asks_mokka));
        let has_prices = env.optional("PRICE_FEED_URL").is_some();
        let Platform { clock, random, http, metrics, .. } = platform;
        let quotes = if asks_mokka || has_prices {
            let client = client_from_env(&mut env);
            client.and_then(|client| Quotes::from_env(&mut env, client, random))
        } else {
            None
        };
        let mokka = quotes.clone().filter(|_| asks_mokka).map(|quotes| Mokka::from_env(&mut env, http, clock.clone(), quotes));
        let prices = quotes.clone().filter(|_| has_prices).map(|quotes| Prices::from_env(&mut env, quotes, clock.clone()));
        let build = || {
            let budget = Duration::from_millis(u64::from(budget?));
            // What is there and wrong is a recorded problem.
            let (mokka, prices) = (mokka.flatten(), prices.flatten());
            Some(Self { keys: keys?, methods: methods?, currency: currency?, clock, budget, quotes, mokka, prices, metrics })
        };
        let deps = build();
        env.finish(deps)
    }

    /// Opens the store's connection, if it is needed.
    pub async fn warm(&self) {
        if let Some(quotes) = &self.quotes {
            quotes.warm_up().await;
        }
    }
}

/// Answers a request.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    let deadline = Deadline::within(deps.budget);
    http::answer(Shape::Payments, request, async |inbound| list(deps, &inbound, deadline).await).await
}

/// Waits until what a request did not wait for is known, for the next one.
pub async fn finish(deps: &Deps) {
    if let Some(mokka) = &deps.mokka {
        mokka.finish().await;
    }
}

async fn list(deps: &Deps, inbound: &Inbound, deadline: Deadline) -> Result<Response<Body>, Failure> {
    if inbound.path() != ["v1", "payments"] {
        return Err(Failure::not_found());
    }
    inbound.require_method("POST")?;
    inbound.limit_body(http::SMALL_BODY)?;
    inbound.authorize(&deps.keys, "payments", &deps.metrics)?;
    let cart: Cart = inbound.json()?;
    let mut facts = Facts::of_cart(&cart, cart.amount(deps.currency), deps.clock.now(), deps.methods.utc_offset());
    if deps.methods.needs_amount(&facts) {
        facts.amount = deps.estimate(&cart, deadline).await.into();
    }
    let offers = deps.methods.offered(&facts);
    let answers = deps.ask_mokka(&cart, &facts, &offers, deadline).await;
    let payments = offers.iter().filter_map(|offer| payment(offer, answers.as_ref()));
    http::json(Status::Ok, &Answer { payments: payments.collect() })
}

impl Deps {
    /// What the cart costs by the product feed, if that is known in time. It decides about no charge.
    async fn estimate(&self, cart: &Cart, deadline: Deadline) -> Option<Money> {
        match self.prices.as_ref()?.estimate(cart, self.currency, deadline).await {
            Ok(Some(amount)) => {
                tracing::info!(amount_minor = amount.minor(), "the amount is an estimate by the product feed");
                Some(amount)
            }
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(cause = %error, "the prices of the product feed could not be read");
                None
            }
        }
    }

    /// What Mokka says to what is offered, if that matters.
    async fn ask_mokka(&self, cart: &Cart, facts: &Facts, offers: &[Offer<'_>], deadline: Deadline) -> Option<Answers> {
        let schedule = offers.iter().any(|offer| offer.method.widget.is_some());
        let limit = offers.iter().any(|offer| offer.method.limit != Limit::Off);
        let phone = self.methods.customer_phone(cart).filter(|_| limit);
        let questions = Questions { amount: facts.amount.known().copied(), schedule, phone: phone.as_ref() };
        Some(self.mokka.as_ref()?.ask(questions, deadline).await)
    }
}

/// The way to pay as it is shown; nothing if Mokka does not take this amount or this customer.
fn payment(offer: &Offer<'_>, mokka: Option<&Answers>) -> Option<Payment> {
    let method = offer.method;
    let mut description = offer.description.map(str::to_owned);
    let mut widget = None;
    if let (Some(settings), Some(mokka)) = (&method.widget, mokka) {
        if mokka.suits_no_tariff() {
            return None;
        }
        widget = mokka.widget(settings.term);
    }
    match (method.limit, mokka) {
        (Limit::Hide, Some(mokka)) if mokka.exceeds_limit() => return None,
        (Limit::Say, Some(mokka)) => {
            let available = mokka.available().map(texts::available);
            description = available.map(|available| texts::joined(description.as_deref(), &available)).or(description);
        }
        (Limit::Off | Limit::Hide, _) | (Limit::Say, None) => {}
    }
    let (icon, icon_id) = match &method.icon {
        Some(Icon::Url(url)) => (Some(url.clone()), None),
        Some(Icon::BuiltIn(id)) => (None, Some(id.clone())),
        None => (None, None),
    };
    Some(Payment {
        id: method.id.as_str().to_owned(),
        title: offer.title.to_owned(),
        description,
        r#type: method.kind,
        delivery_discount: method.delivery_discount,
        auto_verification: method.auto_verification,
        icon,
        icon_id,
        widget,
    })
}
