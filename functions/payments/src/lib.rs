//! `POST /v1/payments`: which ways to pay this cart has, from `payments.toml`.
//!
//! Round trips: none, unless a way to pay with a widget is offered and the amount is known; then, the first time on a day and
//! in an instance, one read, at most one Schedule, one write. Equal requests get equal answers, but for what Mokka did not
//! say in time.

mod limits;
mod mokka;
mod schedules;

use std::time::Duration;

use lambda_http::{Body, Request, Response};
use shared::clock::Deadline;
use shared::config::{Icon, Method, Methods};
use shared::env::{ConfigError, Env};
use shared::http::{self, Failure, Inbound, Shape, Status};
use shared::imshop::payments::{Answer, Payment, Request as Cart};
use shared::money::Currency;
use shared::runtime::World;
use shared::secret::Keys;

use crate::mokka::{Answers, Mokka, Questions};

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    keys: Keys,
    methods: Methods,
    currency: Currency,
    budget: Duration,
    mokka: Option<Mokka>,
}

impl Deps {
    /// Reads `IMSHOP_KEY`, `PAYMENTS_CONFIG` (default `/opt/payments.toml`), `DEFAULT_CURRENCY` (default RUB) and
    /// `PAYMENTS_BUDGET_MS` (default 700); with a widget in the configuration Mokka's settings and the store's too.
    pub fn from_env(mut env: Env, world: World) -> Result<Self, ConfigError> {
        let keys = env.keys("IMSHOP_KEY");
        let methods = env.file("PAYMENTS_CONFIG", "/opt/payments.toml", Methods::parse);
        let currency = env.currency_or("DEFAULT_CURRENCY", Currency::Rub);
        let budget = env.number_or("PAYMENTS_BUDGET_MS", 700, 200..=5000);
        let wants_mokka = methods.as_ref().is_some_and(|methods| methods.iter().any(|method| method.provider.is_some()));
        let mokka = if wants_mokka { Mokka::from_env(&mut env, world).map(Some) } else { Some(None) };
        let build = || {
            let budget = Duration::from_millis(u64::from(budget?));
            Some(Self { keys: keys?, methods: methods?, currency: currency?, budget, mokka: mokka? })
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
    let amount = cart.amount(deps.currency);
    let answers = match &deps.mokka {
        Some(mokka) => Some(mokka.ask(Questions { amount, phone: None }, deadline).await),
        None => None,
    };
    let payments = deps.methods.iter().filter_map(|method| offer(method, answers.as_ref()));
    http::json(Status::Ok, &Answer { payments: payments.collect() })
}

fn offer(method: &Method, answers: Option<&Answers>) -> Option<Payment> {
    let mut widget = None;
    if let (Some(_), Some(answers)) = (method.provider, answers) {
        if answers.suits_no_tariff() {
            return None;
        }
        widget = answers.widget(None);
    }
    let (icon, icon_id) = match &method.icon {
        Some(Icon::Url(url)) => (Some(url.clone()), None),
        Some(Icon::BuiltIn(id)) => (None, Some(id.clone())),
        None => (None, None),
    };
    Some(Payment {
        id: method.id.as_str().to_owned(),
        title: method.title.clone(),
        description: method.description.clone(),
        r#type: method.kind,
        delivery_discount: method.delivery_discount,
        auto_verification: method.auto_verification,
        icon,
        icon_id,
        widget,
    })
}
