//! Return: gives back all of a finalised order, or a part of it (Mokka, "Return").
//!
//! A part can be returned from the day after the finalisation on, by the calendar of Moscow; the whole at once. Whatever
//! is not returnable is 100, the code for everything that has no other. Two equal requests are two returns: the
//! protocol has nothing to tell them apart from one that was sent twice.

use time::OffsetDateTime;

use super::fields::Fields;
use super::key::Key;
use super::order::{MokkaOrder, MokkaReturn, MokkaStatus};
use super::refusal::{MokkaRefusal, business, unknown_order};
use super::state::Mokka;
use super::{code, envelope};
use crate::answer::Answer;
use crate::clock::moscow;
use crate::error::ControlError;
use crate::money::Kopecks;
use crate::request::Request;

pub(super) fn handle(mokka: &Mokka, request: &Request) -> Result<Answer, MokkaRefusal> {
    let body = envelope::json(Key::of_orders(&mokka.options), request)?;
    let fields = Fields::root(&body, &["order_id", "amount"])?;
    let order_id = envelope::order_id(&fields)?;
    let amount = fields.amount_needed("amount")?;
    if amount == Kopecks(0) {
        return Err(MokkaRefusal::new(code::AMOUNT_FORMAT, "amount must be more than zero"));
    }
    let now = mokka.clock.now();
    let returned = mokka.with(order_id, now, |order| apply(order, amount, now));
    returned.unwrap_or_else(|| Err(unknown_order()))
}

fn apply(order: &mut MokkaOrder, amount: Kopecks, now: OffsetDateTime) -> Result<Answer, MokkaRefusal> {
    let refusal = |note: String| Err(MokkaRefusal::new(code::CANNOT_PROCESS, note));
    if order.status != MokkaStatus::Finished {
        return refusal(format!("it is {}, not finished", order.status.as_str()));
    }
    let returned = order.returned_kopecks();
    let Some(left) = order.kopecks().minus(returned).and_then(|left| left.minus(amount)) else {
        return refusal(format!("{amount} is more than the {} less {returned} that can be returned", order.amount));
    };
    let whole = left == Kopecks(0) && returned == Kopecks(0);
    if !whole && order.finished_at.is_some_and(|finished| moscow(now).date() <= moscow(finished).date()) {
        return refusal("a part can be returned from the day after the finalisation on, in Moscow".to_owned());
    }
    order.returns.push(MokkaReturn { amount: amount.to_string(), at: now });
    order.returned = order.returned_kopecks().to_string();
    if left == Kopecks(0) {
        order.status = MokkaStatus::Refunded;
    }
    Ok(business(0))
}

impl Mokka {
    /// The shop's people give money back in Mokka's cabinet.
    pub(crate) fn give_back(&self, order_id: &str, amount: &str, now: OffsetDateTime) -> Result<(), ControlError> {
        let amount = Kopecks::lenient(amount).ok_or_else(|| ControlError::field("amount", "must be rubles, such as 300.00"))?;
        let returned = self.with(order_id, now, |order| apply(order, amount, now));
        let returned = returned.ok_or_else(|| ControlError::UnknownOrder(order_id.to_owned()))?;
        returned.map(drop).map_err(|refusal| ControlError::field("amount", refusal.note))
    }
}
