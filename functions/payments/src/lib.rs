//! `POST /v1/payments`: which ways to pay this cart has, by the rules of `payments.toml`.
//!
//! Round trips: none, unless a way to pay with a widget is offered and the amount is known; then, the first time on a day and
//! in an instance, one read, at most one Schedule, one write. A way to pay that asks for a customer's limit costs one Limit
//! every few minutes. Equal requests get equal answers, as far as the rules do not ask for the time and Mokka answers in time.

mod limits;
mod mokka;
mod schedules;

use std::time::Duration;

use lambda_http::{Body, Request, Response};
use shared::clock::{Clock, Deadline};
use shared::config::{Facts, Icon, Limit, Method, Methods, Offer};
use shared::env::{ConfigError, Env};
use shared::http::{self, Failure, Inbound, Shape, Status};
use shared::imshop::payments::{Answer, Payment, Request as Cart};
use shared::money::Currency;
use shared::runtime::World;
use shared::secret::Keys;
use shared::texts;

use crate::mokka::{Answers, Mokka, Questions};

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    keys: Keys,
    methods: Methods,
    currency: Currency,
    clock: Clock,
    budget: Duration,
    mokka: Option<Mokka>,
}

impl Deps {
    /// Reads `IMSHOP_KEY`, `PAYMENTS_CONFIG` (default `/opt/payments.toml`), `DEFAULT_CURRENCY` (default RUB) and
    /// `PAYMENTS_BUDGET_MS` (default 700); if a way to pay has a widget or a limit, Mokka's settings and the store's too.
    pub fn from_env(mut env: Env, world: World) -> Result<Self, ConfigError> {
        let keys = env.keys("IMSHOP_KEY");
        let methods = env.file("PAYMENTS_CONFIG", "/opt/payments.toml", Methods::parse);
        let currency = env.currency_or("DEFAULT_CURRENCY", Currency::Rub);
        let budget = env.number_or("PAYMENTS_BUDGET_MS", 700, 200..=5000);
        let clock = world.clock.clone();
        let asks_mokka = methods.as_ref().is_some_and(|methods| methods.iter().any(Method::asks_mokka));
        let mokka = if asks_mokka { Mokka::from_env(&mut env, world).map(Some) } else { Some(None) };
        let build = || {
            let budget = Duration::from_millis(u64::from(budget?));
            Some(Self { keys: keys?, methods: methods?, currency: currency?, clock, budget, mokka: mokka? })
        };
        let deps = build();
        env.finish(deps)
    }

    /// Opens the store's connection, if it is needed.
    pub async fn warm(&self) {
        if let Some(mokka) = &self.mokka {
            mokka.warm_up().await;
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
    inbound.authorize(&deps.keys)?;
    let cart: Cart = inbound.json()?;
    let facts = Facts::of_cart(&cart, cart.amount(deps.currency), deps.clock.now(), deps.methods.utc_offset());
    let offers = deps.methods.offered(&facts);
    let answers = deps.ask_mokka(&cart, &facts, &offers, deadline).await;
    let payments = offers.iter().filter_map(|offer| payment(offer, answers.as_ref()));
    http::json(Status::Ok, &Answer { payments: payments.collect() })
}

impl Deps {
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
