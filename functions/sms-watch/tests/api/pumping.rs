//! Codes that are not entered: a person is told, once. Ordinary customers set off nothing.

use std::time::Duration;

use serde_json::json;
use shared::forms::sms::Group;
use shared::forms::store::otp::Otp;
use shared::platform::clock::Random;
use shared::platform::dynamodb::{Written, client_from_env};
use shared::platform::env::Env;
use shared::platform::metrics::SMS_CONVERSION_DROPPED;

use super::{OVER, Shop, phone};

const ALARM: &str = "codes by SMS are not entered";

impl Shop {
    /// So many customers of one range are sent codes, and of them so many enter theirs; their time goes by.
    async fn traffic(&self, from: usize, sent: usize, entered: usize) {
        for number in from..from + sent {
            self.send(&phone(number)).await;
        }
        self.environment.push_sms_reports().await;
        for number in from..from + entered {
            self.enter(&phone(number)).await;
        }
        self.environment.advance(OVER);
    }

    /// The alarms, as `operator` and `range` of what was measured.
    fn alarms(&self) -> Vec<String> {
        let lines = self.environment.measured(SMS_CONVERSION_DROPPED);
        lines.iter().map(|line| line["operator"].as_str().or(line["range"].as_str()).unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_person_is_told_once_that_codes_are_not_entered() {
    let shop = Shop::start().await;
    shop.traffic(0, 20, 5).await;
    assert_eq!(shop.environment.watch_sms().await["alarms"], 2);
    assert_eq!(shop.alarms(), ["beeline", "9967701"]);
    let logs = shop.environment.logs();
    let line = logs.lines().find(|line| line.contains(ALARM) && line.contains("\"range\"")).expect("a line for people");
    for said in
        ["\"sms.name\":\"9967701\"", "\"sms.sent\":20", "\"sms.delivered\":20", "\"sms.entered\":5", "\"level\":\"ERROR\""]
    {
        assert!(line.contains(said), "{said}: {line}");
    }
    // It goes on.
    shop.traffic(20, 5, 0).await;
    assert_eq!(shop.environment.watch_sms().await["alarms"], 0, "told already");
    shop.environment.advance(Duration::from_hours(6));
    shop.traffic(30, 19, 0).await;
    assert_eq!(shop.environment.watch_sms().await["alarms"], 0, "what was told of is out of the window");
    shop.traffic(60, 1, 0).await;
    assert_eq!(shop.environment.watch_sms().await["alarms"], 2, "another window");
    assert_eq!(shop.alarms().len(), 4);
}

#[tokio::test]
async fn ordinary_customers_set_off_nothing() {
    let shop = Shop::start().await;
    for (from, sent, entered) in [(0, 20, 16), (20, 10, 4), (40, 29, 10)] {
        shop.traffic(from, sent, entered).await;
        assert_eq!(shop.environment.watch_sms().await["alarms"], 0);
        shop.environment.advance(Duration::from_hours(1));
    }
    assert_eq!(shop.alarms(), [""; 0]);
}

#[tokio::test]
async fn a_quiet_shop_sets_off_nothing() {
    let shop = Shop::start().await;
    shop.traffic(0, 19, 0).await;
    assert_eq!(
        shop.environment.watch_sms().await,
        json!({
            "due": 19, "counted": 19, "asked": 0, "reported": 0, "failed": 0, "alarms": 0, "left": false
        })
    );
    assert_eq!(shop.environment.watch_sms().await["due"], 0);
    assert_eq!(shop.alarms(), [""; 0]);
}

#[tokio::test]
async fn an_attack_on_a_range_shows_among_many_ordinary_customers() {
    let shop = Shop::start().await;
    for number in 0..40 {
        // Ranges of ten numbers each.
        let phone = format!("99677{:02}{:05}", 20 + number / 10, number);
        shop.send(&phone).await;
        shop.enter(&phone).await;
    }
    shop.traffic(0, 20, 0).await;
    assert_eq!(shop.environment.watch_sms().await["alarms"], 1);
    assert_eq!(shop.alarms(), ["9967701"], "of the operator's 60, 40 were entered");
}

#[tokio::test]
async fn two_runs_at_once_tell_once() {
    let shop = Shop::start().await;
    shop.traffic(0, 20, 0).await;
    let deps = shop.environment.build(sms_watch::Deps::from_env, &[]);
    let run = || testkit::work(&deps, |deps, event| Box::pin(sms_watch::handle(deps, event)), json!({}));
    let (first, second) = tokio::join!(run(), run());
    let told = [first.unwrap(), second.unwrap()].iter().map(|report| report["alarms"].as_u64().unwrap()).sum::<u64>();
    assert_eq!((told, shop.alarms().len()), (2, 2), "the operator and the range");
}

#[tokio::test]
async fn of_two_runs_that_know_the_same_one_notes_the_alarm() {
    let shop = Shop::start().await;
    let mut env = Env::from_map(shop.environment.env());
    let client = client_from_env(&mut env).unwrap();
    let otp = Otp::from_env(&mut env, client, Random::System).unwrap();
    let group = Group::Range("9967701".to_owned());
    for window in 0..2 {
        let now = shop.now();
        let known = otp.conversion(&group, now, 6).await.unwrap();
        assert_eq!(otp.note_alarm(&group, &known, now).await.unwrap(), Written::Yes, "window {window}");
        assert_eq!(otp.note_alarm(&group, &known, now).await.unwrap(), Written::Conflict, "window {window}");
    }
}

#[tokio::test]
async fn the_thresholds_are_the_files() {
    let shop = Shop::start().await;
    let text = include_str!("../../../../infra/config/forms.toml").replace("min_codes = 20", "min_codes = 5");
    let text = text.replace("min_entered_percent = 30", "min_entered_percent = 90");
    let path = testkit::written(env!("CARGO_TARGET_TMPDIR"), "strict.toml", &text);
    shop.environment.set_workers(&[("FORMS_CONFIG", &path)]);
    shop.traffic(0, 5, 4).await;
    assert_eq!(shop.environment.watch_sms().await["alarms"], 2);
}
