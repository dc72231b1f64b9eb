//! Speaks HTTP to the stand-ins, as their callers do.
#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod change;
mod control;
mod environment;
mod events;
mod faults;
mod form;
mod limit;
mod mokka;
mod registration;
mod returns;
mod schedule;
mod shop;
mod smspro;
mod yookassa;
mod yookassa_choice;
mod yookassa_customer;
mod yookassa_money;
mod yookassa_notices;
mod yookassa_receipts;
mod yookassa_requests;
mod yookassa_sbp;
mod yookassa_second_receipts;
