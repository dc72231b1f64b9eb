//! No form is lost: what customers were told is taken, what is stored and what the shop has are the same forms, whatever went
//! wrong on the way and wherever a process died, once everything is well again.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use standins::{Fault, System};
use testkit::settings::IMSHOP_KEY;
use testkit::{Event, canary, drop_after, invoke};

use crate::{FORM_OTP, Setup};

/// No server listens there.
const NOWHERE: &str = "http://127.0.0.1:9";
/// Longer than any lease.
const LEASE_OVER: Duration = Duration::from_secs(13);

/// A customer with a code and a photo.
struct Customer {
    setup: Setup,
    form: Value,
}

impl Customer {
    async fn start() -> Self {
        let setup = Setup::start().await;
        let png = [b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR".as_slice(), &[7; 900]].concat();
        let data = json!({"phone": canary::FORM_PHONE, "wish": "a call", "picture": STANDARD.encode(png)});
        let form = json!({"formName": "callback", "installId": "install-1", "data": data});
        let customer = Self { setup, form };
        assert_eq!(customer.post(&customer.setup.forms, "/v1/forms/otp").await["success"], json!(true));
        let code = customer.setup.environment.standins().inbox(None)[0].code.clone();
        let mut form = customer.form.clone();
        form["data"]["otpCode"] = json!(code);
        Self { form, ..customer }
    }

    async fn post(&self, deps: &form_otp::Deps, path: &str) -> Value {
        invoke(deps, FORM_OTP, Event::post(path).key(IMSHOP_KEY).json(self.form.clone()).rest()).await.json()
    }

    /// Hands in the form; whether the customer is told that it is taken.
    async fn hand_in(&self) -> bool {
        self.post(&self.setup.forms, "/v1/forms").await["success"] == json!(true)
    }

    /// The same with a setting changed.
    async fn hand_in_with(&self, name: &str, value: &str) -> bool {
        let deps = self.setup.environment.build(form_otp::Deps::from_env, &[(name, value)]);
        self.post(&deps, "/v1/forms").await["success"] == json!(true)
    }

    /// Everything is well again and the queue has had its time: one form, stored and delivered as it came, if the customer was
    /// told so; else at most one, and the shop has what is stored.
    async fn settle(&self, told: bool, place: &str) {
        let setup = &self.setup;
        setup.shop_is_well();
        setup.environment.deliver_forms_for(Duration::from_hours(1)).await;
        let (stored, delivered) = (setup.states().await, setup.environment.standins().forms());
        assert!(stored.len() <= 1 && (!told || stored.len() == 1), "{place}: {stored:?}");
        assert_eq!(delivered.len(), stored.len(), "{place}");
        assert!(stored.iter().all(|state| state == "delivered"), "{place}: {stored:?}");
        for form in delivered {
            assert_eq!(form["form"]["data"]["picture"], self.form["data"]["picture"], "{place}");
        }
        assert_eq!((setup.queued(), setup.environment.queues().dead_letters().len()), (0, 0), "{place}");
    }
}

#[tokio::test]
async fn a_process_that_dies_anywhere_loses_no_form() {
    let mut points = 0;
    let mut died_with_the_form = 0;
    loop {
        let customer = Customer::start().await;
        let finished = drop_after(points, customer.hand_in()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        died_with_the_form += usize::from(finished.is_none() && !customer.setup.states().await.is_empty());
        // Half of the customers press again.
        let again = points % 2 == 0 && {
            customer.setup.environment.advance(LEASE_OVER);
            customer.hand_in().await
        };
        assert!(points % 2 == 1 || again, "dropped after {points}");
        customer.settle(finished == Some(true) || again, &format!("dropped after {points}")).await;
        if finished.is_some() {
            break;
        }
        points += 1;
    }
    assert!(points >= 10 && died_with_the_form >= 2, "{points} points, {died_with_the_form} with the form stored");
}

#[tokio::test]
async fn every_fault_of_the_shop_loses_no_form() {
    for fault in [Fault::Timeout, Fault::Reset, Fault::Http500, Fault::Html, Fault::AnswerLost, Fault::Status(401)] {
        let customer = Customer::start().await;
        customer.setup.environment.standins().fault(System::Shop, "forms", fault, 2).unwrap();
        let told = customer.hand_in().await;
        assert!(told, "{fault}");
        customer.settle(told, &fault.to_string()).await;
    }
}

#[tokio::test]
async fn every_fault_of_smspro_loses_no_form() {
    for fault in [Fault::Reset, Fault::Http500, Fault::Html, Fault::AnswerLost, Fault::Status(2)] {
        let customer = Customer::start().await;
        customer.setup.environment.standins().fault(System::Smspro, "verify", fault, 1).unwrap();
        assert!(!customer.hand_in().await, "{fault}: nobody knows whether the code is right");
        let told = customer.hand_in().await;
        assert!(told, "{fault}");
        customer.settle(told, &fault.to_string()).await;
    }
}

#[tokio::test]
async fn a_lost_answer_of_the_store_or_of_the_queue_loses_no_form() {
    for index in 0..12 {
        let customer = Customer::start().await;
        customer.setup.environment.lose_store_answer(index);
        let told = customer.hand_in().await;
        assert!(told, "answer {index} lost");
        customer.settle(told, &format!("answer {index} lost")).await;
    }
    let customer = Customer::start().await;
    customer.setup.environment.queues().lose_answers(1);
    let told = customer.hand_in().await;
    assert!(told);
    customer.settle(told, "the queue's answer lost").await;
}

#[tokio::test]
async fn a_system_that_is_not_there_takes_no_form_or_loses_none() {
    for name in ["S3_ENDPOINT", "SQS_ENDPOINT", "DYNAMODB_ENDPOINT", "SMSPRO_BASE_URL"] {
        let customer = Customer::start().await;
        assert!(!customer.hand_in_with(name, NOWHERE).await, "{name}");
        customer.setup.environment.advance(LEASE_OVER);
        let told = customer.hand_in().await;
        assert!(told, "{name}: the code is still good");
        customer.settle(told, name).await;
    }
    let customer = Customer::start().await;
    let told = customer.hand_in_with("SHOP_FORMS_URL", NOWHERE).await;
    assert!(told, "the shop is asked later");
    customer.settle(told, "SHOP_FORMS_URL").await;
}

#[tokio::test]
async fn photos_that_cannot_be_read_for_a_while_come_with_their_form_later() {
    let customer = Customer::start().await;
    customer.setup.environment.standins().fault(System::Shop, "forms", Fault::Http500, 1).unwrap();
    let told = customer.hand_in().await;
    customer.setup.environment.set_workers(&[("S3_ENDPOINT", NOWHERE)]);
    customer.setup.environment.deliver_forms_for(Duration::from_mins(5)).await;
    assert_eq!((customer.setup.in_the_books().len(), customer.setup.states().await), (0, vec!["waiting".to_owned()]));
    customer.setup.environment.set_workers(&[]);
    customer.settle(told, "S3 away").await;
}
