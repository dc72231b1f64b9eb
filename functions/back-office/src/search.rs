//! Looking for orders by what a person has of them, or by the day, and having what earlier releases stored found. No provider is asked.

use lambda_http::{Body, Response};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use shared::payments::explain::ProviderView;
use shared::payments::store::{FoundOrder, Indexed, Wanted};
use shared::platform::clock::{MOSCOW, Timestamp};
use shared::platform::dynamodb::{Cursor, Page, StoreError};
use shared::platform::http::{self, Failure, Status};
use shared::platform::ids::{OrderId, OrderUuid, PaymentId};

use crate::request::{self, CustomerPhone, Text, wrong};
use crate::response::{ShownOrder, ShownPayment};
use crate::{Asked, list_parameters};

/// How many orders an answer has at most.
const MOST: u16 = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchRequest {
    #[serde(default, deserialize_with = "request::meant")]
    phone: Option<CustomerPhone>,
    #[serde(default, deserialize_with = "request::meant")]
    order_uuid: Option<OrderUuid>,
    #[serde(default, deserialize_with = "request::meant")]
    public_id: Option<OrderId>,
    #[serde(default, deserialize_with = "request::meant")]
    payment_id: Option<NamedPayment>,
    #[serde(default, deserialize_with = "request::meant")]
    provider_id: Option<Text<200>>,
    #[serde(default, deserialize_with = "request::meant")]
    cursor: Option<String>,
}

/// An id of a payment.
struct NamedPayment(PaymentId);

impl<'de> Deserialize<'de> for NamedPayment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PaymentId::parse(&String::deserialize(deserializer)?)
            .map(Self)
            .map_err(|_| D::Error::custom("must be an id of a payment, like 1001-1"))
    }
}

#[derive(Serialize)]
struct SearchAnswer<'a> {
    success: bool,
    orders: Vec<ShownFound<'a>>,
    /// Where the list goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// The ids of what is there and cannot be read; what is wrong is in the log.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    unreadable: &'a [String],
}

#[derive(Serialize)]
struct ShownFound<'a> {
    #[serde(flatten)]
    order: ShownOrder<'a>,
    payments: Vec<ShownPayment<'a>>,
}

pub(crate) async fn search(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let SearchRequest { phone, order_uuid, public_id, payment_id, provider_id, cursor } = request::body(asked.inbound)?;
    let from = parsed(cursor.as_deref())?;
    let from = from.as_ref();
    let (of, page) = match (&phone, &order_uuid, &public_id, &payment_id, &provider_id) {
        (Some(CustomerPhone(phone)), None, None, None, None) => {
            (asked.digest(phone), page(asked, Wanted::Phone(phone), from).await?)
        }
        (None, Some(uuid), None, None, None) => (uuid.to_string(), page(asked, Wanted::Order(uuid), from).await?),
        (None, None, Some(id), None, None) => (id.to_string(), page(asked, Wanted::Public(id), from).await?),
        (None, None, None, Some(NamedPayment(id)), None) => (id.to_string(), page(asked, Wanted::Payment(id), from).await?),
        (None, None, None, None, Some(Text(id))) => (id.clone(), page(asked, Wanted::Provider(id), from).await?),
        _ => {
            let text =
                "exactly one of the fields `phone`, `order_uuid`, `public_id`, `payment_id` and `provider_id` must be there";
            return Err(Failure::bad_request(text));
        }
    };
    answer(asked, &of, &page)
}

/// The orders that were recorded on a day of the shop, the newest first.
pub(crate) async fn of_day(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let (limit, from) = (list_parameters::limit(asked.inbound, MOST, MOST)?, list_parameters::cursor(asked.inbound)?);
    let Some(day) = asked.inbound.query("day") else {
        return Err(Failure::bad_request("the query parameter `day` must be there"));
    };
    // As it is written in the index, in one way.
    let is_day = Timestamp::of_day(day, MOSCOW).is_some_and(|begins| begins.day(MOSCOW) == day);
    if !is_day {
        return Err(list_parameters::wrong("day", "must be a day like 2026-11-22"));
    }
    let page = asked.deps.settler.orders.search(Wanted::Day(day), from.as_ref(), limit).await;
    answer(asked, day, &page.map_err(list_parameters::unlisted)?)
}

fn answer(asked: &Asked<'_>, of: &str, page: &Page<FoundOrder>) -> Result<Response<Body>, Failure> {
    asked.shown(of, page.entries.len());
    let now = asked.now();
    let orders = page.entries.iter().map(|found| ShownFound {
        order: ShownOrder::of(&found.order),
        payments: found.payments.iter().map(|payment| ShownPayment::of(payment, ProviderView::NotAsked, now)).collect(),
    });
    let cursor = page.next.as_ref().map(Cursor::to_text);
    http::json(Status::Ok, &SearchAnswer { success: true, orders: orders.collect(), cursor, unreadable: &page.unreadable })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReindexRequest {
    #[serde(default, deserialize_with = "request::meant")]
    cursor: Option<String>,
}

#[derive(Serialize)]
struct ReindexAnswer {
    success: bool,
    indexed: u32,
    seen: u32,
    /// Where it goes on; not there once everything was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// The keys of what cannot be read; what is wrong is in the log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<String>,
}

/// Goes on having found what earlier releases have stored.
pub(crate) async fn reindex(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let ReindexRequest { cursor } = request::body(asked.inbound)?;
    let from = parsed(cursor.as_deref())?;
    let done = asked.deps.settler.orders.reindex(from.as_ref(), asked.inbound.deadline()).await.map_err(unlisted)?;
    let Indexed { seen, indexed, unreadable, next } = done;
    tracing::info!(who = asked.who, action = asked.action, seen, indexed, "indexed");
    let cursor = next.as_ref().map(Cursor::to_text);
    http::json(Status::Ok, &ReindexAnswer { success: true, indexed, seen, cursor, unreadable })
}

fn parsed(cursor: Option<&str>) -> Result<Option<Cursor>, Failure> {
    cursor.map(Cursor::parse).transpose().map_err(|error| wrong("cursor", error))
}

async fn page(asked: &Asked<'_>, wanted: Wanted<'_>, from: Option<&Cursor>) -> Result<Page<FoundOrder>, Failure> {
    asked.deps.settler.orders.search(wanted, from, MOST).await.map_err(unlisted)
}

fn unlisted(error: StoreError) -> Failure {
    match error {
        StoreError::Cursor(error) => wrong("cursor", error),
        error @ (StoreError::Failed { .. }
        | StoreError::InDoubt { .. }
        | StoreError::Unreadable { .. }
        | StoreError::Newer { .. }
        | StoreError::Random(_)) => list_parameters::unlisted(error),
    }
}
