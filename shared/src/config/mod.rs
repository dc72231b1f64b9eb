//! The settings that operations edit as files: which ways to pay a shop offers, which forms it has. Deployed as a layer
//! from `infra/config/`, so that a change needs no rebuild; validated as a whole at start.

mod forms;
mod methods;
mod read;

pub use forms::{Destination, Form, Forms};
pub use methods::{Condition, Facts, Icon, Limit, Method, Methods, Offer, Truth, Variant, Widget};
pub use read::Mistake;
