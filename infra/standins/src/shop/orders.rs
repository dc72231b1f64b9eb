//! `POST /shop/orders`: IMSHOP's order creation, answered by the shop that decides the price.
//!
//! A unit costs the item's `price` if one was sent, otherwise 1500.00, less its `discount`; the order's price is the sum
//! of its items and the delivery. A repeated `uuid` gets the same answer and makes no second order. A request with one
//! unusable order is refused as a whole.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::Refusal;
use crate::answer::Answer;
use crate::json::rfc3339;
use crate::money::Kopecks;

/// What a unit costs when the request does not say.
const LIST_PRICE: Kopecks = Kopecks(150_000);
/// The id before the first.
const BEFORE_FIRST: usize = 1000;

/// The orders accepted, oldest first.
#[derive(Default)]
pub(super) struct Book {
    accepted: Vec<Accepted>,
    /// Where each uuid is.
    places: HashMap<String, usize>,
}

struct Accepted {
    uuid: String,
    id: String,
    public_id: String,
    order: Map<String, Value>,
    priced: Priced,
    at: OffsetDateTime,
}

/// An order as requested, checked and calculated.
struct Priced {
    items: Vec<Item>,
    delivery: Kopecks,
    total: Kopecks,
}

/// An item of the answer.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration_id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Value>,
    quantity: u64,
    price: Box<RawValue>,
    subtotal: Box<RawValue>,
}

/// An answered order. Raw values, so that numbers keep their two decimals through the merge.
type Answered = BTreeMap<String, Box<RawValue>>;

impl Book {
    pub(super) fn accept(
        &mut self,
        body: &Map<String, Value>,
        overrides: &Map<String, Value>,
        now: OffsetDateTime,
    ) -> Result<Answer, Refusal> {
        let wanted = match body.get("orders") {
            Some(Value::Array(orders)) if !orders.is_empty() => orders,
            _ => return Err(Refusal::bad("`orders` must be an array with at least one order")),
        };
        let mut checked = Vec::with_capacity(wanted.len());
        for (index, order) in wanted.iter().enumerate() {
            let order = order.as_object().ok_or_else(|| Refusal::bad(format!("`orders[{index}]` must be an object")))?;
            checked.push((uuid(order, index)?, order, price(order, index)?));
        }
        let mut answers = Vec::with_capacity(checked.len());
        for (uuid, order, priced) in checked {
            let place = self.places.get(uuid).copied().unwrap_or(self.accepted.len());
            if place == self.accepted.len() {
                self.places.insert(uuid.to_owned(), place);
                let id = (BEFORE_FIRST + 1 + place).to_string();
                let public_id = format!("A-{id}");
                self.accepted.push(Accepted { uuid: uuid.to_owned(), id, public_id, order: order.clone(), priced, at: now });
            }
            if let Some(accepted) = self.accepted.get(place) {
                answers.push(accepted.answer(overrides).map_err(|error| Refusal::bad(error.to_string()))?);
            }
        }
        Ok(Answer::ok(&BTreeMap::from([("orders", answers)])))
    }

    pub(super) fn accepted(&self) -> Vec<Value> {
        let shown = |accepted: &Accepted| {
            json!({
                "uuid": accepted.uuid,
                "id": accepted.id,
                "publicId": accepted.public_id,
                "at": rfc3339(accepted.at),
                "order": accepted.order,
                "answer": accepted.answer(&Map::new()).ok(),
            })
        };
        self.accepted.iter().map(shown).collect()
    }
}

impl Accepted {
    fn answer(&self, overrides: &Map<String, Value>) -> serde_json::Result<Answered> {
        let mut answer = Answered::from([
            ("success".to_owned(), to_raw_value(&true)?),
            ("id".to_owned(), to_raw_value(&self.id)?),
            ("publicId".to_owned(), to_raw_value(&self.public_id)?),
            ("uuid".to_owned(), to_raw_value(&self.uuid)?),
            ("price".to_owned(), self.priced.total.to_number()),
            ("deliveryPrice".to_owned(), self.priced.delivery.to_number()),
            ("items".to_owned(), to_raw_value(&self.priced.items)?),
        ]);
        for (field, value) in overrides {
            if value.is_null() {
                answer.remove(field);
            } else {
                answer.insert(field.clone(), to_raw_value(value)?);
            }
        }
        Ok(answer)
    }
}

fn uuid(order: &Map<String, Value>, index: usize) -> Result<&str, Refusal> {
    order
        .get("uuid")
        .and_then(Value::as_str)
        .filter(|uuid| !uuid.is_empty())
        .ok_or_else(|| Refusal::bad(format!("`orders[{index}].uuid` must be a non-empty string")))
}

fn price(order: &Map<String, Value>, index: usize) -> Result<Priced, Refusal> {
    let absurd = || Refusal::bad(format!("`orders[{index}]` costs more than money can count"));
    let wanted = match order.get("items") {
        Some(Value::Array(items)) => items.as_slice(),
        None => &[],
        Some(_) => return Err(Refusal::bad(format!("`orders[{index}].items` must be an array"))),
    };
    let delivery = money(order, "deliveryPrice", &format!("orders[{index}]"))?.unwrap_or(Kopecks(0));
    let mut items = Vec::with_capacity(wanted.len());
    let mut total = delivery;
    for (at, item) in wanted.iter().enumerate() {
        let path = format!("orders[{index}].items[{at}]");
        let item = item.as_object().ok_or_else(|| Refusal::bad(format!("`{path}` must be an object")))?;
        let quantity = match item.get("quantity") {
            None => 1,
            Some(quantity) => quantity
                .as_u64()
                .filter(|quantity| *quantity > 0)
                .ok_or_else(|| Refusal::bad(format!("`{path}.quantity` must be a positive integer")))?,
        };
        let list = money(item, "price", &path)?.unwrap_or(LIST_PRICE);
        let discount = money(item, "discount", &path)?.unwrap_or(Kopecks(0));
        let unit = Kopecks(list.0.saturating_sub(discount.0));
        let subtotal = unit.times(quantity).ok_or_else(absurd)?;
        total = total.plus(subtotal).ok_or_else(absurd)?;
        items.push(Item {
            id: item.get("id").cloned(),
            configuration_id: item.get("configurationId").cloned(),
            private_id: item.get("privateId").cloned(),
            name: item.get("name").cloned(),
            quantity,
            price: unit.to_number(),
            subtotal: subtotal.to_number(),
        });
    }
    Ok(Priced { items, delivery, total })
}

fn money(object: &Map<String, Value>, field: &str, path: &str) -> Result<Option<Kopecks>, Refusal> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_number()
            .and_then(Kopecks::number)
            .map(Some)
            .ok_or_else(|| Refusal::bad(format!("`{path}.{field}` must be a number with at most two decimals"))),
    }
}

/// Every order refused, echoing its uuid.
pub(super) fn refuse(body: &[u8]) -> Answer {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let orders: Vec<Value> = body
        .get("orders")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|order| {
            json!({
                "success": false,
                "uuid": order.get("uuid"),
                "errorCode": "out_of_stock",
                "errorMessage": "Товар закончился",
            })
        })
        .collect();
    Answer::ok(&json!({ "orders": orders }))
}
