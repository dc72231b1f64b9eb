//! What is known of a cart when its ways to pay are chosen.

use serde_json::Value;
use time::{PrimitiveDateTime, UtcOffset};

use crate::payments::imshop::payments::{Item, Request};
use crate::payments::payment::{Fact, Goods, Order};
use crate::platform::clock::Timestamp;
use crate::platform::ids::ItemId;
use crate::platform::money::{Currency, Decimal, Money, Quantity};
use crate::platform::wire::{Flag, Lenient, Said};

/// How long before its recording an order's list of ways to pay may have been asked for.
const EARLIER: std::time::Duration = std::time::Duration::from_hours(1);

/// Every fact that a condition can ask for. An inner `None` means: known to have none.
#[derive(Clone, Default)]
pub struct Facts {
    /// ISO code of the country.
    pub country: Fact<Option<String>>,
    /// City: a name or a FIAS id.
    pub city: Fact<Option<String>>,
    /// The delivery, maybe `source/id`.
    pub delivery: Fact<Option<String>>,
    /// The pickup point.
    pub pickup_location: Fact<Option<String>>,
    /// Something is ordered ahead of its release.
    pub preorder: Fact<bool>,
    /// The order is for a company.
    pub legal_entity: Fact<bool>,
    /// The promo code.
    pub promocode: Fact<Option<String>>,
    /// Bonus points spent.
    pub bonuses: Fact<Decimal>,
    /// What is said of the active promotions: every text and number, however deep.
    pub promo: Fact<Vec<String>>,
    /// What is in the cart.
    pub goods: Fact<Vec<Goods>>,
    /// How much of it all together, in thousandths of a piece.
    pub quantity: Fact<i64>,
    /// What it costs.
    pub amount: Fact<Money>,
    /// The shop knows the customer.
    pub known_customer: Fact<bool>,
    /// The time at the shop.
    pub local_time: Fact<PrimitiveDateTime>,
}

impl Facts {
    /// A cart as the list of ways to pay is asked for. What the request does not say is not there; the amount, and what cannot be read,
    /// is unknown.
    #[must_use]
    pub fn of_cart(request: &Request, amount: Option<Money>, now: Timestamp, offset: UtcOffset) -> Self {
        let text = |id: &Said<ItemId>| said(id.as_ref()).map(|id| id.map(|id| id.as_str().to_owned()));
        let flag = |flag: &Said<Flag>| said(flag.as_ref()).map(|flag| flag == Some(Flag(true)));
        let promo = said(request.promo_group.as_ref()).map(|groups| {
            let mut promo = Vec::new();
            if let Some(groups) = &groups {
                leaves(groups, &mut promo);
            }
            promo
        });
        let lines = request.lines();
        let quantities =
            lines.as_ref().and_then(|lines| lines.iter().map(|line| line.and_then(quantity)).collect::<Option<Vec<_>>>());
        Self {
            country: text(&request.country),
            city: text(&request.city),
            delivery: text(&request.delivery_id),
            pickup_location: text(&request.pickup_location_id),
            preorder: flag(&request.has_preorder_items),
            legal_entity: flag(&request.legal_entity_mode),
            promocode: text(&request.promocode),
            bonuses: said(request.bonuses_spent.as_ref()).map(Option::unwrap_or_default),
            promo,
            goods: lines.as_ref().and_then(|lines| lines.iter().map(|line| line.and_then(goods)).collect()).into(),
            quantity: quantities.map(|quantities| pieces(quantities.into_iter())).into(),
            amount: amount.into(),
            known_customer: said(request.external_user_id.as_ref()).map(|id| id.is_some()),
            local_time: Fact::Known(local(now, offset)),
        }
    }

