//! IMSHOP's two status URLs (asynchronous result, shop to IMSHOP).

use std::collections::HashMap;
use std::sync::Mutex;

use hyper::StatusCode;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::answer::Answer;
use crate::json::rfc3339;
use crate::locked::locked;
use crate::request::Request;

/// What IMSHOP was told.
#[derive(Default)]
pub(crate) struct Imshop {
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    /// Everything accepted, oldest first.
    received: Vec<Value>,
    /// The last word on each payment, by its id.
    payments: HashMap<String, Value>,
    /// The last word on each order, by its id.
    orders: HashMap<String, Value>,
    /// The orders of which it takes no message, with the HTTP status of the refusal.
    refused: HashMap<String, StatusCode>,
}

impl Imshop {
    pub(crate) fn handle(&self, now: OffsetDateTime, method: &str, request: &Request) -> Answer {
        let body = match serde_json::from_slice::<Map<String, Value>>(&request.body) {
            Ok(body) if request.is_json() => body,
            Ok(_) => return bad("the content type must be application/json"),
            Err(_) => return bad("the body must be a JSON object"),
        };
        let of_payment = method == "payment_status";
        let id = match if of_payment { payment_status(&body) } else { order_status(&body) } {
            Ok(id) => id.to_owned(),
            Err(problem) => return bad(&problem),
        };
        let mut heard = locked(&self.heard);
        let order = body.get(if of_payment { "orderId" } else { "id" }).and_then(Value::as_str).unwrap_or_default();
        if let Some(status) = heard.refused.get(order) {
            return Answer::json(*status, &json!({ "success": false, "message": "this order is not known" }));
        }
        heard.received.push(json!({ "method": method, "body": body, "at": rfc3339(now) }));
        let last = if of_payment { &mut heard.payments } else { &mut heard.orders };
        last.insert(id, Value::Object(body));
        Answer::ok(&json!({ "success": true }))
    }

    pub(crate) fn refuse() -> Answer {
        Answer::ok(&json!({ "success": false }))
    }

    /// Refuses every message about an order from now on, with this HTTP status; takes them again without one.
    pub(crate) fn refuse_order(&self, id: &str, status: Option<StatusCode>) {
        let mut heard = locked(&self.heard);
        match status {
            Some(status) => drop(heard.refused.insert(id.to_owned(), status)),
            None => drop(heard.refused.remove(id)),
        }
    }

    pub(crate) fn received(&self) -> Vec<Value> {
        locked(&self.heard).received.clone()
    }

    pub(crate) fn last_of_payment(&self, payment_id: &str) -> Option<Value> {
        locked(&self.heard).payments.get(payment_id).cloned()
    }

    pub(crate) fn last_of_order(&self, id: &str) -> Option<Value> {
        locked(&self.heard).orders.get(id).cloned()
    }
}

fn bad(problem: &str) -> Answer {
    Answer::json(StatusCode::BAD_REQUEST, &json!({ "success": false, "message": problem }))
}

/// `{orderId, paymentId, success:true, paymentCaptured, retry?}`: a failed payment is `paymentCaptured:false`. The payment's id.
fn payment_status(body: &Map<String, Value>) -> Result<&str, String> {
    known(body, "", &["orderId", "paymentId", "success", "paymentCaptured", "retry"])?;
    text(body, "orderId")?;
    if body.get("success") != Some(&Value::Bool(true)) {
        return Err("`success` must be true, whatever became of the payment".to_owned());
    }
    if !body.get("paymentCaptured").is_some_and(Value::is_boolean) {
        return Err("`paymentCaptured` must be a boolean".to_owned());
    }
    if body.get("retry").is_some_and(|retry| !retry.is_boolean()) {
        return Err("`retry` must be a boolean".to_owned());
    }
    text(body, "paymentId")
}

/// `{id, code, message?, trackingUrl?, userId?, payment?{paid, paymentId}}`: both children or none. The order's id.
fn order_status(body: &Map<String, Value>) -> Result<&str, String> {
    known(body, "", &["id", "code", "message", "trackingUrl", "userId", "payment"])?;
    text(body, "code")?;
    for optional in ["message", "trackingUrl", "userId"] {
        if body.contains_key(optional) {
            text(body, optional)?;
        }
    }
    if let Some(payment) = body.get("payment") {
        let payment = payment.as_object().ok_or("`payment` must be an object")?;
        known(payment, "payment.", &["paid", "paymentId"])?;
        if !payment.get("paid").is_some_and(Value::is_boolean) {
            return Err("`payment.paid` must be a boolean".to_owned());
        }
        if payment.get("paymentId") != Some(&Value::Null) {
            text(payment, "paymentId").map_err(|_| "`payment.paymentId` must be a non-empty string or null")?;
        }
    }
    text(body, "id")
}

/// A field that is not documented would go unnoticed at the real IMSHOP.
fn known(body: &Map<String, Value>, prefix: &str, allowed: &[&str]) -> Result<(), String> {
    match body.keys().find(|field| !allowed.contains(&field.as_str())) {
        Some(field) => Err(format!("`{prefix}{field}` is not in the document")),
        None => Ok(()),
    }
}

fn text<'a>(body: &'a Map<String, Value>, field: &str) -> Result<&'a str, String> {
    let text = body.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.ok_or_else(|| format!("`{field}` must be a non-empty string"))
}
