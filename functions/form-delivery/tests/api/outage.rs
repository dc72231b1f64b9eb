//! A form whose customer was told that it is taken reaches the shop, once, however long that takes.

use std::time::Duration;

use serde_json::json;
use shared::platform::clock::Clock;
use standins::{Call, Fault, System};
use testkit::settings::{FORMS_QUEUE, PHOTOS};

use crate::{LONGEST_PAUSE, LOOKED_AFTER, Setup};

#[tokio::test]
async fn a_form_that_the_shop_has_is_done_with() {
    let setup = Setup::start().await;
    assert!(setup.hand_in("a call").await);
    assert_eq!((setup.in_the_books(), setup.queued()), (vec!["a call".to_owned()], 1));
    assert_eq!(setup.environment.deliver_forms_for(LOOKED_AFTER).await, 1);
    assert_eq!((setup.tries(), setup.queued()), (1, 0), "a look, and no call");
}

#[tokio::test]
async fn whatever_goes_wrong_at_the_shop_the_form_is_in_its_books_once() {
    for fault in [Fault::Http500, Fault::Html, Fault::Reset, Fault::AnswerLost, Fault::Status(401), Fault::Status(503)] {
        let setup = Setup::start().await;
        setup.environment.standins().fault(System::Shop, "forms", fault, 3).unwrap();
        assert!(setup.hand_in_form("kept-wish", "a call").await, "{fault}");
        assert_eq!(setup.states().await, ["waiting"], "{fault}");
        setup.environment.deliver_forms_for(Duration::from_mins(10)).await;
        assert_eq!((setup.in_the_books().len(), setup.tries()), (1, 4), "{fault}");
        assert_eq!((setup.states().await, setup.queued()), (vec!["delivered".to_owned()], 0), "{fault}");
        let calls = setup.environment.standins().calls_to(System::Shop, "forms");
        assert!(calls.iter().all(|call| call.headers["webhook-id"] == calls[0].headers["webhook-id"]), "{fault}: one id");
    }
}

#[tokio::test]
async fn each_try_with_a_form_is_signed_at_the_machines_time() {
    let setup = Setup::start().await;
    setup.environment.advance(Duration::from_hours(24 * 365));
    setup.environment.standins().fault(System::Shop, "forms", Fault::Http500, 2).unwrap();
    setup.hand_in("a call").await;
    setup.environment.deliver_forms_for(Duration::from_mins(10)).await;
    let calls = setup.environment.standins().calls_to(System::Shop, "forms");
    let now = Clock::system().now().seconds();
    let apart = |call: &Call| call.headers["webhook-timestamp"].parse::<i64>().unwrap().abs_diff(now);
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|call| apart(call) < 3600), "{:?}", calls.iter().map(apart).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_shop_that_is_down_for_hours_gets_every_form_once_when_it_is_back() {
    let setup = Setup::start().await;
    setup.shop_has(Fault::Http500);
    let wishes: Vec<_> = (0..10).map(|n| format!("wish {n:02}")).collect();
    for wish in &wishes {
        assert!(setup.hand_in(wish).await, "{wish}");
    }
    setup.environment.deliver_forms_for(Duration::from_hours(5)).await;
    assert_eq!((setup.in_the_books().len(), setup.states().await.len()), (0, 10));
    setup.shop_is_well();
    setup.environment.deliver_forms_for(LONGEST_PAUSE).await;
    let mut delivered = setup.in_the_books();
    delivered.sort();
    assert_eq!(delivered, wishes);
    assert_eq!((setup.queued(), setup.environment.queues().dead_letters().len()), (0, 0));
}

#[tokio::test]
async fn form_delivery_backs_off_from_30_seconds_to_an_hour() {
    let setup = Setup::start().await;
    setup.shop_has(Fault::Http500);
    setup.hand_in("a call").await;
    setup.environment.deliver_forms_for(Duration::from_hours(4)).await;
    let calls = setup.environment.standins().calls_to(System::Shop, "forms");
    let moments: Vec<_> = calls.iter().map(|call| call.at).collect();
    let pauses: Vec<_> = moments.windows(2).map(|pair| (pair[1] - pair[0]).as_seconds_f64()).collect();
    for (pause, wanted) in pauses.iter().zip([60.0, 30.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0]) {
        // Up to a tenth of jitter, and what the machine takes.
        assert!((wanted - 2.0..wanted * 1.1 + 5.0).contains(pause), "{wanted}: {pauses:?}");
    }
    assert!(pauses.len() >= 9, "{pauses:?}");
}

