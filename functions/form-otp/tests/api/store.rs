//! Round trips to the store, counted, and their answers lost one by one.

use serde_json::{Value, json};
use standins::{Fault, System};
use testkit::few_at_a_time;

use super::{COOL_DOWN, Customer, EXPORT, SEND, otp_failed, saved_by_shop, success};

fn called(customer: &Customer) -> Vec<&'static str> {
    let called = customer.environment.standins().calls(None).iter().map(|call| call.method).collect();
    customer.environment.standins().forget_calls();
    called
}

#[tokio::test]
async fn the_round_trips_of_each_command_are_as_designed() {
    let customer = Customer::start().await;
    let stored = || customer.environment.store_calls();
    let look = ["BatchGetItem"];

    let code = customer.get_code().await;
    let written = ["BatchGetItem", "TransactWriteItems", "UpdateItem", "UpdateItem", "TransactWriteItems"];
    assert_eq!(stored(), written, "a code asked for");
    assert_eq!(called(&customer), ["send"]);

    customer.send().await;
    assert_eq!((stored(), called(&customer).len()), (list(&look), 0), "refused by a limit");

    customer.submit("WRONG").await;
    assert_eq!(
        (stored(), called(&customer)),
        (list(&["BatchGetItem", "UpdateItem", "UpdateItem", "UpdateItem", "UpdateItem"]), vec!["verify"]),
        "a wrong code"
    );

    customer.environment.standins().fault(System::Shop, "forms", Fault::Refused, 1).unwrap();
    customer.submit(&code).await;
    let begun = ["BatchGetItem", "UpdateItem", "UpdateItem", "UpdateItem", "UpdateItem", "UpdateItem"];
    // The code is right, and its SMS was entered.
    let checked = [&begun[..], &["TransactWriteItems"]].concat();
    // Then the form is stored, what the shop said of it is, and the code is noted or free again.
    let full = [&checked[..], &["UpdateItem", "UpdateItem", "UpdateItem"]].concat();
    assert_eq!((stored(), called(&customer)), (list(&full), vec!["verify", "forms"]), "the right code, the slot is taken");
    assert_eq!(customer.looked_after(), 1, "one message");

    customer.submit_form(customer.with("/data/slot", "12:00"), code.as_str()).await;
    let again = [&begun[..], &["UpdateItem", "UpdateItem", "UpdateItem"]].concat();
    assert_eq!((stored(), called(&customer)), (list(&again), vec!["forms"]), "another slot");

    customer.submit_form(customer.with("/data/slot", "12:00"), code.as_str()).await;
    assert_eq!((stored(), called(&customer).len()), (list(&look), 0), "the same again");

    let mut nobodys = customer.with("/data/slot", "12:00");
    nobodys.as_object_mut().unwrap().remove("installId");
    customer.submit_form(nobodys, code.as_str()).await;
    let found = ["GetItem", "GetItem", "BatchGetItem"];
    assert_eq!((stored(), called(&customer).len()), (list(&found), 0), "the same again, without its installation");

    customer.submit_form(customer.with("/data/slot", "13:00"), code.as_str()).await;
    assert_eq!((stored(), called(&customer)), (list(&again), vec!["forms"]), "another form");

    let away = Customer::start_given_away().await;
    away.ok(EXPORT, away.with("/formName", "feedback")).await;
    // Counted for its phone, its installation and the shop; stored; what the shop said.
    let expected = (list(&["UpdateItem"; 5]), vec!["forms"]);
    assert_eq!((away.environment.store_calls(), called(&away)), expected, "a form that needs no code, for the shop");
    away.ok(EXPORT, away.with("/formName", "feedback")).await;
    // The shop's count is given back before what became of it is read.
    let again = [&["UpdateItem"; 5][..], &["GetItem"]].concat();
    assert_eq!((away.environment.store_calls(), called(&away).len()), (list(&again), 0), "the same again");

    let here = Customer::start_here().await;
    let code = here.get_code().await;
    assert_eq!((here.environment.store_calls().len(), called(&here).len()), (5, 1));
    here.submit(&code).await;
    let two = [&checked[..], &["UpdateItem", "UpdateItem"]].concat();
    assert_eq!((here.environment.store_calls(), called(&here)), (list(&two), vec!["verify"]), "the right code, stored here");
    here.ok(EXPORT, here.with("/formName", "feedback")).await;
    assert_eq!((here.environment.store_calls(), called(&here).len()), (list(&["UpdateItem"; 4]), 0), "no code, stored here");
}

