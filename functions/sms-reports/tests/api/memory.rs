//! The worst that can be sent takes little memory.

use testkit::memory::holds_the_worst;
use testkit::settings::SMS_REPORT_SECRET;
use testkit::{Event, TestEnvironment};

use super::report;

/// What the function reads of a body.
const BODY: usize = 64 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worst_report_takes_less_than_half_of_the_memory() {
    let environment = TestEnvironment::start_now().await;
    let good = report(&[("of-nobody", 3)]);
    let phone = good.find("<phone>").expect("a report has a phone");
    let (before, behind) = good.split_at(phone);
    let filled = |piece: &str, size: usize| {
        let count = size.saturating_sub(good.len()) / piece.len();
        format!("{before}{}{behind}", piece.repeat(count))
    };
    let bodies = vec![
        ("phones, as many as are read".to_owned(), filled("<phone><report>3</report></phone>", BODY)),
        ("elements, as many as are read".to_owned(), filled("<a/>", BODY)),
        ("entities, as many as are read".to_owned(), filled("&lt;", BODY)),
        ("elements, as many as Lambda lets through".to_owned(), filled("<a/>", 6_000_000)),
    ];
    let path = format!("/v1/sms/reports/{SMS_REPORT_SECRET}");
    let push = |body: &str| Event::post(&path).text(body).rest();
    holds_the_worst(env!("CARGO_BIN_EXE_sms-reports"), &environment.env(), bodies, push).await;
}
