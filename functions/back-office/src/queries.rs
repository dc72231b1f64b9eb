//! The queries: an order, a payment, lists of payments. Nothing here changes anything.

use futures_util::future::join_all;
use lambda_http::{Body, Response};
use serde::Serialize;
use shared::payments::explain::ProviderView;
use shared::payments::payment::{Payment, State};
use shared::platform::dynamodb::{Cursor, Page};
use shared::platform::http::{self, Failure, Status};
use shared::platform::ids::OrderId;

use crate::Asked;
use crate::list_parameters::{self, DEFAULT_LIMIT, MAX_LIMIT, wrong};
use crate::response::{Answer, ShownOrder, ShownPayment, View};

/// How many payments of an order the provider is asked about at once.
const AT_ONCE: usize = 8;

#[derive(Serialize)]
struct OrderAnswer<'a> {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<ShownOrder<'a>>,
    /// Only if the shop gave one id to several orders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_orders: Vec<ShownOrder<'a>>,
    payments: Vec<ViewedPayment<'a>>,
    /// The ids of what is there and cannot be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<String>,
}

#[derive(Serialize)]
struct ViewedPayment<'a> {
    #[serde(flatten)]
    payment: ShownPayment<'a>,
    provider_view: View,
}

pub(crate) async fn order(asked: &Asked<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let id = OrderId::parse(id).map_err(|_| Failure::not_found())?;
    let settler = &asked.deps.settler;
    let (mut orders, payments, unreadable) = settler.orders.by_order_id(&id).await.map_err(Failure::internal)?;
    if orders.is_empty() && payments.is_empty() && unreadable.is_empty() {
        return Err(Failure::not_found());
    }
    // The one that was tried to be paid comes first.
    orders.sort_by_key(|order| order.attempts == 0);
    asked.shown(id.as_str(), orders.len() + payments.len());
    let deadline = asked.inbound.deadline();
    let mut reports = Vec::with_capacity(payments.len());
    for some in payments.chunks(AT_ONCE) {
        reports.extend(join_all(some.iter().map(|payment| settler.ask(payment, deadline))).await);
    }
    let now = asked.now();
    let mut orders = orders.iter().map(ShownOrder::of);
    let answer = OrderAnswer {
        success: true,
        order: orders.next(),
        other_orders: orders.collect(),
        payments: payments
            .iter()
            .zip(reports)
            .map(|(payment, report)| ViewedPayment {
                payment: ShownPayment::of(payment, ProviderView::of(report.as_ref()), now),
                provider_view: View::of(report),
            })
            .collect(),
        unreadable,
    };
    http::json(Status::Ok, &answer)
}

pub(crate) async fn payment(asked: &Asked<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let payment = asked.payment(id).await?;
    asked.shown(payment.id.as_str(), 1);
    http::json(
        Status::Ok,
        &Answer { success: true, payment: Some(ShownPayment::with_events(&payment, asked.now())), ..Answer::default() },
    )
}

#[derive(Serialize)]
struct PaymentsAnswer<'a> {
    success: bool,
    payments: Vec<ShownPayment<'a>>,
    /// Where the list goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// Payments that are there and cannot be read; what is wrong is in the log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<String>,
}

pub(crate) async fn payments(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let (limit, cursor) =
        (list_parameters::limit(asked.inbound, DEFAULT_LIMIT, MAX_LIMIT)?, list_parameters::cursor(asked.inbound)?);
    let orders = &asked.deps.settler.orders;
    let asked_for = ["state", "attention", "changed_since"].map(|name| asked.inbound.query(name));
    if asked_for[0].is_none() {
        let out_of_place = ["since", "until", "min", "max"].into_iter().find(|name| asked.inbound.query(name).is_some());
        if let Some(name) = out_of_place {
            return Err(wrong(name, "goes with `state` only"));
        }
    }
    let page = match asked_for {
        [None, None, Some(_)] => {
            let since = list_parameters::moment(asked.inbound, "changed_since")?;
            orders.changed(since, cursor.as_ref(), limit).await
        }
        [Some(name), None, None] => {
            let state = state(name)?;
            let since = list_parameters::moment(asked.inbound, "since")?;
            let until = asked.inbound.query("until").map(|_| list_parameters::moment(asked.inbound, "until")).transpose()?;
            if until.is_some_and(|until| until <= since) {
                return Err(wrong("until", "must be after `since`"));
            }
            let (min, max) = (list_parameters::amount(asked.inbound, "min")?, list_parameters::amount(asked.inbound, "max")?);
            if min.zip(max).is_some_and(|(min, max)| min > max) {
                return Err(wrong("max", "must not be below `min`"));
            }
            // An index is read a moment late: what has moved on meanwhile is on another list. Amounts are in none.
            let page = orders.in_state(state, since, until, cursor.as_ref(), limit).await;
            page.map(|page| {
                only(page, |payment| {
                    let amount = payment.amount.minor();
                    payment.state == state && min.is_none_or(|min| amount >= min) && max.is_none_or(|max| amount <= max)
                })
            })
        }
        [None, Some("true"), None] => {
            let page = orders.in_manual_review(cursor.as_ref(), limit).await;
            page.map(|page| only(page, |payment| payment.poll.manual_review))
        }
        [None, Some(_), None] => return Err(wrong("attention", "must be true")),
        _ => {
            let text = "one of the query parameters `state`, `attention=true` and `changed_since` must be there";
            return Err(Failure::bad_request(text));
        }
    };
    let page = page.map_err(list_parameters::unlisted)?;
    asked.shown(asked_for[0].unwrap_or(if asked_for[1].is_some() { "attention" } else { "changed" }), page.entries.len());
    let now = asked.now();
    let payments = page.entries.iter().map(|payment| ShownPayment::of(payment, ProviderView::NotAsked, now)).collect();
    let cursor = page.next.as_ref().map(Cursor::to_text);
    http::json(Status::Ok, &PaymentsAnswer { success: true, payments, cursor, unreadable: page.unreadable.clone() })
}

fn only(page: Page<Payment>, belongs: impl Fn(&Payment) -> bool) -> Page<Payment> {
    Page { entries: page.entries.into_iter().filter(belongs).collect(), ..page }
}

fn state(name: &str) -> Result<State, Failure> {
    State::from_name(name).ok_or_else(|| {
        let names: Vec<_> = State::ALL.into_iter().map(State::name).collect();
        wrong("state", &format!("must be one of {}", names.join(", ")))
    })
}
