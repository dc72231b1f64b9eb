//! The ways to pay that a shop offers, and the rules by which it offers them: `infra/config/payments.toml`.
//!
//! - `list`: the ways to pay, and which of them a cart is offered; `method`: one of them.
//! - `file`: the file as it is written, and its JSON Schema; `values` and `window`: what it is made of.
//! - `gateways`: the payment gateways that take the money, beside Mokka.
//! - `condition`: when something holds; `truth`: what "unknown" does to that.
//! - `facts`: what is known of a cart.

mod condition;
mod facts;
mod file;
mod gateways;
mod list;
mod method;
mod receipt;
mod truth;
mod values;
mod window;

pub use condition::Condition;
pub use facts::Facts;
pub use gateways::{GatewayKind, GatewaySection, GatewaySections, secret_name};
pub use list::Methods;
pub use method::{Icon, Limit, Method, Offer, Variant, Widget};
pub use receipt::{CashRegister, LineCodes, ReceiptSection};
pub use truth::Truth;
