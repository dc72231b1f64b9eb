//! `POST /v1/payments`: which ways to pay this cart has, from `payments.toml`.
//!
//! Round trips: none. Equal requests get equal answers.

use lambda_http::{Body, Request, Response};
use shared::config::{Icon, Method, Methods};
use shared::env::{ConfigError, Env};
use shared::http::{self, Failure, Inbound, Shape, Status};
use shared::imshop::payments::{Answer, Payment, Request as Cart};
use shared::runtime::World;
use shared::secret::Keys;

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    keys: Keys,
    methods: Methods,
}

impl Deps {
    /// Reads `IMSHOP_KEY` and `PAYMENTS_CONFIG` (default `/opt/payments.toml`).
    pub fn from_env(mut env: Env, _world: World) -> Result<Self, ConfigError> {
        let keys = env.keys("IMSHOP_KEY");
        let methods = env.file("PAYMENTS_CONFIG", "/opt/payments.toml", Methods::parse);
        let deps = keys.zip(methods).map(|(keys, methods)| Self { keys, methods });
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
    // No way to pay depends on the cart yet; it is read as a whole all the same, so that a mistake in it is named.
    let _cart: Cart = inbound.json()?;
    http::json(Status::Ok, &Answer { payments: deps.methods.iter().map(offer).collect() })
}

fn offer(method: &Method) -> Payment {
    let (icon, icon_id) = match &method.icon {
        Some(Icon::Url(url)) => (Some(url.clone()), None),
        Some(Icon::BuiltIn(id)) => (None, Some(id.clone())),
        None => (None, None),
    };
    Payment {
        id: method.id.as_str().to_owned(),
        title: method.title.clone(),
        description: method.description.clone(),
        r#type: method.kind,
        delivery_discount: method.delivery_discount,
        auto_verification: method.auto_verification,
        icon,
        icon_id,
    }
}
