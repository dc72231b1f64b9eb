//! `POST /v1/payments`: which ways to pay this cart has, by the rules of `payments.toml`.
//!
//! Round trips: none. Equal requests get equal answers, as far as the rules do not ask for the time.

use lambda_http::{Body, Request, Response};
use shared::clock::Clock;
use shared::config::{Facts, Icon, Methods, Offer};
use shared::env::{ConfigError, Env};
use shared::http::{self, Failure, Inbound, Shape, Status};
use shared::imshop::payments::{Answer, Payment, Request as Cart};
use shared::money::Currency;
use shared::runtime::World;
use shared::secret::Keys;

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    keys: Keys,
    methods: Methods,
    currency: Currency,
    clock: Clock,
}

impl Deps {
    /// Reads `IMSHOP_KEY`, `PAYMENTS_CONFIG` (default `/opt/payments.toml`) and `DEFAULT_CURRENCY` (default RUB).
    pub fn from_env(mut env: Env, world: World) -> Result<Self, ConfigError> {
        let keys = env.keys("IMSHOP_KEY");
        let methods = env.file("PAYMENTS_CONFIG", "/opt/payments.toml", Methods::parse);
        let currency = env.currency_or("DEFAULT_CURRENCY", Currency::Rub);
        let build = || Some(Self { keys: keys?, methods: methods?, currency: currency?, clock: world.clock });
        let deps = build();
        env.finish(deps)
    }
}

/// Answers a request.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    http::answer(Shape::Payments, request, async |inbound| list(deps, &inbound)).await
}

fn list(deps: &Deps, inbound: &Inbound) -> Result<Response<Body>, Failure> {
    if inbound.path() != ["v1", "payments"] {
        return Err(Failure::not_found());
    }
    inbound.require_method("POST")?;
    inbound.limit_body(http::SMALL_BODY)?;
    inbound.authorize(&deps.keys)?;
    let cart: Cart = inbound.json()?;
    let facts = Facts::of_cart(&cart, cart.amount(deps.currency), deps.clock.now(), deps.methods.utc_offset());
    http::json(Status::Ok, &Answer { payments: deps.methods.offered(&facts).iter().map(payment).collect() })
}

fn payment(offer: &Offer<'_>) -> Payment {
    let method = offer.method;
    let (icon, icon_id) = match &method.icon {
        Some(Icon::Url(url)) => (Some(url.clone()), None),
        Some(Icon::BuiltIn(id)) => (None, Some(id.clone())),
        None => (None, None),
    };
    Payment {
        id: method.id.as_str().to_owned(),
        title: offer.title.to_owned(),
        description: offer.description.map(str::to_owned),
        r#type: method.kind,
        delivery_discount: method.delivery_discount,
        auto_verification: method.auto_verification,
        icon,
        icon_id,
        widget: None,
    }
}
