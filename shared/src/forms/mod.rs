//! Forms that customers hand in, and the codes by SMS that prove a phone. It knows the platform, and nothing of payments
//! (`shared/tests/floors`).
//!
//! - What IMSHOP sends: [`imshop`]. Which forms a shop has, `forms.toml`: [`config`].
//! - The code by SMS as a state machine, with the limits on sends, checks and forms: [`challenge`].
//! - SMS and how many of them are entered: [`sms`]. The SMS service's API: [`smspro`].
//! - A form that was handed in: [`submission`], its photos: [`photos`].
//! - The one way in which a form gets to the shop: [`deliver`], over the shop's webhook: [`shop`].
//! - Challenges, counters, SMS and submissions in DynamoDB: [`store`].
//! - What a customer reads: [`texts`].
//!
//! A form's way: `imshop` → `challenge` (send, check) → `submission` → `store` and the queue → `deliver`.

pub mod challenge;
pub mod config;
pub mod deliver;
pub mod imshop;
pub mod photos;
pub mod shop;
pub mod sms;
pub mod smspro;
pub mod store;
pub mod submission;
pub mod texts;
