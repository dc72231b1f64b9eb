//! Payments for tests of what is pure.

use super::channels::Outbox;
use super::data::{Payment, PaymentAction, PollSchedule, Stored};
use super::gateway_name::GatewayName;
use super::means::PaymentMeans;
use super::state::State;
use crate::platform::clock::Timestamp;
use crate::platform::ids::{MethodId, OrderId, OrderUuid, PaymentId};
use crate::platform::money::{Currency, Money};

pub(crate) fn rub(minor: i64) -> Money {
    Money::from_minor(minor, Currency::Rub).unwrap()
}

pub(crate) fn payment(state: State) -> Payment {
    Payment {
        id: PaymentId::parse("1001-1").unwrap(),
        order_uuid: OrderUuid::parse("u").unwrap(),
        order_id: OrderId::parse("1001").unwrap(),
        attempt: 1,
        method: MethodId::parse("mokka").unwrap(),
        provider: GatewayName::MOKKA,
        means: PaymentMeans::Card,
        two_stage: true,
        amount: rub(500_000),
        prepaid: None,
        state,
        unknown: false,
        processing: false,
        withdrawn: false,
        mismatch: None,
        action: (state != State::Creating).then(|| PaymentAction::Page("https://mokka.example/page".to_owned())),
        second_payment: None,
        provider_id: None,
        registered: None,
        operation: None,
        operations: 0,
        return_url: None,
        callback_token_hash: String::new(),
        return_token: None,
        valid_till: Timestamp::from_millis(100),
        hold_until: None,
        lost: false,
        lease_until: None,
        reason: None,
        intent: None,
        refusals: 0,
        fiscal_receipt: None,
        receipts: None,
        refunds: Vec::new(),
        created_at: Timestamp::from_millis(0),
        captured_at: None,
        history: Vec::new(),
        outbox: Outbox::default(),
        poll: PollSchedule::default(),
        version: 1,
        stored: Stored::default(),
    }
}
