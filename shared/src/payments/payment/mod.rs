//! A payment: one attempt to pay an order, as a state machine. No I/O here; `settle` runs it.
//!
//! `creating → pending → held → finishing → captured → partially_refunded → refunded`, and `declined`, `canceled`,
//! `expired`. States only move forward (a step may be skipped when the provider is ahead of us). "Unknown outcome" is a flag
//! on a state, never a state: the next poll asks the provider before anything else is done.
//!
//! - `order`, `cart`, `form`: what is paid for, and by whom. `state`, `data`: a payment as it is kept.
//! - `steps`, `intent`, `refund`, `scheduled_refund`, `approval`: what happens to it; `refund_grounds`: why money is given back.
//!   `prepaid`, `prepayment`: the part that is paid beside it. `command`: what people may ask of it. `machine`: what the provider's answer
//!   means, and what comes next.
//! - `poll_schedule`: when it is polled next. `publishing`: what has to be published; `channels`: where, and how far each is.
//!   `events`: which steps are events for the shop.
//! - `news`: what is new since it was stored.
//! - [`fiscal_document`]: the fiscal document of a capture.

mod approval;
mod cart;
mod channels;
mod command;
mod data;
mod events;
pub mod fiscal_document;
mod form;
mod gateway_name;
mod intent;
mod keyed;
mod machine;
mod means;
mod news;
mod operation;
mod order;
mod poll_schedule;
mod prepaid;
mod prepayment;
mod publishing;
mod receipt;
mod receipted;
mod refund;
mod refund_grounds;
mod report;
#[cfg(test)]
pub(crate) mod samples;
mod scheduled_refund;
mod state;
mod steps;
mod tax;

pub use cart::{Cart, Fact, Goods};
pub use channels::{Channel, ChannelState, EventReceipt, Outbox};
pub use command::{Command, CommandRefusal, Limit, RefundTime};
pub use data::{
    Approval, Change, Choice, FiscalDocument, FiscalReceipt, Intent, Payment, PaymentAction, PollSchedule, Reason, Refund,
    RefundStatus, StatusEvent, Step, Stored,
};
pub use events::{EventKind, EventRefund, ShopEvent};
pub use form::{FullName, Known};
pub use gateway_name::{GatewayName, GatewayNameError};
pub use machine::{Next, Policy, next};
pub use means::PaymentMeans;
pub use news::News;
pub use operation::{KeyedRequest, Operation};
pub use order::{Line, Order};
pub use prepaid::Split;
pub use prepayment::{Named, Prepaid, Prepayment};
pub use publishing::Message;
pub use receipt::{
    AskedLine, LinesRefusal, Part, ReceiptItem, ReceiptLine, ReceiptLines, ReceiptPart, ReceiptProblem, ReceiptRejection,
    ReceiptStatus, Receipts, SecondReceipt, TakenLine, Wanted,
};
pub use refund::MAX_REFUNDS;
pub use refund_grounds::{RefundGrounds, RefundReason};
pub use report::{ProviderOutcome, ProviderReport, ReportedRefund, ReportedState, Sums};
pub use state::{State, Trigger};
pub use steps::MAX_COMMANDS;
pub use tax::{LineTax, TaxWord, TaxWordError};
