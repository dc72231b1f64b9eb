//! The shop's own system pushes an order, or corrects one that is not being paid yet.

use lambda_http::{Body, Response};
use serde_json::json;
use shared::payments::imshop::orders::{Push, PushedItem};
use shared::payments::payment::{Known, Line, LineTax, Order, Prepayment};
use shared::platform::clock::Timestamp;
use shared::platform::dynamodb::Written;
use shared::platform::env::parse_url;
use shared::platform::http::{self, Failure, Inbound, Status};
use shared::platform::ids::OrderUuid;
use shared::platform::money::{Currency, Money};
use shared::platform::phone::Phone;

use crate::Deps;
use crate::amount::{prepaid, prepaid_on};
use crate::record::bounded;

/// How often a write may lose against another one before the shop is asked to try again.
const ROUNDS: u32 = 5;

pub(crate) async fn push(deps: &Deps, inbound: &Inbound, uuid: &str) -> Result<Response<Body>, Failure> {
    inbound.limit_body(http::SMALL_BODY)?;
    inbound.authorize_by_header(&deps.shop_keys, "order-push", &deps.metrics)?;
    let uuid = OrderUuid::parse(uuid).map_err(|error| Failure::bad_request(format!("orderUuid in the path {error}")))?;
    let push: Push = inbound.json()?;
    // What is wrong with it is said before anything is looked up.
    order(uuid.clone(), push.clone(), Some(deps.terms.default_currency), deps.clock.now())?;
    for _ in 0..ROUNDS {
        let known = deps.orders.order(&uuid).await.map_err(Failure::internal)?;
        // An amount without a currency is one in the order's own.
        let currency = known.as_ref().map_or(Some(deps.terms.default_currency), |known| known.currency);
        let pushed = deps.kept(bounded(order(uuid.clone(), push.clone(), currency, deps.clock.now())?));
        let order = match known {
            None => pushed,
            Some(known) => {
                let corrected = corrected(&pushed, push.prepayment.is_some() || push.prepayment_url.is_some(), &known);
                if !has_rest(&corrected) {
                    return Err(Failure::bad_request(
                        "field `prepayment`: must be said anew (0 if nothing is prepaid), since what was said of it before is not below this \
                         amount, or could not be read",
                    ));
                }
                let stands = |order: Order| Order { said_at: known.said_at, person_until: known.person_until, ..order } == known;
                let is_same = stands(corrected.clone());
                let is_news = corrected.said_at > known.said_at || !is_same;
                if !is_news {
                    return http::json(Status::Ok, &json!({"success": true}));
                }
                match relied_on(deps, &known).await? {
                    None => corrected,
                    // Beside a customer who was forgotten meanwhile.
                    Some(refusal) if !is_same && (known.has_person() || !stands(corrected.clone().without_person())) => {
                        return Err(refusal);
                    }
                    // Said again: what was said in between, and waits in the queue, does not count any more.
                    Some(_) => Order { said_at: corrected.said_at, ..known },
                }
            }
        };
        match deps.orders.save_order(&order).await.map_err(Failure::internal)? {
            Written::Yes => {
                tracing::info!(order_uuid = %order.uuid, "order pushed by the shop");
                return http::json(Status::Ok, &json!({"success": true}));
            }
            // A payment was opened or another push came in between: look again.
            Written::Conflict => {}
        }
    }
    Err(Failure::unavailable("an order is being written by too many at once"))
}

/// Whether it is certain that something is left to pay beside a prepayment.
fn has_rest(order: &Order) -> bool {
    match (&order.known.prepayment, order.amount) {
        (Some(Prepayment::Made(made)), Some(amount)) => made.currency() == amount.currency() && prepaid(*made, amount).is_some(),
        (Some(Prepayment::Unclear), _) => false,
        (Some(Prepayment::Made(_) | Prepayment::After(_)) | None, _) => true,
    }
}