    /// Every cart that an order's list of ways to pay may have been asked for with: when the order was recorded or a while
    /// before, at the cart's own prices or at the shop's, with the delivery or without. An amount in another currency than
    /// the shop's says nothing, nor does that of a part of a split cart.
    #[must_use]
    pub fn of_order(order: &Order, currency: Currency, offset: UtcOffset) -> Vec<Self> {
        let recorded = Self::recorded(order);
        let times: Vec<_> = match &order.cart {
            Some(cart) => [cart.at, cart.at.minus(EARLIER)].map(|at| Fact::Known(local(at, offset))).into(),
            None => vec![Fact::Unknown],
        };
        let amounts = amounts(order, currency);
        let with = |amount: &Fact<Money>, local_time: &Fact<PrimitiveDateTime>| Self {
            amount: *amount,
            local_time: *local_time,
            ..recorded.clone()
        };
        times.iter().flat_map(|time| amounts.iter().map(move |amount| with(amount, time))).collect()
    }

    fn recorded(order: &Order) -> Self {
        let Some(cart) = order.cart.clone() else { return Self::default() };
        Self {
            country: cart.country,
            city: cart.city,
            delivery: cart.delivery,
            pickup_location: cart.pickup_location,
            promocode: cart.promocode,
            bonuses: cart.bonuses,
            quantity: cart.goods.known().map(|goods| pieces(goods.iter().map(|goods| goods.quantity))).into(),
            goods: cart.goods,
            known_customer: cart.known_customer,
            ..Self::default()
        }
    }
}

fn amounts(order: &Order, currency: Currency) -> Vec<Fact<Money>> {
    if order.cart.as_ref().is_some_and(|cart| cart.is_split) {
        return vec![Fact::Unknown];
    }
    let goods = order.amount.zip(order.delivery).and_then(|(all, delivery)| all.minus(delivery).ok());
    let own = order.cart.as_ref().and_then(|cart| cart.amount.known().copied());
    let known = [order.amount, goods, own].into_iter().flatten().filter(|amount| amount.currency() == currency);
    let amounts: Vec<_> = known.map(Fact::Known).collect();
    if amounts.is_empty() { vec![Fact::Unknown] } else { amounts }
}

/// What a field says: a value, or that there is none. Nothing is known of one that cannot be read.
fn said<T: Clone>(field: Option<&Lenient<T>>) -> Fact<Option<T>> {
    match field {
        None => Fact::Known(None),
        Some(Lenient(Some(value))) => Fact::Known(Some(value.clone())),
        Some(Lenient(None)) => Fact::Unknown,
    }
}

/// A line's goods, unless an id of theirs cannot be read.
fn goods(item: &Item) -> Option<Goods> {
    let ids = [&item.configuration_id, &item.private_id, &item.id].map(|id| said(id.as_ref()));
    let [Fact::Known(offer), Fact::Known(product), Fact::Known(own)] = &ids else { return None };
    Some(Goods {
        ids: Goods::ids([offer, product, own].map(Option::as_ref)),
        quantity: quantity(item).unwrap_or(Quantity::ONE),
        warehouse: said(item.warehouse_id.as_ref()).map(|id| id.map(|id| id.as_str().to_owned())),
    })
}

/// How many of a line: one, if the quantity is missing.
fn quantity(item: &Item) -> Option<Quantity> {
    item.quantity.map_or(Some(Quantity::ONE), |said| said.0)
}

fn pieces(quantities: impl Iterator<Item = Quantity>) -> i64 {
    quantities.map(Quantity::thousandths).fold(0, i64::saturating_add)
}

/// Every text and number in a JSON value.
fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => found.push(number.to_string()),
        Value::String(text) => found.push(text.trim().to_owned()),
        Value::Array(values) => values.iter().for_each(|value| leaves(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| leaves(value, found)),
    }
}

fn local(at: Timestamp, offset: UtcOffset) -> PrimitiveDateTime {
    let utc = at.utc();
    let local = utc.checked_to_offset(offset).unwrap_or(utc);
    PrimitiveDateTime::new(local.date(), local.time())
}
