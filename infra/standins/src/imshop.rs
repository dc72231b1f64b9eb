//! IMSHOP's two status URLs (asynchronous result, shop to IMSHOP).

use std::sync::Mutex;

use hyper::StatusCode;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::answer::Answer;
use crate::json::rfc3339;
use crate::request::Request;
use crate::world::locked;

/// What IMSHOP was told.
#[derive(Default)]
pub(crate) struct Imshop {
    received: Mutex<Vec<Value>>,
}

impl Imshop {
    pub(crate) fn handle(&self, now: OffsetDateTime, method: &str, request: &Request) -> Answer {
        let body = match serde_json::from_slice::<Map<String, Value>>(&request.body) {
            Ok(body) if request.is_json() => body,
            Ok(_) => return bad("the content type must be application/json"),
            Err(_) => return bad("the body must be a JSON object"),
        };
        let problem = if method == "payment_status" { payment_status(&body) } else { order_status(&body) };
        if let Some(problem) = problem {
            return bad(problem);
        }
        locked(&self.received).push(json!({ "method": method, "body": body, "at": rfc3339(now) }));
        Answer::ok(&json!({ "success": true }))
    }

    pub(crate) fn refuse() -> Answer {
        Answer::ok(&json!({ "success": false }))
    }

    pub(crate) fn received(&self) -> Vec<Value> {
        locked(&self.received).clone()
    }
}

fn bad(problem: &str) -> Answer {
    Answer::json(StatusCode::BAD_REQUEST, &json!({ "success": false, "message": problem }))
}

/// `{orderId, paymentId, success:true, paymentCaptured, retry?}`: a failed payment is `paymentCaptured:false`.
fn payment_status(body: &Map<String, Value>) -> Option<&'static str> {
    if !is_text(body, "orderId") {
        return Some("`orderId` must be a non-empty string");
    }
    if !is_text(body, "paymentId") {
        return Some("`paymentId` must be a non-empty string");
    }
    if body.get("success") != Some(&Value::Bool(true)) {
        return Some("`success` must be true, whatever became of the payment");
    }
    if !body.get("paymentCaptured").is_some_and(Value::is_boolean) {
        return Some("`paymentCaptured` must be a boolean");
    }
    body.get("retry").is_some_and(|retry| !retry.is_boolean()).then_some("`retry` must be a boolean")
}

/// `{id, code, message?, trackingUrl?, userId?, payment?{paid, paymentId}}`: both children or none.
fn order_status(body: &Map<String, Value>) -> Option<&'static str> {
    if !is_text(body, "id") {
        return Some("`id` must be a non-empty string");
    }
    if !is_text(body, "code") {
        return Some("`code` must be a non-empty string");
    }
    let payment = body.get("payment")?;
    let paid = payment.get("paid").is_some_and(Value::is_boolean);
    let payment_id = payment.get("paymentId").is_some_and(|id| id.is_string() || id.is_null());
    (!paid || !payment_id).then_some("`payment` must have `paid` (boolean) and `paymentId` (string or null)")
}

fn is_text(body: &Map<String, Value>, field: &str) -> bool {
    body.get(field).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}
