//! The control API: what tests and people do to the stand-ins. JSON in, JSON out, errors `{"error":"…"}`.

use std::sync::Arc;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::command::body;
use crate::error::{ControlError, list};
use crate::fault::Fault;
use crate::hooks::{Hook, Unanswered};
use crate::json::rfc3339;
use crate::mokka::{Decision, LimitStatus};
use crate::pusher;
use crate::request::Request;
use crate::shop::Destination;
use crate::simulator::Simulator;
use crate::smspro::PhoneReports;
use crate::system::System;
use crate::yookassa;

/// Everything this API has, for the answer to a path that it does not have.
pub(crate) const PATHS: [&str; 39] = [
    "GET /control/calls?system=",
    "DELETE /control/calls",
    "GET /control/inbox?phone=",
    "POST /control/sms-reports",
    "GET /control/orders",
    "GET /control/forms",
    "GET /control/shop-events",
    "GET /control/shop-events/books",
    "POST /control/shop-events/trigger",
    "GET /control/imshop",
    "GET /control/mokka",
    "GET /control/mokka/limits",
    "POST /control/mokka/limits",
    "GET /control/mokka/registrations",
    "GET /control/mokka/registrations/{order_id}",
    "POST /control/mokka/registrations/{order_id}/decide",
    "GET /control/mokka/{order_id}",
    "POST /control/mokka/{order_id}/decide",
    "POST /control/mokka/{order_id}/callback",
    "POST /control/mokka/{order_id}/return",
    "GET /control/yookassa",
    "GET /control/yookassa/refunds",
    "GET /control/yookassa/receipts",
    "GET /control/yookassa/notifications",
    "POST /control/yookassa/notifications",
    "GET /control/yookassa/{id}",
    "POST /control/yookassa/{id}/cabinet",
    "POST /control/yookassa/{id}/decide",
    "POST /control/yookassa/{id}/fields",
    "GET /control/readings",
    "POST /control/readings",
    "GET /control/faults",
    "POST /control/faults",
    "DELETE /control/faults",
    "GET /control/shop",
    "POST /control/shop",
    "DELETE /control/shop",
    "POST /control/shop/feed",
    "POST /control/clock",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decide {
    decision: String,
    #[serde(default = "yes")]
    callback: bool,
    #[serde(default = "once")]
    times: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Callback {
    decision: String,
    #[serde(default = "once")]
    times: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetLimit {
    phone: String,
    limit: String,
    #[serde(default)]
    status: LimitStatus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetReports {
    phone: String,
    report: Option<u8>,
    #[serde(default = "yes")]
    pushed: bool,
    /// Pushed anew for the SMS that were sent.
    #[serde(default)]
    again: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arm {
    system: String,
    method: String,
    fault: String,
    #[serde(default = "once")]
    times: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShopAnswers {
    order: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SendSample {
    /// Each without it.
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_s: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    system: String,
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GiveBack {
    amount: String,
}

fn yes() -> bool {
    true
}

fn once() -> u32 {
    1
}

/// Answers a request below `/control`.
pub(crate) async fn serve(simulator: &Arc<Simulator>, request: &Request) -> Answer {
    let Some(answer) = respond(simulator, request).await else {
        return unknown(simulator, request);
    };
    answer.unwrap_or_else(|error| Answer::error(error.status(), error.to_string()))
}

/// `None` if there is no such method and path.
async fn respond(simulator: &Arc<Simulator>, request: &Request) -> Option<Result<Answer, ControlError>> {
    let segments: Vec<String> = request.path.split('/').skip(2).map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let answer = match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["calls"]) => calls(simulator, request),
        ("DELETE", ["calls"]) => Ok(done(|| simulator.calls.forget())),
        ("GET", ["inbox"]) => query(request, "phone").map(|phone| Answer::ok(&simulator.smspro.inbox(phone))),
        ("POST", ["sms-reports"]) => body::<SetReports>(request).and_then(|wish| set_reports(simulator, &wish)),
        ("GET", ["orders"]) => Ok(Answer::ok(&simulator.shop.orders())),
        ("GET", ["forms"]) => Ok(Answer::ok(&simulator.shop.forms())),
        ("GET", ["shop-events"]) => Ok(Answer::ok(&simulator.shop.events())),
        ("GET", ["shop-events", "books"]) => Ok(Answer::ok(&simulator.shop.books())),
        ("POST", ["shop-events", "trigger"]) => trigger(simulator, request).await,
        ("GET", ["imshop"]) => Ok(Answer::ok(&simulator.imshop.received())),
        ("GET", ["mokka"]) => Ok(Answer::ok(&simulator.mokka.orders(simulator.clock.now()))),
        ("GET", ["mokka", "limits"]) => Ok(Answer::ok(&simulator.mokka.limits())),
        ("POST", ["mokka", "limits"]) => body::<SetLimit>(request)
            .and_then(|wish| simulator.mokka.set_limit(&wish.phone, &wish.limit, wish.status))
            .map(|()| Answer::ok(&simulator.mokka.limits())),
        ("GET", ["mokka", "registrations"]) => Ok(Answer::ok(&simulator.mokka.registrations())),
        ("GET", ["mokka", "registrations", order_id]) => simulator
            .mokka
            .registration(order_id)
            .map(|registration| Answer::ok(&registration))
            .ok_or_else(|| ControlError::UnknownRegistration((*order_id).to_owned())),
        ("POST", ["mokka", "registrations", order_id, "decide"]) => decide_registration(simulator, order_id, request).await,
        ("GET", ["mokka", order_id]) => simulator
            .mokka
            .order(order_id, simulator.clock.now())
            .map(|order| Answer::ok(&order))
            .ok_or_else(|| ControlError::UnknownOrder((*order_id).to_owned())),
        ("POST", ["mokka", order_id, "decide"]) => decide(simulator, order_id, request).await,
        ("POST", ["mokka", order_id, "callback"]) => callback(simulator, order_id, request).await,
        ("POST", ["mokka", order_id, "return"]) => body::<GiveBack>(request)
            .and_then(|wish| simulator.mokka.give_back(order_id, &wish.amount, simulator.clock.now()))
            .map(|()| done(|| ())),
        (_, ["yookassa", rest @ ..]) => yookassa::control::serve(&simulator.yookassa, request, rest).await?,
        ("GET", ["readings"]) => Ok(Answer::ok(&readings(simulator))),
        ("POST", ["readings"]) => body::<Read>(request).and_then(|wish| read(simulator, &wish)),
        ("GET", ["faults"]) => Ok(Answer::ok(&simulator.faults.list())),
        ("POST", ["faults"]) => arm(simulator, request),
        ("DELETE", ["faults"]) => Ok(done(|| simulator.faults.clear())),
        ("GET", ["shop"]) => Ok(Answer::ok(&json!({ "order": simulator.shop.overrides() }))),
        ("POST", ["shop"]) => {
            body::<ShopAnswers>(request).and_then(|answers| simulator.shop.set_overrides(answers.order)).map(|()| done(|| ()))
        }
        ("POST", ["shop", "feed"]) => Ok(done(|| simulator.shop.set_feed(request.body.clone(), "application/xml"))),
        ("DELETE", ["shop"]) => Ok(done(|| simulator.shop.clear_overrides())),
        ("POST", ["clock"]) => advance(simulator, request).await,
        (method, [name]) => Ok(hooked(simulator.hooks.find(method, name)?, request).await),
        _ => return None,
    };
    Some(answer)
}

fn read(simulator: &Simulator, wish: &Read) -> Result<Answer, ControlError> {
    match named(&wish.system)? {
        System::Mokka => simulator.mokka.readings.set(&wish.name, &wish.value)?,
        System::Yookassa => simulator.yookassa.readings.set(&wish.name, &wish.value)?,
        System::Shop => simulator.shop.readings.set(&wish.name, &wish.value)?,
        System::Smspro | System::Imshop => {
            return Err(ControlError::field("system", "only mokka, yookassa and shop have readings"));
        }
    }
    Ok(Answer::ok(&readings(simulator)))
}

fn readings(simulator: &Simulator) -> Vec<Value> {
    [simulator.mokka.readings.list(), simulator.yookassa.readings.list(), simulator.shop.readings.list()].concat()
}

fn set_reports(simulator: &Simulator, wish: &SetReports) -> Result<Answer, ControlError> {
    let reports = PhoneReports { report: wish.report, pushed: wish.pushed };
    simulator.smspro.set_reports(&wish.phone, reports)?;
    if wish.again {
        simulator.smspro.push_again(&wish.phone, simulator.clock.now());
    }
    Ok(Answer::ok(&reports))
}

async fn hooked(hook: Hook, request: &Request) -> Answer {
    match hook(request.body.clone()).await {
        Ok(value) => Answer::ok(&value),
        Err(Unanswered::Wrong(error)) => Answer::error(StatusCode::BAD_REQUEST, error),
        Err(Unanswered::Failed(error)) => Answer::error(StatusCode::INTERNAL_SERVER_ERROR, error),
    }
}

/// Does what needs no answer, and says that it is done.
fn done(action: impl FnOnce()) -> Answer {
    action();
    Answer::ok(&json!({ "done": true }))
}

fn calls(simulator: &Simulator, request: &Request) -> Result<Answer, ControlError> {
    let system = query(request, "system")?.map(named).transpose()?;
    Ok(Answer::ok(&simulator.calls.list(|call| system.is_none_or(|wanted| call.system == wanted))))
}

async fn decide(simulator: &Arc<Simulator>, order_id: &str, request: &Request) -> Result<Answer, ControlError> {
    let wish: Decide = body(request)?;
    let decided = simulator.mokka.decide(order_id, decision(&wish.decision)?, wish.callback, wish.times).await?;
    Ok(Answer::ok(&decided))
}

async fn decide_registration(simulator: &Arc<Simulator>, order_id: &str, request: &Request) -> Result<Answer, ControlError> {
    let wish: Decide = body(request)?;
    let decided = simulator.mokka.decide_registration(order_id, decision(&wish.decision)?, wish.callback, wish.times).await?;
    Ok(Answer::ok(&decided))
}

async fn callback(simulator: &Arc<Simulator>, order_id: &str, request: &Request) -> Result<Answer, ControlError> {
    let wish: Callback = body(request)?;
    let decided = simulator.mokka.contradict(order_id, decision(&wish.decision)?, wish.times).await?;
    Ok(Answer::ok(&decided))
}

async fn trigger(simulator: &Simulator, request: &Request) -> Result<Answer, ControlError> {
    let wish: SendSample = body(request)?;
    let here = Destination {
        url: format!("{}/shop/events", simulator.base_url()),
        secrets: vec![simulator.options.shop_events_secret.clone()],
    };
    Ok(Answer::ok(&simulator.shop.trigger(here, simulator.clock.now(), wish.kind.as_deref()).await?))
}

fn arm(simulator: &Simulator, request: &Request) -> Result<Answer, ControlError> {
    let wish: Arm = body(request)?;
    let fault: Fault = wish.fault.parse()?;
    simulator.faults.arm(named(&wish.system)?, &wish.method, fault, wish.times)?;
    Ok(Answer::ok(&simulator.faults.list()))
}

async fn advance(simulator: &Simulator, request: &Request) -> Result<Answer, ControlError> {
    let Advance { advance_s } = body(request)?;
    // A hundred years keep every later sum of moments inside what a date can hold.
    if !(0..=3_155_760_000).contains(&advance_s) {
        return Err(ControlError::field("advance_s", "seconds to move forward, 0 to a hundred years"));
    }
    pusher::settle(&simulator.smspro, &simulator.clock).await;
    yookassa::sender::settle(&simulator.yookassa).await;
    simulator.hooks.before_leap().await;
    let mut left = advance_s;
    while let Some(wait) = simulator.until_late_call() {
        let seconds = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX).saturating_add(i64::from(wait.subsec_nanos() > 0));
        if seconds > left {
            break;
        }
        simulator.clock.advance(seconds);
        left -= seconds;
    }
    simulator.clock.advance(left);
    Ok(Answer::ok(&json!({ "now": rfc3339(simulator.clock.now()) })))
}

fn named(name: &str) -> Result<System, ControlError> {
    System::named(name).ok_or_else(|| {
        let systems = list(System::ALL.into_iter().map(System::name));
        ControlError::field("system", format!("`{name}` is none of {systems}"))
    })
}

fn decision(text: &str) -> Result<Decision, ControlError> {
    match text {
        "approved" => Ok(Decision::Approved),
        "declined" => Ok(Decision::Declined),
        _ => Err(ControlError::field("decision", format!("`{text}` is neither approved nor declined"))),
    }
}

/// The one query parameter a path takes; a misspelt one would silently show everything.
fn query<'a>(request: &'a Request, name: &str) -> Result<Option<&'a str>, ControlError> {
    if let Some(other) = request.query.keys().find(|key| *key != name) {
        return Err(ControlError::Request(format!("unknown query parameter `{other}`; this path takes `{name}`")));
    }
    Ok(request.query.get(name).map(String::as_str))
}

fn decoded(segment: &str) -> String {
    // These three mean something only in a form, whose decoder this is.
    let segment = segment.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let mut pairs = url::form_urlencoded::parse(segment.as_bytes());
    pairs.next().map_or_else(String::new, |(name, _)| name.into_owned())
}

fn unknown(simulator: &Simulator, request: &Request) -> Answer {
    let added = simulator.hooks.paths();
    let exists: Vec<&str> = PATHS.into_iter().chain(added.iter().map(String::as_str)).collect();
    Answer::json(
        StatusCode::NOT_FOUND,
        &json!({
            "error": format!("there is no {} {}", request.method, request.path),
            "exists": exists,
        }),
    )
}
