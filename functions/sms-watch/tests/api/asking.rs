//! SMSPRO is asked for the reports that did not come.

use std::time::Duration;

use serde_json::json;
use standins::{Fault, System};

use super::{LOST, OVER, PhoneReports, SILENCE, Shop, phone};

const WIRE: [Fault; 6] = [Fault::Timeout, Fault::Reset, Fault::Http500, Fault::Html, Fault::Slow, Fault::AnswerLost];

/// A customer whose code was never entered and whose report, as `reports` says, did not come.
async fn forgotten(reports: PhoneReports) -> (Shop, String) {
    let shop = Shop::start().await;
    shop.reports(&phone(1), reports);
    let id = shop.send(&phone(1)).await;
    shop.environment.advance(OVER);
    (shop, id)
}

#[tokio::test]
async fn a_report_whose_push_was_lost_is_asked_for() {
    let (shop, id) = forgotten(LOST).await;
    let report = shop.environment.watch_sms().await;
    assert_eq!((&report["asked"], &report["reported"]), (&json!(1), &json!(1)));
    shop.assert_counted([1, 1, 0], "asked").await;
    let sms = shop.sms(&id).await;
    assert_eq!((&sms["delivery"], sms.get("check_at")), (&json!("delivered"), None));
    let call = shop.environment.standins().calls_to(System::Smspro, "dr").remove(0);
    assert_eq!(
        call.raw,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><dr><login>smspro-demo-login</login>\
             <pwd>smspro-demo-password</pwd><id>{id}</id></dr>"
        )
    );
}

#[tokio::test]
async fn known_report_is_not_polled() {
    let shop = Shop::start().await;
    shop.send(&phone(1)).await;
    shop.environment.push_sms_reports().await;
    shop.reports(&phone(2), SILENCE);
    shop.send(&phone(2)).await;
    shop.enter(&phone(2)).await;
    shop.environment.advance(OVER);
    assert_eq!(shop.environment.watch_sms().await["counted"], 2);
    assert_eq!(shop.asked(), 0, "reported; entered");
}

#[tokio::test]
async fn missing_report_is_polled_with_back_off_for_a_day() {
    let (shop, id) = forgotten(SILENCE).await;
    let mut looks = Vec::new();
    for _ in 0..30 * 12 {
        shop.environment.watch_sms().await;
        let asked = shop.asked();
        if looks.len() < asked {
            looks.push((shop.now().millis() - shop.sms(&id).await["sent_at"].as_i64().unwrap()) / 60_000);
        }
        shop.environment.advance(Duration::from_mins(5));
    }
    assert_eq!(looks.len(), 9, "minutes: {looks:?}");
    assert!(looks.windows(2).take(7).all(|pair| pair[1] >= 2 * pair[0] - 1), "minutes: {looks:?}");
    assert!(*looks.last().unwrap() <= 24 * 60 + 10, "minutes: {looks:?}");
    assert_eq!(shop.sms(&id).await.get("check_at"), None);
    shop.assert_counted([1, 0, 0], "a day later").await;
}

#[tokio::test]
async fn every_fault_of_smspro_delays_a_report_and_nothing_else() {
    let statuses = [1, 2, 3, 4, 5, 6, 99].map(Fault::Status);
    let faults: Vec<_> = WIRE.into_iter().chain([Fault::Refused]).chain(statuses).collect();
    for some in faults.chunks(4) {
        futures_util::future::join_all(some.iter().map(|fault| async move {
            let (shop, _) = forgotten(LOST).await;
            shop.environment.standins().fault(System::Smspro, "dr", *fault, 1).unwrap();
            let report = shop.environment.watch_sms().await;
            assert_eq!((&report["counted"], &report["asked"], &report["failed"]), (&json!(1), &json!(1), &json!(0)), "{fault}");
            shop.assert_counted([1, 0, 0], &fault.to_string()).await;
            assert_eq!(shop.environment.watch_sms().await["asked"], 0, "{fault}: not at once");
            shop.environment.advance(Duration::from_mins(7));
            assert_eq!(shop.environment.watch_sms().await["reported"], 1, "{fault}");
            shop.assert_counted([1, 1, 0], &fault.to_string()).await;
        }))
        .await;
    }
}

#[tokio::test]
async fn an_smspro_that_is_down_is_left_alone_for_the_rest_of_the_run() {
    for (fault, asked) in [(Fault::Http500, 3), (Fault::Status(5), 1), (Fault::Status(2), 1), (Fault::Status(4), 6)] {
        let shop = Shop::start().await;
        for number in 0..6 {
            shop.reports(&phone(number), LOST);
            shop.send(&phone(number)).await;
        }
        shop.environment.advance(OVER);
        shop.environment.standins().fault(System::Smspro, "dr", fault, 6).unwrap();
        let report = shop.environment.watch_sms().await;
        assert_eq!((&report["asked"], &report["counted"]), (&json!(asked), &json!(6)), "{fault}: all are counted");
        shop.environment.standins().clear_faults();
        shop.environment.advance(Duration::from_mins(7));
        assert_eq!(shop.environment.watch_sms().await["reported"], 6, "{fault}");
        shop.assert_counted([6, 6, 0], &fault.to_string()).await;
    }
}

#[tokio::test]
async fn without_a_login_nobody_is_asked_and_all_is_counted() {
    let (shop, id) = forgotten(LOST).await;
    shop.environment.set_workers(&[("SMSPRO_LOGIN", ""), ("SMSPRO_PASSWORD", ""), ("SMSPRO_BASE_URL", "")]);
    assert_eq!(shop.environment.watch_sms().await["counted"], 1);
    assert_eq!((shop.asked(), shop.sms(&id).await.get("check_at")), (0, None));
    shop.assert_counted([1, 0, 0], "not asked").await;
}

#[tokio::test]
async fn a_login_without_its_password_is_no_setting() {
    let shop = Shop::start().await;
    let mut env = shop.environment.env();
    env.remove("SMSPRO_PASSWORD");
    let error = sms_watch::Deps::from_env(shared::platform::env::Env::from_map(env), shop.environment.platform()).unwrap_err();
    assert!(error.to_string().contains("SMSPRO_PASSWORD: must be set"), "{error}");
}
