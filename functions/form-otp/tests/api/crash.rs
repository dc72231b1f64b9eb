//! A process may die at any await. Whatever it left behind, the repeated request brings it to one effect.

use std::time::Duration;

use serde_json::json;
use standins::System;
use testkit::drop_after;

use super::{COOL_DOWN, Customer, LEASE_OVER, saved_by_shop, says, success};

/// Lets what was on its way arrive.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[tokio::test]
async fn a_send_dropped_at_every_point_ends_in_one_sms_within_the_cool_down() {
    let mut points = 0;
    let (mut repeated, mut lost) = (0, 0);
    loop {
        let customer = Customer::start().await;
        let finished = drop_after(points, customer.send()).await.is_some();
        settle().await;
        let at_once = customer.send().await;
        customer.environment.advance(LEASE_OVER);
        let later = customer.send().await;
        assert!(at_once == success() || says(&at_once, "через "), "dropped after {points}: {at_once}");
        assert!(later == success() || says(&later, "через "), "dropped after {points}: {later}");
        repeated += usize::from(later == success());
        if !finished && at_once != success() && later != success() {
            // The SMS went out and its token is lost: the next one comes after the cool-down.
            lost += 1;
            customer.environment.advance(COOL_DOWN);
            assert_eq!(customer.send().await, success(), "dropped after {points}");
        }
        customer.assert_spaced(&format!("dropped after {points}"));
        customer.assert_counted(&format!("dropped after {points}")).await;
        assert!(customer.inbox().len() <= 2, "dropped after {points}");
        assert_eq!(customer.submit(&customer.code()).await, saved_by_shop(), "dropped after {points}");
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points >= 6, "read, intent, counts, send, record: {points}");
    assert!(repeated > 0 && lost > 0, "both ways were walked: {repeated} and {lost} of {points}");
}

#[tokio::test]
async fn an_export_dropped_at_every_point_ends_in_one_form() {
    walk(false).await;
}

#[tokio::test]
async fn submit_stored_here_dropped_at_every_point_ends_in_one_form() {
    walk(true).await;
}

async fn walk(here: bool) {
    let mut points = 0;
    loop {
        let customer = if here { Customer::start_here().await } else { Customer::start().await };
        let code = customer.get_code().await;
        let finished = drop_after(points, customer.submit(&code)).await.is_some();
        settle().await;
        customer.environment.advance(LEASE_OVER);
        let expected = if here { success() } else { saved_by_shop() };
        for _ in 0..2 {
            assert_eq!(customer.submit(&code).await, expected, "dropped after {points}");
        }
        assert_eq!((customer.stored().await.len(), customer.saved()), (1, usize::from(!here)), "dropped after {points}");
        assert!(here || customer.looked_after() > 0, "dropped after {points}");
        assert!(customer.checks() <= 2 && customer.calls(System::Shop, "forms") <= 2, "dropped after {points}");
        assert!(customer.challenge().await["sent"]["checks_used"].as_u64().unwrap() <= 1, "dropped after {points}");
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points >= if here { 6 } else { 9 }, "read, lease, check, verified, (queue,) stored, (shop, told,) saved: {points}");
}

#[tokio::test]
async fn a_dropped_export_keeps_others_out_until_its_lease_is_over() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    // Somewhere in the middle, with the lease taken.
    let mut points = 0;
    loop {
        assert!(drop_after(points, customer.submit(&code)).await.is_none(), "dropped in time");
        settle().await;
        if customer.challenge().await["sent"]["lease"].is_object() {
            break;
        }
        points += 1;
    }
    assert!(says(&customer.submit(&code).await, "уже отправляется"));
    customer.environment.advance(LEASE_OVER);
    assert_eq!(customer.submit(&code).await, saved_by_shop());
    assert_eq!(customer.saved(), 1);
    assert_eq!(customer.challenge().await["sent"]["saved"]["message"], json!("Заявка принята, мы вам перезвоним"));
}
