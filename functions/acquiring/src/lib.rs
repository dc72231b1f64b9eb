//! `POST /v1/acquiring`: IMSHOP's commands `create`, `applepay`, `androidpay` and `capture`, all on one URL.
//!
//! Round trips when nothing is in the way:
//! - `create`, first time: one read (order), one transaction (intent), one Checkout, one write.
//! - `create`, repeated: two reads, one Status.
//! - `capture`: one read, one Status; on a new hold also two writes, one read and one Finish; of a settled payment one read.

mod capture;
mod create;
mod landing;

use std::time::Duration;

use lambda_http::{Body, Request, Response};
use shared::payments::imshop::acquiring::Request as Command;
use shared::payments::methods::Methods;
use shared::payments::settle::Settler;
use shared::payments::texts;
use shared::platform::env::{ConfigError, Env};
use shared::platform::http::{self, Failure, Inbound, Shape};
use shared::platform::metrics::Metrics;
use shared::platform::money::Currency;
use shared::platform::runtime::World;
use shared::platform::secret::{InternalSecret, Keys};
use url::Url;

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    keys: Keys,
    methods: Methods,
    currency: Currency,
    settler: Settler,
    internal: InternalSecret,
    public_base_url: Option<Url>,
    valid_for: Duration,
    metrics: Metrics,
}

impl Deps {
    /// Reads `IMSHOP_KEY`, `PAYMENTS_CONFIG` (default `/opt/payments.toml`), `DEFAULT_CURRENCY` (default RUB), in which the
    /// rules on ways to pay count, `INTERNAL_SECRET`, `PUBLIC_BASE_URL` (optional), `MOKKA_FORM_HOURS` (default 24), the
    /// store's and Mokka's.
    pub fn from_env(mut env: Env, world: World) -> Result<Self, ConfigError> {
        let keys = env.public_keys("IMSHOP_KEY");
        let methods = env.file("PAYMENTS_CONFIG", "/opt/payments.toml", Methods::parse);
        let currency = env.currency_or("DEFAULT_CURRENCY", Currency::Rub);
        let internal = env.internal_secret();
        let public_base_url = env.optional_url("PUBLIC_BASE_URL");
        let hours = env.number_or("MOKKA_FORM_HOURS", 24, 1..=720);
        let metrics = world.metrics.clone();
        let settler = Settler::from_env(&mut env, world.clock, world.random, world.http, world.metrics);
        let build = || {
            Some(Self {
                keys: keys?,
                methods: methods?,
                currency: currency?,
                settler: settler?,
                internal: internal?,
                public_base_url,
                valid_for: Duration::from_hours(u64::from(hours?)),
                metrics,
            })
        };
        let deps = build();
        env.finish(deps)
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.settler.orders.warm_up().await;
    }
}

/// Answers a request.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    http::answer(Shape::Error, request, async |inbound| route(deps, &inbound).await).await
}

async fn route(deps: &Deps, inbound: &Inbound) -> Result<Response<Body>, Failure> {
    if inbound.path() != ["v1", "acquiring"] {
        return Err(Failure::not_found());
    }
    inbound.require_method("POST")?;
    inbound.limit_body(http::SMALL_BODY)?;
    inbound.authorize(&deps.keys, "acquiring", &deps.metrics)?;
    let command: Command = inbound.json()?;
    match command.command.as_str() {
        "create" => create::create(deps, inbound, command).await,
        "applepay" => wallet(command, "applePayData"),
        "androidpay" | "android" => wallet(command, "androidPayData"),
        "capture" => capture::capture(deps, inbound, command).await,
        _ => Err(Failure::business(texts::COMMAND_UNKNOWN)),
    }
}

/// A field that this command cannot do without.
fn required<T>(field: Option<T>, name: &'static str) -> Result<T, Failure> {
    field.ok_or_else(|| Failure::bad_request(format!("field `{name}`: missing, it is mandatory for this command")))
}

/// Apple Pay and Google Pay need a card gateway, and none is configured: read in full, refused clearly, nothing stored. The document
/// lists the fields of each below the sample of the other, so that either may hold the cryptogram.
fn wallet(command: Command, data: &'static str) -> Result<Response<Body>, Failure> {
    required(command.apple_pay_data.or(command.android_pay_data), data)?;
    required(command.payment_method_id, "paymentMethodId")?;
    required(command.order_uuid, "orderUuid")?;
    required(command.order_id, "orderId")?;
    Err(Failure::business(texts::WALLET_NOT_CONFIGURED))
}
