//! The last runs of what runs by the clock, as each has written them down beside its lease.

use lambda_http::{Body, Response};
use serde::Serialize;
use shared::payments::store::Orders;
use shared::platform::clock::Timestamp;
use shared::platform::dynamodb::LastRun;
use shared::platform::http::{self, Failure, Status};

use crate::Asked;

#[derive(Serialize)]
struct ShownRun<'a> {
    /// The function, and the partition that it looked at if it is started for each.
    name: &'a str,
    began_at: String,
    /// Not there while it runs, or if it died.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    /// It ended with an error; the log says which.
    failed: bool,
}

#[derive(Serialize)]
struct RunsAnswer<'a> {
    success: bool,
    runs: Vec<ShownRun<'a>>,
}

pub(crate) async fn runs(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let deps = asked.deps;
    let of_shards = Orders::shards().map(|shard| format!("reconcile-{shard}"));
    let reconcile: Vec<_> = std::iter::once("reconcile".to_owned()).chain(of_shards).collect();
    let (sms_watch, price_feed) = (["sms-watch".to_owned()], ["price-feed".to_owned()]);
    let (reconcile, sms_watch, price_feed) = tokio::try_join!(
        deps.settler.orders.last_runs(&reconcile),
        deps.otp.last_runs(&sms_watch),
        deps.quotes.last_runs(&price_feed),
    )
    .map_err(Failure::internal)?;
    let runs: Vec<_> = reconcile.iter().chain(&sms_watch).chain(&price_feed).map(ShownRun::of).collect();
    http::json(Status::Ok, &RunsAnswer { success: true, runs })
}

impl<'a> ShownRun<'a> {
    fn of(LastRun { name, began_at, ended }: &'a LastRun) -> Self {
        Self {
            name,
            began_at: Timestamp::rfc3339(*began_at),
            ended_at: ended.map(|ended| ended.at.rfc3339()),
            failed: ended.is_some_and(|ended| ended.failed),
        }
    }
}
