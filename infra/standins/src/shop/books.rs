//! The shop's books, kept from events alone by the rules of infra/docs/SHOP.md ("Take events"): the same id counts once, a payment goes
//! only forward, and only the order's latest attempt says where the order stands.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::{Value, json};

use super::event::{Event, Kind};
use crate::money::Kopecks;

/// Where a payment stands, as far as events tell; each may only become a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Held,
    Paid,
    PartiallyRefunded,
    Refunded,
    Failed,
    Canceled,
}

impl State {
    /// What an event makes of a payment; nothing if it is about a person's attention.
    fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Held => Some(Self::Held),
            Kind::Paid => Some(Self::Paid),
            Kind::PartiallyRefunded => Some(Self::PartiallyRefunded),
            Kind::Refunded => Some(Self::Refunded),
            Kind::Failed => Some(Self::Failed),
            Kind::Canceled => Some(Self::Canceled),
            Kind::ManualReview | Kind::ManualReviewOver => None,
        }
    }

    fn may_follow(self, before: Option<Self>) -> bool {
        match before {
            None | Some(Self::Held) => before != Some(self),
            Some(Self::Paid) => matches!(self, Self::PartiallyRefunded | Self::Refunded),
            Some(Self::PartiallyRefunded) => matches!(self, Self::PartiallyRefunded | Self::Refunded),
            Some(Self::Refunded | Self::Failed | Self::Canceled) => false,
        }
    }
}

/// The books: orders in the sequence in which they were first heard of.
#[derive(Default)]
pub(super) struct Books {
    orders: Vec<Order>,
    /// Where each order id is.
    places: HashMap<String, usize>,
    /// The ids of events that would have led a payment back, which never come from us.
    step_backs: Vec<String>,
}

struct Order {
    id: String,
    uuid: String,
    public_id: Option<String>,
    /// The highest attempt that was the latest when an event came.
    attempt: u64,
    payments: BTreeMap<u64, Payment>,
}

struct Payment {
    id: String,
    state: Option<State>,
    amount: Kopecks,
    currency: String,
    refunded: Kopecks,
    attention: bool,
}

impl Payment {
    fn shown(&self, attempt: u64) -> Value {
        json!({
            "payment_id": self.id,
            "attempt": attempt,
            "state": self.state,
            "amount": self.amount.to_string(),
            "currency": self.currency,
            "refunded": self.refunded.to_string(),
            "attention": self.attention,
        })
    }
}

impl Order {
    fn shown(&self) -> Value {
        let latest = self.payments.get(&self.attempt);
        json!({
            "order_id": self.id,
            "order_uuid": self.uuid,
            "public_id": self.public_id,
            "state": latest.and_then(|payment| payment.state),
            "latest": latest.map(|payment| payment.shown(self.attempt)),
            "payments": self.payments.iter().map(|(attempt, payment)| payment.shown(*attempt)).collect::<Vec<_>>(),
        })
    }
}

impl Books {
    /// Enters an event that has not come before.
    pub(super) fn enter(&mut self, id: &str, event: &Event) {
        let place = *self.places.entry(event.order_id.clone()).or_insert(self.orders.len());
        if place == self.orders.len() {
            self.orders.push(Order {
                id: event.order_id.clone(),
                uuid: event.order_uuid.clone(),
                public_id: event.public_id.clone(),
                attempt: 0,
                payments: BTreeMap::new(),
            });
        }
        let Some(order) = self.orders.get_mut(place) else { return };
        if event.is_latest {
            order.attempt = order.attempt.max(event.attempt);
        }
        let payment = order.payments.entry(event.attempt).or_insert_with(|| Payment {
            id: event.payment_id.clone(),
            state: None,
            amount: event.amount,
            currency: event.currency.clone(),
            refunded: Kopecks(0),
            attention: false,
        });
        // What was paid may turn out to be another amount.
        let corrects = |state| state == State::Paid && payment.state == Some(state) && payment.amount != event.amount;
        match State::of(event.kind) {
            Some(state) if state.may_follow(payment.state) || corrects(state) => {
                payment.state = Some(state);
                payment.amount = event.amount;
                payment.refunded = payment.refunded.max(event.refunded);
            }
            Some(_) => self.step_backs.push(id.to_owned()),
            None => payment.attention = event.kind == Kind::ManualReview,
        }
    }

    /// Every order, and the events that would have led back.
    pub(super) fn shown(&self) -> Value {
        json!({ "orders": self.orders.iter().map(Order::shown).collect::<Vec<_>>(), "step_backs": self.step_backs })
    }

    pub(super) fn order(&self, id: &str) -> Option<Value> {
        self.orders.get(*self.places.get(id)?).map(Order::shown)
    }
}