#[tokio::test]
async fn a_repeated_sms_costs_no_limit() {
    let customer = Customer::start().await;
    customer.environment.standins().fault(System::Smspro, "send", Fault::Reset, 1).unwrap();
    customer.send().await;
    assert_eq!((customer.environment.store_calls().len(), called(&customer).len()), (5, 1));
    assert_eq!(customer.send().await, success());
    let mut calls = customer.environment.store_calls();
    // The read and the write in the middle: the cool-down begins anew.
    assert_eq!(calls.split_off(1), ["UpdateItem", "GetItem", "UpdateItem", "TransactWriteItems"]);
    assert_eq!(called(&customer), ["send"]);
    for log in customer.environment.items("otp-tokens", "sends#").await {
        assert_eq!(log["times"].as_array().unwrap().len(), 1, "{log}");
    }
    for count in customer.environment.items("otp-tokens", "count#").await {
        assert_eq!(count["used"], json!(1), "{count}");
    }
}

#[tokio::test]
async fn a_lost_answer_of_the_store_is_not_taken_for_somebody_elses_write() {
    few_at_a_time((0..5).map(|index| async move {
        let customer = Customer::start().await;
        customer.environment.lose_store_answer(index);
        assert_eq!(customer.send().await, success(), "send, answer {index} lost");
        assert_eq!((customer.sends(), customer.inbox().len()), (1, 1), "send, answer {index} lost");
    }))
    .await;
    // The read, the intent, two counts, both given back, the transaction that takes the intent back.
    few_at_a_time((0..7).map(|index| async move {
        let customer = Customer::start().await;
        let mut other = customer.with("/installId", "install-2");
        other["data"]["phone"] = json!("996770102031");
        assert_eq!(customer.ok(SEND, other).await, success());
        customer.environment.standins().fault(System::Smspro, "send", Fault::Refused, 1).unwrap();
        customer.environment.lose_store_answer(index);
        assert_eq!(customer.send().await["success"], json!(false), "a refused send, answer {index} lost");
        for count in customer.environment.items("otp-tokens", "count#").await {
            assert_eq!(count["used"], json!(1), "answer {index} lost: the other customer's, no less and no more");
        }
        assert_eq!(customer.send().await, success(), "a refused send, answer {index} lost");
    }))
    .await;
    let exports = [false, true].into_iter().flat_map(|here| (0..10).map(move |index| (here, index)));
    few_at_a_time(exports.map(|(here, index)| async move {
        let customer = if here { Customer::start_here().await } else { Customer::start().await };
        let code = customer.get_code().await;
        customer.environment.lose_store_answer(index);
        let expected: Value = if here { success() } else { saved_by_shop() };
        assert_eq!(customer.submit(&code).await, expected, "export, answer {index} lost, here: {here}");
        let forms = (customer.stored().await.len(), customer.saved());
        assert_eq!((customer.checks(), forms), (1, (1, usize::from(!here))), "export, answer {index} lost, here: {here}");
        assert_eq!(customer.challenge().await["sent"]["checks_used"], json!(0));
        assert_eq!(customer.wrong_codes().await, [0, 0], "export, answer {index} lost, here: {here}");
    }))
    .await;
}

#[tokio::test]
async fn a_lost_answer_of_the_store_counts_a_wrong_code_once() {
    few_at_a_time((0..5).map(|index| async move {
        let customer = Customer::start().await;
        let code = customer.get_code().await;
        customer.environment.lose_store_answer(index);
        assert_eq!(customer.submit("WRONG").await, otp_failed(), "answer {index} lost");
        assert_eq!(customer.challenge().await["sent"]["checks_used"], json!(1), "answer {index} lost");
        assert_eq!(customer.wrong_codes().await, [1, 1], "answer {index} lost");
        assert_eq!(customer.submit(&code).await, saved_by_shop());
        customer.environment.advance(COOL_DOWN);
        assert_eq!(customer.send().await, success());
    }))
    .await;
}

fn list(calls: &[&str]) -> Vec<String> {
    calls.iter().map(|call| (*call).to_owned()).collect()
}
