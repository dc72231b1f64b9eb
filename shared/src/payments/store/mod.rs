//! What is stored of orders and payments. Only these files know the items' shapes; how an item is read and written is
//! [`dynamodb`](crate::platform::dynamodb)'s.
//!
//! - `order-holds`: `order#{orderUuid}`, `payment#{paymentId}`, the fiscal documents of captures to come, and customers'
//!   requests for a limit, `registration#{id}`; when what callers have looked at was looked at last, `look#…`; an order's public id,
//!   `alias#…`; what people with a limit have given back on a day, `given-back#…` ([`Orders`]).
//! - `quotes`: what can be made again at any time ([`Quotes`]): `prices`, `prices#…` ([`Prices`](prices::Prices)), `schedule#…`
//!   ([`Schedules`]).

pub mod books;
mod documents;
mod given_back;
mod lists;
mod looks;
mod lookups;
mod orders;
mod outbox;
pub mod prices;
mod quotes;
mod receipt_records;
mod records;
mod registrations;
mod reindex;
mod schedules;
mod search;

pub use lists::Due;
pub use orders::Orders;
pub use quotes::Quotes;
pub use registrations::{Decided, Registration};
pub use reindex::Indexed;
pub use schedules::Schedules;
pub use search::{FoundOrder, Wanted};
