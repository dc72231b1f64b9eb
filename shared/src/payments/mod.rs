//! Orders and how they are paid. It knows the platform, and nothing of forms (`shared/tests/floors`).
//!
//! - What IMSHOP sends and expects: [`imshop`]. What the shop's order backend does: [`shop`].
//! - Which ways to pay are offered, by the rules of `payments.toml`: [`methods`]; what paying in instalments looks like: [`instalments`].
//! - The payment as a state machine, without I/O, with its order and its fiscal receipt: [`payment`].
//! - The providers behind one trait: [`gateway`]; Mokka's API: [`mokka`]; YooKassa's API: [`yookassa`].
//! - The one way in which a payment moves forward: [`settle`]. The one way in which IMSHOP and the shop hear of it: [`outbox`].
//! - The one way in which an order forgets its customer: [`forget`].
//! - Orders, payments, prices and quoted plans in DynamoDB: [`store`].
//! - What a customer reads: [`texts`]. What a payment comes to, in words for the shop's people: [`explain`].
//!
//! A payment's way: `imshop` → `payment` (intent) → `store` → `gateway` → `payment` (outcome) → `store` → `outbox`.

pub mod explain;
pub mod forget;
pub mod gateway;
pub mod imshop;
pub mod instalments;
pub mod methods;
pub mod mokka;
pub mod outbox;
pub mod payment;
pub mod settle;
pub mod shop;
pub mod shop_events;
pub mod store;
pub mod texts;
pub mod yookassa;
