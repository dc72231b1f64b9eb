//! The rules on ways to pay from the outside: a file and a request in, the methods that are offered out.
#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod examples;
mod gateways;
mod mistakes;
mod orders;
mod properties;
mod receipts;
mod rules;
mod schema;

use serde_json::Value;
use shared::payments::imshop::payments::Request;
use shared::payments::methods::{Facts, Methods};
use shared::platform::clock::Timestamp;
use shared::platform::money::Currency;

/// Wednesday, 9 o'clock UTC: noon in Moscow, 15 o'clock in Bishkek.
const WEDNESDAY: &str = "2026-11-25T09:00:00Z";

fn at(moment: &str) -> Timestamp {
    Timestamp::from_rfc3339(moment).unwrap()
}

fn request(json: &Value) -> Request {
    serde_json::from_value(json.clone()).unwrap()
}

fn facts(methods: &Methods, json: &Value, moment: &str) -> Facts {
    let request = request(json);
    Facts::of_cart(&request, request.amount(Currency::Rub), at(moment), methods.utc_offset())
}

/// A file with one method, offered under that condition.
fn under(condition: &str) -> String {
    format!("[[method]]\nid = \"a\"\ntitle = \"A\"\ntype = \"cash\"\nwhen = {condition}\n")
}

/// The ids of what is offered.
fn offered(methods: &Methods, json: &Value, moment: &str) -> Vec<String> {
    let offers = methods.offered(&facts(methods, json, moment));
    offers.iter().map(|offer| offer.method.id.as_str().to_owned()).collect()
}
