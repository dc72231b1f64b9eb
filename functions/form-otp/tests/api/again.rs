//! A code that was used already, with the same form and with others.

use futures_util::future::join_all;
use serde_json::json;
use testkit::drop_after;

use super::{Customer, otp_failed, saved_by_shop};

#[tokio::test]
async fn another_form_under_a_used_code_is_taken_and_told_to_the_shop() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    assert_eq!(customer.submit(&code).await, saved_by_shop());
    let corrected = customer.with("/data/name", "Айгуль, проспект Манаса, 40");
    assert_eq!(customer.submit_form(corrected, code.as_str()).await, saved_by_shop());
    let names: Vec<_> = customer.environment.standins().forms().iter().map(|form| form["form"]["data"]["name"].clone()).collect();
    assert_eq!((names.len(), &names[1]), (2, &json!("Айгуль, проспект Манаса, 40")));
    assert_eq!(customer.stored().await.len(), 2);
    assert_eq!(customer.checks(), 1, "SMSPRO is asked once");
}

#[tokio::test]
async fn every_way_to_send_a_form_again_has_its_answer() {
    let same = [
        json!({"name": "Айгуль", "phone": "+996 770 102 030", "slot": "10:00"}),
        json!({"slot": "10:00", "phone": "+996 770 102 030", "name": "Айгуль"}),
    ];
    let others = [
        json!({"name": "Айгуль", "phone": "+996 770 102 030", "slot": "11:00"}),
        json!({"name": "Айгуль", "phone": "0770102030", "slot": "10:00"}),
        json!({"name": "Айгуль", "phone": "+996 770 102 030"}),
        json!({"name": "Айгуль", "phone": "+996 770 102 030", "slot": "10:00", "text": "домофон 12"}),
    ];
    let late = [
        json!({"name": "Гуля", "phone": "+996 770 102 030", "slot": "10:00"}),
        json!({"name": "", "phone": "+996 770 102 030", "slot": "10:00"}),
        json!({"name": null, "phone": "+996 770 102 030"}),
    ];
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    let submit = async |data: &serde_json::Value| {
        let mut form = customer.form.clone();
        form["data"] = data.clone();
        customer.submit_form(form, code.as_str()).await
    };
    for (round, data) in same.iter().chain(&same).enumerate() {
        assert_eq!((submit(data).await, customer.saved()), (saved_by_shop(), 1), "the same {round}");
    }
    for (number, data) in others.iter().enumerate() {
        assert_eq!((submit(data).await, customer.saved()), (saved_by_shop(), number + 2), "{data}");
    }
    for data in &late {
        assert_eq!((submit(data).await, customer.saved()), (otp_failed(), 5), "{data}");
    }
    for data in same.iter().chain(&others) {
        assert_eq!((submit(data).await, customer.saved()), (saved_by_shop(), 5), "again {data}");
    }
    assert_eq!((customer.checks(), customer.wrong_codes().await.iter().sum::<u64>()), (1, 0));
    assert_eq!(customer.submit("WRONG").await, otp_failed());
}

#[tokio::test]
async fn twenty_forms_at_once_under_one_code_are_five() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    let forms = (0..20).map(|number| customer.submit_form(customer.with("/data/slot", format!("{number}:00")), code.as_str()));
    let answers = join_all(forms).await;
    let taken = answers.iter().filter(|answer| **answer == saved_by_shop()).count();
    assert!(taken <= 5 && customer.saved() == taken && customer.stored().await.len() == taken, "{answers:#?}");
    for number in 20..30 {
        customer.submit_form(customer.with("/data/slot", format!("{number}:00")), code.as_str()).await;
    }
    assert_eq!(customer.saved(), 5);
}

#[tokio::test]
async fn another_form_that_ends_anywhere_is_taken_once() {
    for points in 0.. {
        let customer = Customer::start().await;
        let code = customer.get_code().await;
        assert_eq!(customer.submit(&code).await, saved_by_shop());
        let other = customer.with("/data/slot", "11:00");
        let ended = drop_after(points, customer.submit_form(other.clone(), code.as_str())).await;
        customer.environment.advance(super::LEASE_OVER);
        assert_eq!(customer.submit_form(other, code.as_str()).await, saved_by_shop(), "dropped after {points}");
        assert_eq!((customer.saved(), customer.stored().await.len()), (2, 2), "dropped after {points}");
        if ended.is_some() {
            break;
        }
    }
}
