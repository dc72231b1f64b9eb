//! Every fault of every command: the money is right, and nothing is called twice without a look in between.

use std::time::Duration;

use serde_json::json;
use standins::{Fault, System};

use crate::{AMOUNT, Shop, assert_refused};

struct Case {
    command: &'static str,
    method: &'static str,
    state: &'static str,
}

const CASES: [Case; 4] = [
    Case { command: "finish", method: "finish", state: "captured" },
    Case { command: "cancel", method: "cancel", state: "canceled" },
    Case { command: "change", method: "change", state: "held" },
    Case { command: "refund", method: "return", state: "refunded" },
];

impl Case {
    async fn shop(&self) -> Shop {
        if self.command == "refund" { Shop::captured().await } else { Shop::held().await }
    }

    async fn run(&self, shop: &Shop) -> testkit::Answer {
        match self.command {
            "finish" => shop.finish().await,
            "cancel" => shop.cancel().await,
            "change" => shop.change("3000.00").await,
            _ => shop.refund("key", None).await,
        }
    }

    /// Twice it would do harm, so it is repeated only when the next look is due.
    fn is_a_refund(&self) -> bool {
        self.command == "refund"
    }

    /// How often it took effect at Mokka.
    fn effects(&self, shop: &Shop) -> usize {
        let mokka = shop.mokka();
        match self.command {
            "finish" => mokka.finishes as usize,
            "cancel" => mokka.cancels as usize,
            "change" => shop.changes() as usize,
            _ => mokka.returns.len(),
        }
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_found_out_within_the_request() {
    for case in CASES {
        for (fault, calls) in [("reset", 2), ("http500", 2), ("html", 2), ("answer_lost", 1)] {
            let context = format!("{}, {fault}", case.command);
            let shop = case.shop().await;
            shop.story.environment.standins().fault(System::Mokka, case.method, fault.parse::<Fault>().unwrap(), 1).unwrap();
            let answer = case.run(&shop).await;
            if case.is_a_refund() && fault != "answer_lost" {
                assert_eq!((answer.status, case.effects(&shop)), (202, 0), "{context}: {}", answer.body);
                assert_eq!(shop.changing().len(), 1, "{context}: not again before its time");
                shop.story.environment.advance(Duration::from_mins(2));
                shop.story.environment.tick().await;
            } else {
                assert_eq!((answer.status, &answer.json()["success"]), (200, &json!(true)), "{context}: {}", answer.body);
            }
            assert_eq!((shop.state().await.as_str(), case.effects(&shop)), (case.state, 1), "{context}");
            assert_eq!(shop.changing().len(), calls, "{context}");
            shop.assert_asked_before_each(&context);
            let payment = shop.look().await;
            assert_eq!((&payment["unknown"], payment.get("intent")), (&json!(false), None), "{context}");
        }
    }
}

#[tokio::test]
async fn unknown_outcome_is_answered_so_and_done_later() {
    for case in CASES {
        let context = case.command;
        let shop = case.shop().await;
        // As often as it is tried in one request, so that it ends without knowing.
        let times = if case.is_a_refund() { 1 } else { 2 };
        shop.story.environment.standins().fault(System::Mokka, case.method, Fault::Reset, times).unwrap();
        let answer = case.run(&shop).await;
        assert_eq!((answer.status, &answer.json()["outcome"]), (202, &json!("unknown")), "{context}: {}", answer.body);
        assert_eq!(answer.json()["payment"]["unknown"], json!(true), "{context}");
        assert!(answer.json()["payment"]["next_check_at"].is_string(), "{context}: somebody will look");
        assert_eq!(case.effects(&shop), 0, "{context}");
        shop.story.environment.advance(Duration::from_mins(2));
        shop.story.environment.tick().await;
        assert_eq!((shop.state().await.as_str(), case.effects(&shop)), (case.state, 1), "{context}: reconcile has done it");
        shop.assert_asked_before_each(context);
    }
}

#[tokio::test]
async fn a_refusal_leaves_everything_as_it_was() {
    for case in CASES {
        for (fault, code) in [("status:32", "mokka:32"), ("status:61", "mokka:61"), ("status:24", "mokka:24")] {
            let context = format!("{}, {fault}", case.command);
            let shop = case.shop().await;
            // 61 is tried in the other order of the signature too.
            shop.story.environment.standins().fault(System::Mokka, case.method, fault.parse::<Fault>().unwrap(), 2).unwrap();
            let answer = case.run(&shop).await;
            assert_refused(&answer, 502, "provider_refused", &context);
            assert_eq!(answer.json()["provider_code"], json!(code), "{context}");
            assert_eq!(case.effects(&shop), 0, "{context}");
            shop.story.environment.standins().clear_faults();
            let expected = match case.command {
                // What was begun goes on: the capture was not taken back.
                "finish" => "finishing",
                "refund" => "captured",
                _ => "held",
            };
            assert_eq!(shop.state().await, expected, "{context}");
            let payment = shop.look().await;
            assert_eq!((&payment["refunded"], &payment["amount"]), (&json!("0.00"), &json!(AMOUNT)), "{context}");
            assert!(payment.get("intent").is_none(), "{context}");
        }
    }
}

#[tokio::test]
async fn what_is_perhaps_done_is_never_booked_as_refused() {
    for case in CASES {
        for fault in ["status:22", "status:23", "status:62", "status:80", "status:81", "status:82", "refused", "status:777"] {
            let context = format!("{}, {fault}", case.command);
            let shop = case.shop().await;
            shop.story.environment.standins().fault(System::Mokka, case.method, fault.parse::<Fault>().unwrap(), 1).unwrap();
            let answer = case.run(&shop).await;
            if case.is_a_refund() {
                assert_eq!((answer.status, &answer.json()["outcome"]), (202, &json!("unknown")), "{context}: {}", answer.body);
                assert_refused(&shop.refund("other", None).await, 409, "in_progress", &context);
                assert_eq!(shop.settle().await.status, 200, "{context}");
                assert_eq!(shop.changing(), ["return"], "{context}: whoever asks");
                shop.story.environment.advance(Duration::from_mins(2));
                shop.story.environment.tick().await;
            } else {
                assert_eq!(answer.status, 200, "{context}: the status shows that it is not done, and it does no harm twice");
            }
            assert_eq!((shop.state().await.as_str(), case.effects(&shop)), (case.state, 1), "{context}");
            shop.assert_asked_before_each(&context);
        }
    }
}

#[tokio::test]
async fn a_refusal_of_the_second_call_says_nothing_of_the_first() {
    // A change that was made all the same would show in the amount.
    for case in CASES.into_iter().filter(|case| case.command != "change") {
        let shop = case.shop().await;
        shop.story.environment.standins().fault(System::Mokka, case.method, Fault::Reset, 1).unwrap();
        shop.story.environment.standins().fault(System::Mokka, case.method, "status:32".parse().unwrap(), 1).unwrap();
        assert_eq!(case.run(&shop).await.status, 202, "{}", case.command);
        shop.story.environment.advance(Duration::from_mins(2));
        if case.is_a_refund() {
            // The second call, which is refused.
            shop.story.environment.tick().await;
        }
        let payment = shop.look().await;
        assert_eq!((&payment["unknown"], case.effects(&shop)), (&json!(true), 0), "{}", case.command);
        // The first one comes through at last.
        match case.command {
            "refund" => shop.return_at_mokka(AMOUNT),
            _ => drop(shop.story.environment.tick().await),
        }
        shop.story.environment.advance(Duration::from_mins(10));
        shop.story.environment.tick().await;
        assert_eq!((shop.state().await.as_str(), case.effects(&shop)), (case.state, 1), "{}", case.command);
    }
}

#[tokio::test]
async fn late_effect_at_mokka_is_found_and_done_once() {
    for case in CASES {
        // The look of a refund is due after 30 seconds: the call comes through before it, or after its repeat.
        for seconds in [20, 50] {
            let shop = case.shop().await;
            shop.story.environment.standins().set_reading("lost_call", "later").unwrap();
            let fault = if seconds == 20 { Fault::AnswerLost } else { Fault::EffectLate(seconds) };
            shop.story.environment.standins().fault(System::Mokka, case.method, fault, 2).unwrap();
            assert_eq!(case.run(&shop).await.status, 202, "{}", case.command);
            assert_eq!(case.effects(&shop), 0, "{}: not yet", case.command);
            for _ in 0..10 {
                shop.story.environment.advance(Duration::from_secs(35));
                shop.story.environment.tick().await;
            }
            let (payment, made) = (shop.look().await, if case.command == "change" { 2 } else { 1 });
            assert_eq!((payment["state"].as_str(), &payment["unknown"]), (Some(case.state), &json!(false)), "{}", case.command);
            assert!((1..=made).contains(&case.effects(&shop)), "{}: {}", case.command, case.effects(&shop));
        }
    }
}

#[tokio::test]
async fn a_refused_command_can_be_given_again() {
    for case in CASES {
        let shop = case.shop().await;
        shop.story.environment.standins().fault(System::Mokka, case.method, "status:32".parse().unwrap(), 1).unwrap();
        assert_eq!(case.run(&shop).await.status, 502, "{}", case.command);
        let answer = if case.command == "refund" { shop.refund("new-key", None).await } else { case.run(&shop).await };
        assert_eq!((answer.status, case.effects(&shop)), (200, 1), "{}: {}", case.command, answer.body);
        assert_eq!(shop.state().await, case.state);
        shop.assert_asked_before_each(case.command);
    }
}

#[tokio::test]
async fn a_hold_that_ran_out_is_known_to_have() {
    // Mokka cancels what is finished too late, and says so by 23.
    let shop = Shop::held().await;
    shop.story.environment.standins().fault(System::Mokka, "finish", "status:23".parse().unwrap(), 2).unwrap();
    let unknown = shop.finish().await;
    assert_eq!(unknown.status, 202, "23 while Mokka still holds it: {}", unknown.body);
    shop.story.environment.advance(Duration::from_hours(337));
    let late = shop.finish().await;
    assert_refused(&late, 409, "already_expired", "its time is over");
    assert_eq!(shop.state().await, "expired");
}

#[tokio::test]
async fn unsent_refund_waits_and_is_made_later() {
    // Mokka's address answers nothing at all: the part was surely not sent, so it is sent once Mokka is back.
    let shop = Shop::captured_yesterday().await;
    let nowhere = shop
        .story
        .environment
        .build(back_office::Deps::from_env, &[("MOKKA_FINISH", "on_shipment"), ("MOKKA_BASE_URL", "http://127.0.0.1:9")]);
    let event = shop.event("refunds", testkit::settings::CASHIER_KEY).header("Idempotency-Key", "key");
    let event = event.json(json!({"amount": "300.00"})).rest();
    let answer = testkit::invoke(&nowhere, |deps, request| Box::pin(back_office::handle(deps, request)), event).await;
    assert_refused(&answer, 503, "provider_unavailable", "not even asked");
    assert!(shop.look().await["refunds"].as_array().unwrap().is_empty());
}
