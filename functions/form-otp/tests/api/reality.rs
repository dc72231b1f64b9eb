//! DynamoDB as it really is: its transactions take time and lock, its batches are left half done, it is short of capacity.

use std::time::Duration;

use futures_util::future::join_all;
use standins::System;
use testkit::Modes;

use super::{Customer, EXPORT, SEND, saved_by_shop};

#[tokio::test]
async fn twenty_presses_are_one_sms_and_one_form_on_every_store() {
    for (name, modes) in Modes::realities() {
        let customer = Customer::start().await;
        customer.environment.let_store(modes).await;
        join_all((0..20).map(|_| customer.post(SEND, customer.form.clone()))).await;
        let sent = customer.sends();
        assert!(sent <= 1, "{name}: {sent}");
        if sent == 0 {
            // Every one of them met a busy table, and says so; the next one need not.
            customer.environment.let_store(Modes::default()).await;
            customer.send().await;
        }
        let code = customer.code();
        let mut filled_in = customer.form.clone();
        filled_in["data"]["otpCode"] = code.as_str().into();
        let press = || customer.post(EXPORT, filled_in.clone());
        join_all((0..20).map(|_| press())).await;
        let mut answer = press().await.json();
        // A caller that is told that it cannot be done now tries again.
        for _ in 0..10 {
            if answer != saved_by_shop() {
                customer.environment.advance(Duration::from_secs(15));
                answer = press().await.json();
            }
        }
        assert_eq!(answer, saved_by_shop(), "{name}");
        assert_eq!(
            (customer.sends(), customer.checks(), customer.calls(System::Shop, "forms"), customer.saved()),
            (1, 1, 1, 1),
            "{name}"
        );
    }
}
