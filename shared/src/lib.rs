//! What every webhook of imshop-webhooks is made of, on three floors. A test holds who may import whom (`tests/floors`):
//!
//! - [`platform`]: money, phones, ids, secrets, time, settings, HTTP, AWS, logs and metrics. It knows neither of the other two.
//! - [`payments`]: orders, the payment's state machine, the providers, what IMSHOP hears of a payment, and their stores.
//! - [`forms`]: codes by SMS, their limits, forms and their way to the shop, and their stores.
//!
//! Payments and forms do not know each other. A function is of one of them; only the back office works on both.

pub mod forms;
pub mod payments;
pub mod platform;