/// The known order with what was pushed; what the shop leaves out stays.
fn corrected(pushed: &Order, says_prepayment: bool, known: &Order) -> Order {
    let pushed = pushed.clone();
    // Who is not named anew is kept no longer for it.
    let person_until = if pushed.has_person() { pushed.person_until } else { known.person_until.or(pushed.person_until) };
    // Prices in another currency say nothing about this order any more; those in an unknown one were never recorded.
    let keeps_lines = pushed.lines.is_empty() && (known.currency.is_none() || pushed.currency == known.currency);
    let (lines, delivery) = if keeps_lines { (known.lines.clone(), known.delivery) } else { (pushed.lines, None) };
    let corrected = Order {
        public_id: pushed.public_id.or_else(|| known.public_id.clone()),
        phone: pushed.phone.or_else(|| known.phone.clone()),
        email: pushed.email.or_else(|| known.email.clone()),
        name: pushed.name.or_else(|| known.name.clone()),
        known: Known {
            address: pushed.known.address.or_else(|| known.known.address.clone()),
            returning: pushed.known.returning.or(known.known.returning),
            term: pushed.known.term.or(known.known.term),
            prepayment: if says_prepayment { pushed.known.prepayment } else { known.known.prepayment.clone() },
        },
        install_id: pushed.install_id.or_else(|| known.install_id.clone()),
        check_number: pushed.check_number.or_else(|| known.check_number.clone()),
        check_link: pushed.check_link.or_else(|| known.check_link.clone()),
        lines,
        delivery,
        said_at: pushed.said_at,
        cart: known.cart.clone(),
        person_until,
        erasure_asked: false,
        latest_payment: None,
        attempts: 0,
        earlier_ids: Vec::new(),
        found_as: None,
        recorded_at: None,
        version: 0,
        uuid: pushed.uuid,
        id: pushed.id,
        amount: pushed.amount,
        currency: pushed.currency,
    };
    corrected.in_place_of(known)
}

/// An order on which a payment relies cannot be changed any more.
async fn relied_on(deps: &Deps, known: &Order) -> Result<Option<Failure>, Failure> {
    let Some(id) = &known.latest_payment else { return Ok(None) };
    let payment = deps.orders.payment(id).await.map_err(Failure::internal)?;
    let payment = payment.ok_or_else(|| Failure::internal("the order's latest payment is gone"))?;
    if !payment.relies_on_its_order() {
        return Ok(None);
    }
    let state = payment.state.name();
    Ok(Some(Failure::conflict(format!("the order has a payment ({id}, {state}): it cannot be changed any more"))))
}

/// The order as it is pushed; `own` is its currency if the push names none.
fn order(uuid: OrderUuid, push: Push, own: Option<Currency>, now: Timestamp) -> Result<Order, Failure> {
    let wrong = |field: &str, error: &dyn std::fmt::Display| Failure::bad_request(format!("field `{field}`: {error}"));
    let currency = match &push.currency {
        Some(code) => Currency::parse(code).map_err(|error| wrong("currency", &error))?,
        None => {
            own.ok_or_else(|| wrong("currency", &"must be said, since the shop's answer to this order names none that is known"))?
        }
    };
    if let Some(link) = &push.check_link {
        parse_url(link).map_err(|error| wrong("checkLink", &error))?;
    }
    let phone = push.phone.as_deref().map(Phone::parse).transpose().map_err(|error| wrong("phone", &error))?;
    if push.term.is_some_and(|term| !Known::TERMS.contains(&term)) {
        return Err(wrong("term", &"must be 1 to 60 months"));
    }
    let amount = Money::new(push.amount, currency);
    let prepayment = match (push.prepayment, push.prepayment_url) {
        (None, None) => None,
        (Some(made), None) if made.hundredths() == 0 => None,
        (Some(made), None) => {
            Some(prepaid(Money::new(made, currency), amount).ok_or_else(|| wrong("prepayment", &"must be below the amount"))?)
        }
        (None, Some(page)) => Some(prepaid_on(&page).map_err(|error| wrong("prepaymentUrl", &error))?),
        (Some(_), Some(_)) => return Err(wrong("prepaymentUrl", &"and `prepayment` are two ways to prepay: an order has one")),
    };
    let items = push.items.unwrap_or_default();
    if let Some(index) = items.iter().position(|item| item.quantity.is_zero()) {
        return Err(wrong(&format!("items[{index}].quantity"), &"must be above zero"));
    }
    Ok(Order {
        uuid,
        id: push.order_id,
        public_id: push.public_id,
        amount: Some(amount),
        currency: Some(currency),
        phone,
        email: push.email,
        name: push.name,
        lines: items.into_iter().map(|item| line(item, currency)).collect(),
        delivery: None,
        known: Known { address: push.address, returning: push.returning_customer, term: push.term, prepayment },
        install_id: push.install_id,
        check_number: push.check_number,
        check_link: push.check_link,
        said_at: now,
        cart: None,
        person_until: None,
        erasure_asked: false,
        latest_payment: None,
        attempts: 0,
        earlier_ids: Vec::new(),
        found_as: None,
        recorded_at: Some(now),
        version: 0,
    })
}

fn line(item: PushedItem, currency: Currency) -> Line {
    Line {
        sku: item.sku,
        name: item.name,
        quantity: item.quantity,
        price: item.price.map(|price| Money::new(price, currency)),
        subtotal: item.subtotal.map(|subtotal| Money::new(subtotal, currency)),
        brand: item.brand,
        category: item.category,
        tax: LineTax { vat: item.vat, subject: item.subject, mode: item.mode },
    }
}
