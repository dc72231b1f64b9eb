//! What of an order a payment will need: from the request who and what, from the shop's answer how much.

use shared::ids::ItemId;
use shared::imshop::orders::{Answer, AnsweredOrder, Item, Order as Requested, Request};
use shared::money::{Currency, Money, Quantity};
use shared::payment::{Line, Order};
use shared::phone::Phone;

/// The orders that the shop accepted, ready to be recorded.
pub(crate) fn accepted(request: &Request, answer: &Answer, default_currency: Currency) -> Vec<Order> {
    let accepted = answer.orders.iter().filter(|answered| answered.success.0 == Some(true));
    let orders = accepted.filter_map(|answered| {
        let uuid = answered.uuid.0.as_ref()?;
        let requested = request.orders.iter().find(|order| order.uuid == *uuid)?;
        let order = order(request, requested, answered, default_currency);
        if order.is_none() {
            tracing::error!(order_uuid = %uuid, "the shop accepted an order without an id");
        }
        order
    });
    orders.collect()
}

fn order(request: &Request, requested: &Requested, answered: &AnsweredOrder, default_currency: Currency) -> Option<Order> {
    let said = answered.currency.0.as_deref().or(requested.currency.0.as_deref());
    let currency = match said.map(Currency::parse) {
        Some(Ok(currency)) => Some(currency),
        Some(Err(_)) => None,
        None => Some(default_currency),
    };
    // An amount in a currency that nobody here knows is no amount: the order is known, but cannot be paid.
    let currency_is_known = currency.is_some();
    let currency = currency.unwrap_or(default_currency);
    let money = |amount| Money::new(amount, currency);
    let lines = lines(requested, answered, currency);
    let delivery = match &answered.delivery_price {
        Some(said) => said.0,
        None => requested.delivery_price.0,
    };
    let delivery = delivery.map(money);
    let unreadable_delivery = answered.delivery_price.as_ref().is_some_and(|said| said.0.is_none());
    let amount = match &answered.price {
        _ if !currency_is_known => None,
        Some(said) => said.0.map(money),
        None if unreadable_delivery => None,
        None => sum(answered, delivery, currency),
    };
    let text = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    Some(Order {
        uuid: requested.uuid.clone(),
        id: answered.id.0.clone()?,
        public_id: answered.public_id.0.clone(),
        amount,
        currency,
        phone: requested.phone.0.as_deref().and_then(|phone| Phone::parse(phone).ok()),
        email: text(&requested.email.0),
        name: text(&requested.name.0),
        lines,
        delivery,
        install_id: request.install_id.0.clone(),
        check_number: text(&answered.check_number.0),
        check_link: text(&answered.check_link.0),
        latest_payment: None,
        attempts: 0,
        version: 0,
    })
}

/// The sum of the answered items' subtotals and the delivery. The request's prices are for reference only and do not count.
fn sum(answered: &AnsweredOrder, delivery: Option<Money>, currency: Currency) -> Option<Money> {
    let lines: Vec<Line> = answered.items.0.as_ref()?.iter().map(|item| line(item, None, currency)).collect();
    Order::sum_of_lines(&lines, delivery, currency).ok().flatten()
}

/// The answered items, named by the requested ones; without answered items the requested ones, without their prices.
fn lines(requested: &Requested, answered: &AnsweredOrder, currency: Currency) -> Vec<Line> {
    let asked = requested.items.0.as_deref().unwrap_or_default();
    if let Some(items) = &answered.items.0 {
        let twin = |item: &Item| asked.iter().find(|other| sku(other).is_some() && sku(other) == sku(item));
        return items.iter().map(|item| line(item, twin(item), currency)).collect();
    }
    let unpriced = asked.iter().cloned().map(|mut item| {
        item.price.0 = None;
        item.subtotal.0 = None;
        line(&item, None, currency)
    });
    unpriced.collect()
}

fn line(item: &Item, twin: Option<&Item>, currency: Currency) -> Line {
    let name = item.name.0.clone().or_else(|| twin.and_then(|twin| twin.name.0.clone()));
    let quantity = item.quantity.0.or_else(|| twin.and_then(|twin| twin.quantity.0));
    Line {
        sku: sku(item).cloned(),
        name: name.unwrap_or_else(|| "Товар".to_owned()),
        quantity: quantity.unwrap_or(Quantity::ONE),
        price: item.price.0.map(|price| Money::new(price, currency)),
        subtotal: item.subtotal.0.map(|subtotal| Money::new(subtotal, currency)),
    }
}

fn sku(item: &Item) -> Option<&ItemId> {
    item.configuration_id.0.as_ref().or(item.private_id.0.as_ref()).or(item.id.0.as_ref())
}
