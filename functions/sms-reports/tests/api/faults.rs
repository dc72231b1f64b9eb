//! A store that fails, and a process that dies.

use std::time::Duration;

use testkit::settings::SMS_REPORT_SECRET;
use testkit::{Event, drop_after, invoke};

use super::{HANDLE, Shop, report};

const REPEATED: Duration = Duration::from_mins(10);

#[tokio::test]
async fn smspro_repeats_what_the_store_did_not_take() {
    let shop = Shop::start().await;
    let broken = shop.environment.build(sms_reports::Deps::from_env, &[("OTP_TABLE", "gone")]);
    let standins = shop.environment.standins();
    // The first time and two of three repetitions.
    for _ in 0..3 {
        let push = standins.take_sms_reports().remove(0);
        let event = Event::post(&format!("/v1/sms/reports/{SMS_REPORT_SECRET}")).text(&push.body);
        let status = invoke(&broken, HANDLE, event.rest()).await.status;
        assert_eq!(status, 503);
        standins.sms_report_pushed(push, status);
        assert!(standins.take_sms_reports().is_empty(), "not before ten minutes");
        shop.environment.advance(REPEATED);
    }
    assert_eq!(shop.environment.push_sms_reports().await, [200]);
    assert_eq!(shop.word().await, "delivered");
    shop.environment.advance(REPEATED);
    assert!(standins.take_sms_reports().is_empty());
}

#[tokio::test]
async fn a_lost_answer_of_the_store_notes_a_report_once() {
    for index in 0..2 {
        let shop = Shop::start().await;
        shop.environment.lose_store_answer(index);
        assert_eq!(shop.report(3).await.status, 200, "answer {index} lost");
        assert_eq!((shop.word().await, shop.sms().await["version"].as_i64()), ("delivered".into(), Some(2)), "answer {index}");
    }
}

#[tokio::test]
async fn a_push_dropped_at_every_point_is_made_good_by_its_repetition() {
    let mut points = 0;
    loop {
        let shop = Shop::start().await;
        let finished = drop_after(points, shop.push(&report(&[(&shop.id, 3)]))).await.is_some();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(shop.report(3).await.status, 200, "dropped after {points}");
        assert_eq!(shop.word().await, "delivered", "dropped after {points}");
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points >= 2, "read, write: {points}");
}
