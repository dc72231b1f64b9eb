//! Cancel: releases a hold (Mokka, "Cancel"). Anything but a hold answers 81.

use super::fields::Fields;
use super::key::Key;
use super::order::MokkaStatus;
use super::refusal::{MokkaRefusal, business, unknown_order};
use super::state::Mokka;
use super::{code, envelope};
use crate::answer::Answer;
use crate::request::Request;

pub(super) fn handle(mokka: &Mokka, request: &Request) -> Result<Answer, MokkaRefusal> {
    let body = envelope::json(Key::of_orders(&mokka.options), request)?;
    let fields = Fields::root(&body, &["order_id"])?;
    let order_id = envelope::order_id(&fields)?;
    let canceled = mokka.with(order_id, mokka.clock.now(), |order| {
        if order.status == MokkaStatus::Hold {
            order.status = MokkaStatus::Canceled;
            order.cancels += 1;
            Ok(business(0))
        } else {
            Err(MokkaRefusal::new(code::UNABLE_TO_CANCEL, format!("it is {}", order.status.as_str())))
        }
    });
    canceled.unwrap_or_else(|| Err(unknown_order()))
}
