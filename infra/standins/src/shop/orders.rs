//! `POST /shop/orders`: IMSHOP's order creation, answered by the shop that decides the price.
//!
//! A line costs the item's `price` if one was sent, otherwise 1500.00, times its `quantity`, which may be a weight, less its
//! `discount`. The order's price is the sum of its lines and the delivery, less the points spent (`authorizedBonuses`, one for a
//! ruble); what of this shops do otherwise is a reading each. Numbers may come as texts, ids as numbers. A repeated `uuid` gets the
//! same answer and makes no second order. A request with one unusable order is refused as a whole.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::readings::Reading;
use super::refusal::ShopRefusal;
use crate::answer::Answer;
use crate::json::rfc3339;
use crate::money::{Kopecks, Thousandths};
use crate::readings::Readings;

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
    /// None: the answer does not name it.
    price: Option<Kopecks>,
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
    quantity: Box<RawValue>,
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
        readings: &Readings<Reading>,
        now: OffsetDateTime,
    ) -> Result<Answer, ShopRefusal> {
        let wanted = match body.get("orders") {
            Some(Value::Array(orders)) if !orders.is_empty() => orders,
            _ => return Err(ShopRefusal::bad("`orders` must be an array with at least one order")),
        };
        let mut checked = Vec::with_capacity(wanted.len());
        for (index, order) in wanted.iter().enumerate() {
            let order = order.as_object().ok_or_else(|| ShopRefusal::bad(format!("`orders[{index}]` must be an object")))?;
            checked.push((uuid(order, index)?, order, price(order, index, readings)?));
        }
        let mut answers = Vec::with_capacity(checked.len());
        for (uuid, order, priced) in checked {
            let place = self.places.get(&uuid).copied().unwrap_or(self.accepted.len());
            if place == self.accepted.len() {
                self.places.insert(uuid.clone(), place);
                let id = (BEFORE_FIRST + 1 + place).to_string();
                let public_id = format!("A-{id}");
                self.accepted.push(Accepted { uuid, id, public_id, order: order.clone(), priced, at: now });
            }
            if let Some(accepted) = self.accepted.get(place) {
                answers.push(accepted.answer(overrides).map_err(|error| ShopRefusal::bad(error.to_string()))?);
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
            ("deliveryPrice".to_owned(), self.priced.delivery.to_number()),
            ("items".to_owned(), to_raw_value(&self.priced.items)?),
        ]);
        if let Some(price) = self.priced.price {
            answer.insert("price".to_owned(), price.to_number());
        }
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

fn uuid(order: &Map<String, Value>, index: usize) -> Result<String, ShopRefusal> {
    let said = match order.get("uuid") {
        Some(Value::String(uuid)) => uuid.clone(),
        Some(Value::Number(uuid)) if uuid.is_u64() => uuid.to_string(),
        _ => String::new(),
    };
    if said.is_empty() {
        return Err(ShopRefusal::bad(format!("`orders[{index}].uuid` must be a non-empty string")));
    }
    Ok(said)
}

fn price(order: &Map<String, Value>, index: usize, readings: &Readings<Reading>) -> Result<Priced, ShopRefusal> {
    let path = format!("orders[{index}]");
    let absurd = || ShopRefusal::bad(format!("`{path}` costs more than money can count"));
    let wanted = match order.get("items") {
        Some(Value::Array(items)) => items.as_slice(),
        None | Some(Value::Null) => &[],
        Some(_) => return Err(ShopRefusal::bad(format!("`{path}.items` must be an array"))),
    };
    let delivery = money(order, "deliveryPrice", &path)?.unwrap_or(Kopecks(0));
    // A shop knows its customers' points itself: what it cannot read here are none.
    let points = money(order, "authorizedBonuses", &path).ok().flatten().unwrap_or(Kopecks(0));
    let mut items = Vec::with_capacity(wanted.len());
    let mut total = if readings.is_other(Reading::Delivery) { Kopecks(0) } else { delivery };
    for (at, item) in wanted.iter().enumerate() {
        let (item, subtotal) = line(item, &format!("{path}.items[{at}]"), readings, absurd)?;
        total = total.plus(subtotal).ok_or_else(absurd)?;
        items.push(item);
    }
    let is_unnamed = points > Kopecks(0) && readings.is_other(Reading::Bonuses);
    let price = (!is_unnamed).then(|| total.minus(points).unwrap_or(Kopecks(0)));
    Ok(Priced { items, delivery, price })
}

/// A line of the answer, and what it costs.
fn line(
    item: &Value,
    path: &str,
    readings: &Readings<Reading>,
    absurd: impl Fn() -> ShopRefusal,
) -> Result<(Item, Kopecks), ShopRefusal> {
    let item = item.as_object().ok_or_else(|| ShopRefusal::bad(format!("`{path}` must be an object")))?;
    let quantity = match item.get("quantity") {
        None | Some(Value::Null) => Thousandths::ONE,
        Some(said) => Thousandths::read(said)
            .filter(|quantity| *quantity > Thousandths(0))
            .ok_or_else(|| ShopRefusal::bad(format!("`{path}.quantity` must be above zero, with at most three decimals")))?,
    };
    let unit = money(item, "price", path)?.unwrap_or(LIST_PRICE);
    let discount = money(item, "discount", path)?.unwrap_or(Kopecks(0));
    let whole = quantity.of(unit).ok_or_else(&absurd)?;
    let off = if readings.is_other(Reading::Discounts) { quantity.of(discount).ok_or_else(absurd)? } else { discount };
    let subtotal = whole.minus(off).unwrap_or(Kopecks(0));
    // One piece at the price of the weight.
    let is_piece = !quantity.is_whole() && readings.is_other(Reading::Weights);
    let (quantity, unit) = if is_piece { (Thousandths::ONE, whole) } else { (quantity, unit) };
    let answered = Item {
        id: item.get("id").cloned(),
        configuration_id: item.get("configurationId").cloned(),
        private_id: item.get("privateId").cloned(),
        name: item.get("name").cloned(),
        quantity: quantity.to_number(),
        price: unit.to_number(),
        subtotal: subtotal.to_number(),
    };
    Ok((answered, subtotal))
}

/// Absent, null and blank are the same; a number may be a text.
fn money(object: &Map<String, Value>, field: &str, path: &str) -> Result<Option<Kopecks>, ShopRefusal> {
    let said = match object.get(field) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(_) => String::new(),
    };
    let wrong = || ShopRefusal::bad(format!("`{path}.{field}` must be a number with at most two decimals"));
    Kopecks::lenient(&said).map(Some).ok_or_else(wrong)
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