#[tokio::test]
async fn form_untaken_for_a_day_stays_in_dead_letters_until_redriven() {
    let setup = Setup::start().await;
    setup.shop_has(Fault::Http500);
    setup.hand_in("a call").await;
    setup.environment.deliver_forms_for(Duration::from_hours(22)).await;
    assert_eq!((setup.queued(), setup.environment.queues().dead_letters().len()), (1, 0), "a day of tries");
    setup.environment.deliver_forms_for(Duration::from_hours(6)).await;
    assert_eq!((setup.queued(), setup.environment.queues().dead_letters().len()), (0, 1));
    assert_eq!((setup.tries(), setup.states().await), (32, vec!["waiting".to_owned()]));
    setup.shop_is_well();
    assert_eq!(setup.environment.queues().redrive().unwrap(), 1);
    assert_eq!(setup.environment.deliver_forms().await, 1);
    assert_eq!((setup.in_the_books(), setup.queued()), (vec!["a call".to_owned()], 0));
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_asked_again_like_the_shop() {
    let setup = Setup::start().await;
    setup.shop_has(Fault::Http500);
    setup.hand_in("a call").await;
    setup.shop_is_well();
    setup.environment.set_workers(&[("DYNAMODB_ENDPOINT", "http://127.0.0.1:9")]);
    assert_eq!(setup.environment.deliver_forms_for(LOOKED_AFTER).await, 1);
    assert_eq!((setup.tries(), setup.queued()), (1, 1));
    setup.environment.set_workers(&[]);
    assert_eq!(setup.environment.deliver_forms_for(Duration::from_secs(34)).await, 1);
    assert_eq!((setup.in_the_books().len(), setup.queued()), (1, 0));
}

#[tokio::test]
async fn a_try_that_cannot_be_planned_comes_when_the_queue_says() {
    let setup = Setup::start().await;
    setup.shop_has(Fault::Http500);
    setup.hand_in("a call").await;
    setup.environment.advance(LOOKED_AFTER);
    // Three attempts of one request.
    setup.environment.queues().fail(3);
    assert_eq!(setup.environment.deliver_forms().await, 1);
    setup.shop_is_well();
    assert_eq!(setup.environment.deliver_forms_for(Duration::from_mins(11)).await, 0);
    assert_eq!(setup.environment.deliver_forms_for(Duration::from_mins(1)).await, 1);
    assert_eq!((setup.in_the_books().len(), setup.queued()), (1, 0));
}

#[tokio::test]
async fn a_form_that_fails_does_not_hold_up_the_others_of_its_batch() {
    let setup = Setup::start().await;
    setup.shop_has(Fault::Http500);
    for wish in ["first", "second", "third"] {
        setup.hand_in(wish).await;
    }
    setup.shop_is_well();
    setup.environment.standins().fault(System::Shop, "forms", Fault::Http500, 1).unwrap();
    setup.environment.advance(LOOKED_AFTER);
    assert_eq!(setup.environment.deliver_forms().await, 3);
    assert_eq!(setup.in_the_books(), ["second", "third"]);
    let left = setup.environment.queues().messages(FORMS_QUEUE);
    assert_eq!((left.len(), left[0].receives), (1, 1));
    setup.environment.deliver_forms_for(Duration::from_secs(34)).await;
    assert_eq!(setup.in_the_books(), ["second", "third", "first"]);
}

#[tokio::test]
async fn a_photo_goes_with_its_form_and_is_deleted_when_the_shop_has_it() {
    // A PNG of one pixel.
    const PHOTO: &str = "data:image/png;base64,\
        iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let setup = Setup::start().await;
    setup.shop_has(Fault::Http500);
    assert!(setup.hand_in_fields("wish", json!({"wish": "a frame", "photo": PHOTO})).await);
    setup.shop_is_well();
    let key = setup.environment.items("forms", "form#").await[0]["photos"][0]["key"].as_str().unwrap().to_owned();
    assert!(setup.environment.storage().get(PHOTOS, &key).is_some(), "{key}");
    setup.environment.set_workers(&[("S3_ENDPOINT", "http://127.0.0.1:9")]);
    setup.environment.deliver_forms_for(LOOKED_AFTER).await;
    assert_eq!((setup.in_the_books().len(), setup.queued()), (0, 1), "no form goes without its photos");
    setup.environment.set_workers(&[]);
    setup.environment.deliver_forms_for(Duration::from_secs(34)).await;
    let saved = setup.environment.standins().forms();
    assert_eq!((saved.len(), &saved[0]["form"]["data"]["photo"], setup.queued()), (1, &json!(PHOTO), 0));
    assert!(setup.environment.storage().get(PHOTOS, &key).is_none(), "{key}");
}
