//! Round trips to the store, counted, and their answers lost one by one.

use serde_json::{Value, json};
use standins::{Fault, System};

use super::{COOL_DOWN, Customer, EXPORT, otp_failed, saved_by_shop, success};

const HERE: [(&str, &str); 2] = [("SHOP_FORMS_URL", ""), ("SHOP_KEY", "")];

fn called(customer: &Customer) -> Vec<&'static str> {
    let called = customer.world.standins().calls(None).iter().map(|call| call.method).collect();
    customer.world.standins().forget_calls();
    called
}

#[tokio::test]
async fn the_round_trips_of_each_command_are_as_designed() {
    let customer = Customer::start().await;
    let stored = || customer.world.store_calls();
    let reads = ["GetItem", "GetItem", "GetItem"];

    let code = customer.get_code().await;
    assert_eq!(stored(), [&reads[..], &["TransactWriteItems", "PutItem"]].concat(), "a code asked for");
    assert_eq!(called(&customer), ["send"]);

    customer.send().await;
    assert_eq!((stored(), called(&customer).len()), (reads.map(str::to_owned).to_vec(), 0), "refused by a limit");

    customer.export("WRONG").await;
    assert_eq!((stored(), called(&customer)), (list(&["GetItem", "PutItem", "PutItem"]), vec!["verify"]), "a wrong code");

    customer.world.standins().fault(System::Shop, "forms", Fault::Refused, 1).unwrap();
    customer.export(&code).await;
    let full = list(&["GetItem", "PutItem", "PutItem", "PutItem"]);
    assert_eq!((stored(), called(&customer)), (full.clone(), vec!["verify", "forms"]), "the right code, the slot is taken");

    customer.export_form(customer.with("/data/slot", "12:00"), code.as_str()).await;
    assert_eq!((stored(), called(&customer)), (list(&["GetItem", "PutItem", "PutItem"]), vec!["forms"]), "another slot");

    customer.export(&code).await;
    assert_eq!((stored(), called(&customer).len()), (list(&["GetItem"]), 0), "the same again");

    customer.ok(EXPORT, customer.with("/formName", "feedback")).await;
    assert_eq!((stored().len(), called(&customer)), (0, vec!["forms"]), "a form that needs no code");

    let here = Customer::start_with(&HERE).await;
    let code = here.get_code().await;
    assert_eq!((here.world.store_calls().len(), called(&here).len()), (5, 1));
    here.export(&code).await;
    let transaction = list(&["GetItem", "PutItem", "PutItem", "TransactWriteItems"]);
    assert_eq!((here.world.store_calls(), called(&here)), (transaction, vec!["verify"]), "the right code, stored here");
    here.ok(EXPORT, here.with("/formName", "feedback")).await;
    assert_eq!((here.world.store_calls(), called(&here).len()), (list(&["PutItem"]), 0), "no code, stored here");
}

#[tokio::test]
async fn a_repeated_sms_costs_no_limit() {
    let customer = Customer::start().await;
    customer.world.standins().fault(System::Smspro, "send", Fault::Reset, 1).unwrap();
    customer.send().await;
    assert_eq!((customer.world.store_calls().len(), called(&customer).len()), (5, 1));
    assert_eq!(customer.send().await, success());
    let mut calls = customer.world.store_calls();
    // The read and the write in the middle: the cool-down begins anew.
    assert_eq!(calls.split_off(3), ["PutItem", "GetItem", "PutItem", "PutItem"]);
    assert_eq!(called(&customer), ["send"]);
    let logs = customer.world.items("otp-tokens", "sends#").await;
    for log in logs {
        let counted = log["times"].as_array().map_or(log["sends"].as_u64().unwrap_or(0), |times| times.len() as u64);
        assert_eq!(counted, 1, "{log}");
    }
}

#[tokio::test]
async fn a_lost_answer_of_the_store_is_not_taken_for_somebody_elses_write() {
    for index in 0..5 {
        let customer = Customer::start().await;
        customer.world.lose_store_answer(index);
        assert_eq!(customer.send().await, success(), "send, answer {index} lost");
        assert_eq!((customer.sends(), customer.inbox().len()), (1, 1), "send, answer {index} lost");
    }
    // Three reads, the intent, three reads, the transaction that takes it back.
    for index in 3..8 {
        let customer = Customer::start().await;
        customer.world.standins().fault(System::Smspro, "send", Fault::Refused, 1).unwrap();
        customer.world.lose_store_answer(index);
        assert_eq!(customer.send().await["success"], json!(false), "a refused send, answer {index} lost");
        assert_eq!(customer.world.items("otp-tokens", "sends#shop#").await[0]["sends"], json!(0), "answer {index} lost");
        assert_eq!(customer.send().await, success(), "a refused send, answer {index} lost");
    }
    for here in [false, true] {
        for index in 0..4 {
            let customer = Customer::start_with(if here { &HERE } else { &[] }).await;
            let code = customer.get_code().await;
            customer.world.lose_store_answer(index);
            let expected: Value = if here { success() } else { saved_by_shop() };
            assert_eq!(customer.export(&code).await, expected, "export, answer {index} lost, here: {here}");
            let forms = if here { customer.world.items("otp-tokens", "form#").await.len() } else { customer.saved() };
            assert_eq!((customer.checks(), forms), (1, 1), "export, answer {index} lost, here: {here}");
            assert_eq!(customer.challenge().await["sent"]["checks_used"], json!(0));
        }
    }
}

#[tokio::test]
async fn a_lost_answer_of_the_store_counts_a_wrong_code_once() {
    for index in 0..3 {
        let customer = Customer::start().await;
        let code = customer.get_code().await;
        customer.world.lose_store_answer(index);
        assert_eq!(customer.export("WRONG").await, otp_failed(), "answer {index} lost");
        assert_eq!(customer.challenge().await["sent"]["checks_used"], json!(1), "answer {index} lost");
        assert_eq!(customer.export(&code).await, saved_by_shop());
        customer.world.advance(COOL_DOWN);
        assert_eq!(customer.send().await, success());
    }
}

fn list(calls: &[&str]) -> Vec<String> {
    calls.iter().map(|call| (*call).to_owned()).collect()
}
