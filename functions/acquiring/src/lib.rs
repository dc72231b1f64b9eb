//! `POST /v1/acquiring`: IMSHOP's commands `create`, `applepay`, `androidpay` and `capture`, all on one URL.
//!
//! Round trips when nothing is in the way:
//! - `create`, first time: one read (order), one transaction (intent), one Checkout, one write.
//! - `create`, repeated: two reads, one Status.
//! - `capture`: one read, one Status; on a new hold also two writes, one read and one Finish; of a settled payment one read.

mod capture;
mod create;
mod deps;
mod fields;
mod landing;

use lambda_http::{Body, Request, Response};
use shared::payments::imshop::acquiring::Request as Command;
use shared::payments::texts;
use shared::platform::http::{self, Failure, Inbound, Shape};

use fields::required;

pub use deps::Deps;

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

/// Apple Pay and Google Pay need a card gateway, and none is configured: read in full, refused clearly, nothing stored. The document
/// lists the fields of each below the sample of the other, so that either may hold the cryptogram.
fn wallet(command: Command, data: &'static str) -> Result<Response<Body>, Failure> {
    required(command.apple_pay_data.or(command.android_pay_data), data)?;
    required(command.payment_method_id, "paymentMethodId")?;
    required(command.order_uuid, "orderUuid")?;
    required(command.order_id, "orderId")?;
    Err(Failure::business(texts::WALLET_NOT_CONFIGURED))
}
