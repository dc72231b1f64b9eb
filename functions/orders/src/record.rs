//! What of an order a payment will need: from the request who and what, from the shop's answer how much.

use shared::payments::imshop::orders::{Answer, AnsweredOrder, Item, Order as Requested, Request};
use shared::payments::payment::{Cart, Fact, Goods, Known, Line, Order, Prepayment};
use shared::payments::texts;
use shared::platform::clock::Timestamp;
use shared::platform::ids::{ItemId, OrderUuid};
use shared::platform::metrics;
use shared::platform::money::{Currency, Money, Quantity};
use shared::platform::phone::Phone;
use shared::platform::wire::{Flag, Lenient};

use crate::Deps;
use crate::amount;
use crate::matching::{self, Matched, Trouble};
use crate::tax::{self, ItemAt, Unreadable};

/// A cart of more lines is recorded without them: rules on goods are about carts that people fill.
const MAX_GOODS: usize = 100;

/// The orders that the shop accepted, ready to be recorded.
pub(crate) fn accepted(deps: &Deps, request: &Request, answer: &Answer) -> Vec<Order> {
    let now = deps.clock.now();
    let Matched { accepted, mut troubles } = matching::matched(&request.orders, &answer.orders);
    let mut orders: Vec<Order> = Vec::new();
    for (requested, answered) in accepted {
        let twice = (Trouble::Twice, Some(&requested.uuid));
        if troubles.contains(&twice) {
            continue;
        }
        let Some(order) = order(deps, request, requested, answered, now) else {
            troubles.push((Trouble::WithoutId, Some(&requested.uuid)));
            continue;
        };
        let order = Order { cart: Some(cart(request, requested, order.currency, now)), ..order };
        match orders.iter().position(|other| other.uuid == order.uuid) {
            None => orders.push(deps.kept(bounded(order))),
            Some(index) if is_same(&orders[index], &order) => {}
            // Which of the two IMSHOP believes is anybody's guess.
            Some(index) => {
                orders.remove(index);
                troubles.push(twice);
            }
        }
    }
    for (trouble, uuid) in troubles {
        let (uuid, reason) = (uuid.map_or("", OrderUuid::as_str), trouble.reason());
        tracing::error!(order_uuid = uuid, reason, "the shop's answer to an order cannot be understood: it is not recorded");
        deps.not_recorded(uuid, reason);
    }
    orders
}

/// Whether two answers are the same as far as money goes.
pub(crate) fn is_same(one: &Order, other: &Order) -> bool {
    one.id == other.id
        && one.amount == other.amount
        && one.currency == other.currency
        && one.known.prepayment == other.known.prepayment
}

/// The order in a size that can always be stored.
pub(crate) fn bounded(order: Order) -> Order {
    let (uuid, lines) = (order.uuid.clone(), order.lines.len());
    let whole = order.clone();
    let bounded = order.bounded();
    if bounded != whole {
        tracing::warn!(order_uuid = %uuid, lines, recorded_lines = bounded.lines.len(), "an order is recorded shortened, its amount as it is");
    }
    bounded
}

