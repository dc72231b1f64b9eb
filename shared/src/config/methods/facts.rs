//! What is known of a cart when its ways to pay are chosen.

use serde_json::Value;
use time::{PrimitiveDateTime, UtcOffset};

use crate::clock::Timestamp;
use crate::ids::ItemId;
use crate::imshop::payments::{Item, Request};
use crate::money::{Currency, Decimal, Money, Quantity};
use crate::payment::{Fact, Goods, Order};

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
    /// What it costs.
    pub amount: Fact<Money>,
    /// The shop knows the customer.
    pub known_customer: Fact<bool>,
    /// The time at the shop.
    pub local_time: Fact<PrimitiveDateTime>,
}

impl Facts {
    /// A cart as the list of ways to pay is asked for. What the request does not say is not there; only the amount may be
    /// unknown.
    #[must_use]
    pub fn of_cart(request: &Request, amount: Option<Money>, now: Timestamp, offset: UtcOffset) -> Self {
        let text = |id: &Option<ItemId>| Fact::Known(id.as_ref().map(|id| id.as_str().to_owned()));
        let mut promo = Vec::new();
        if let Some(groups) = &request.promo_group.0 {
            leaves(groups, &mut promo);
        }
        let items = request.items.as_deref().unwrap_or_default();
        Self {
            country: text(&request.country),
            city: text(&request.city),
            delivery: text(&request.delivery_id),
            pickup_location: text(&request.pickup_location_id),
            preorder: Fact::Known(request.has_preorder_items == Some(true)),
            legal_entity: Fact::Known(request.legal_entity_mode == Some(true)),
            promocode: text(&request.promocode),
            bonuses: Fact::Known(request.bonuses_spent.unwrap_or_default()),
            promo: Fact::Known(promo),
            goods: Fact::Known(items.iter().map(goods).collect()),
            amount: amount.into(),
            known_customer: Fact::Known(request.external_user_id.is_some()),
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

fn goods(item: &Item) -> Goods {
    Goods {
        ids: Goods::ids([&item.configuration_id, &item.private_id, &item.id].map(Option::as_ref)),
        quantity: item.quantity.unwrap_or(Quantity::ONE),
        warehouse: Fact::Known(item.warehouse_id.as_ref().map(|id| id.as_str().to_owned())),
    }
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