fn order(deps: &Deps, request: &Request, requested: &Requested, answered: &AnsweredOrder, now: Timestamp) -> Option<Order> {
    let terms = deps.terms;
    let currency = terms.currency(requested, answered);
    let mut unreadable = Unreadable::default();
    let lines = lines(requested, answered, currency, &mut unreadable);
    unreadable.log(&requested.uuid);
    let delivery = answered.delivery_price.as_ref().and_then(|said| said.0);
    let delivery = delivery.and_then(|delivery| Some(Money::new(delivery, currency?)));
    let amount = terms.amount(requested, answered, &lines, currency);
    let prepayment = amount::prepayment(answered, amount.ok(), currency);
    // What is left to pay is as much in doubt as what is prepaid.
    let amount = amount.and_then(|amount| prepayment.as_ref().map(|_| amount).map_err(|field| *field));
    if let Err(field) = amount {
        tracing::warn!(order_uuid = %requested.uuid, field, "the shop's answer leaves no certain amount: this order cannot be paid");
        deps.metrics.emit(&[(metrics::ORDERS_WITHOUT_AMOUNT, 1)], &[(metrics::ORDER, requested.uuid.as_str())]);
    }
    let amount = amount.ok();
    Some(Order {
        uuid: requested.uuid.clone(),
        id: answered.id.0.clone()?,
        public_id: answered.public_id.0.clone(),
        amount,
        currency,
        phone: requested.phone.0.as_deref().and_then(|phone| Phone::parse(phone).ok()),
        email: text(&requested.email),
        name: text(&requested.name),
        lines,
        delivery,
        known: Known {
            address: text(&requested.address),
            returning: answered.returning_customer.0.map(|Flag(returning)| returning),
            term: answered.term.0.filter(|term| Known::TERMS.contains(term)),
            prepayment: prepayment.unwrap_or(Some(Prepayment::Unclear)),
        },
        install_id: request.install_id.0.clone(),
        check_number: text(&answered.check_number),
        check_link: text(&answered.check_link),
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

/// What the request says of the cart. Null says that there is none; what is missing or unreadable says nothing, nor do a part's
/// items and delivery about a cart that was split.
fn cart(request: &Request, requested: &Requested, currency: Option<Currency>, now: Timestamp) -> Cart {
    let is_split = request.orders.len() > 1;
    let text = |said: &Lenient<Option<ItemId>>| Fact::from(said.0.clone()).map(|id| id.map(|id| id.as_str().to_owned()));
    let of_whole = |said| if is_split { Fact::Unknown } else { text(said) };
    // Goods of which nothing can be read may be any.
    let are_known = |items: &&Vec<Item>| items.len() <= MAX_GOODS && !items.contains(&Item::default());
    let items = requested.items.0.as_ref().filter(|items| !is_split && are_known(items));
    let goods = |item: &Item| Goods {
        ids: Goods::ids([item.configuration_id.0.as_ref(), item.private_id.0.as_ref(), item.id.0.as_ref()]),
        quantity: item.pieces().unwrap_or(Quantity::ONE),
        warehouse: text(&item.warehouse_id),
    };
    let bonuses = requested.authorized_bonuses.as_ref().and_then(|said| said.0).filter(|_| !is_split);
    Cart {
        at: now,
        is_split,
        country: text(&requested.country),
        city: text(&requested.city),
        delivery: of_whole(&requested.delivery),
        pickup_location: of_whole(&requested.pickup_location_id),
        promocode: text(&requested.promocode),
        bonuses: Fact::from(bonuses).map(Option::unwrap_or_default),
        known_customer: Fact::from(requested.external_user_id.0.as_ref()).map(Option::is_some),
        goods: items.map(|items| items.iter().map(goods).collect()).into(),
        amount: currency.and_then(|currency| requested.items_amount(currency)).filter(|_| !is_split).into(),
    }
}

/// The answered items, named by the requested ones; without answered items the requested ones, without their prices.
fn lines(requested: &Requested, answered: &AnsweredOrder, currency: Option<Currency>, unreadable: &mut Unreadable) -> Vec<Line> {
    let asked = requested.items.0.as_deref().unwrap_or_default();
    let asked = || ItemAt::all(asked, "the order as IMSHOP sent it");
    if let Some(items) = &answered.items.0 {
        let twin = |item: &Item| asked().find(|other| sku(other.item).is_some() && sku(other.item) == sku(item));
        let items = ItemAt::all(items, "the shop's answer");
        return items.map(|at| line(at, twin(at.item), currency, unreadable)).collect();
    }
    asked().map(|at| Line { price: None, subtotal: None, ..line(at, None, currency, unreadable) }).collect()
}

fn line(at: ItemAt<'_>, twin_at: Option<ItemAt<'_>>, currency: Option<Currency>, unreadable: &mut Unreadable) -> Line {
    let (item, twin) = (at.item, twin_at.map(|twin| twin.item));
    let name = item.name.0.clone().or_else(|| twin.and_then(|twin| twin.name.0.clone()));
    let quantity = item.pieces().or_else(|| twin.and_then(Item::pieces));
    Line {
        sku: sku(item).cloned(),
        name: name.unwrap_or_else(|| texts::GOODS.to_owned()),
        quantity: quantity.unwrap_or(Quantity::ONE),
        price: item.price.and_then(|said| Some(Money::new(said.0?, currency?))),
        // A quantity that the shop does not say is not taken from the request.
        subtotal: currency.and_then(|currency| item.numbers().total(currency)),
        brand: text(&item.brand).or_else(|| text(&twin?.brand)),
        category: text(&item.category).or_else(|| text(&twin?.category)),
        tax: tax::of_line(at, twin_at, unreadable),
    }
}

/// A text with something in it.
fn text(said: &Lenient<String>) -> Option<String> {
    said.0.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn sku(item: &Item) -> Option<&ItemId> {
    item.configuration_id.0.as_ref().or(item.private_id.0.as_ref()).or(item.id.0.as_ref())
}
