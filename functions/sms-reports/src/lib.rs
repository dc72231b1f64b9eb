//! `POST /v1/sms/reports/{secret}`: SMSPRO's delivery reports. They are unsigned, so who knows the secret in the path is believed;
//! what a report can do is to be noted on an SMS of ours, forwards only.
//!
//! SMSPRO takes HTTP 200 for taken and repeats everything else three times, ten minutes apart. So: 200 also for an SMS that is not
//! ours (any more) and for an entry that cannot be read, which no repetition would change; 503 when the store fails for one of them, the
//! others being noted; 400 for what is no report at all; 404 for a wrong secret, as for any address that there is not. A report that overtakes our own note of its SMS is lost here, and sms-watch asks
//! for it.
//!
//! Round trips for each SMS that is reported: one read; one write if it says something new.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use lambda_http::{Body, Request, Response};
use serde_json::json;
use shared::forms::smspro::{self, DeliveryReport, DeliveryStatus};
use shared::forms::store::otp::Otp;
use shared::platform::clock::Clock;
use shared::platform::dynamodb::{Written, client_from_env};
use shared::platform::env::{ConfigError, Env};
use shared::platform::http::{self, Failure, Inbound, Shape, Status};
use shared::platform::metrics::{self, Metrics};
use shared::platform::outbound::System;
use shared::platform::runtime::Platform;
use shared::platform::secret::Keys;

/// 64 KiB: a hundred times what a report needs.
const LARGEST_BODY: usize = 64 * 1024;
/// How many SMS are noted at once.
const AT_ONCE: usize = 8;
/// How often a report is noted again when another request wrote first.
const ROUNDS: u32 = 8;

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    /// Closed without them.
    secrets: Option<Keys>,
    otp: Otp,
    metrics: Metrics,
    clock: Clock,
}

impl Deps {
    /// Reads `SMSPRO_REPORT_SECRET` (`SMSPRO_REPORT_SECRET_NEXT` is valid beside it; closed without it, unless `SMSPRO_REPORTS` is
    /// on), `OTP_TABLE` and the store's settings.
    pub fn from_env(mut env: Env, platform: Platform) -> Result<Self, ConfigError> {
        let wanted = env.wanted("SMSPRO_REPORTS", "SMSPRO_REPORT_SECRET");
        let secrets = wanted.then(|| env.public_keys("SMSPRO_REPORT_SECRET"));
        let client = client_from_env(&mut env);
        let otp = client.and_then(|client| Otp::from_env(&mut env, client, platform.random));
        let build = || {
            let secrets = match secrets {
                Some(secrets) => Some(secrets?),
                None => None,
            };
            Some(Self { secrets, otp: otp?, metrics: platform.metrics, clock: platform.clock })
        };
        let deps = build();
        env.finish(deps)
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.otp.warm_up().await;
    }
}

/// Answers a request.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    http::answer(Shape::Error, request, async |inbound| route(deps, &inbound).await).await
}

async fn route(deps: &Deps, inbound: &Inbound) -> Result<Response<Body>, Failure> {
    let path = inbound.path();
    let ["v1", "sms", "reports", secret] = path.as_slice() else { return Err(Failure::not_found()) };
    inbound.require_method("POST")?;
    inbound.limit_body(LARGEST_BODY)?;
    if !deps.secrets.as_ref().is_some_and(|secrets| secrets.accept(secret)) {
        tracing::warn!("delivery reports were refused: a wrong secret, or SMSPRO_REPORT_SECRET is not set");
        let fields = [(metrics::PROVIDER, System::Smspro.name()), (metrics::REASON, "secret")];
        deps.metrics.emit(&[(metrics::CALLBACKS_REFUSED, 1)], &fields);
        return Err(Failure::not_found());
    }
    let reports = smspro::read_reports(inbound.body()).map_err(|malformed| {
        tracing::warn!(cause = %malformed, "delivery reports cannot be read");
        Failure::bad_request(malformed.to_string())
    })?;
    for (entry, why) in reports.unreadable {
        tracing::warn!(entry, why, "an entry of delivery reports is left out");
    }
    // Of several reports of one SMS the one that outweighs the others counts.
    let mut words: BTreeMap<String, DeliveryStatus> = BTreeMap::new();
    for DeliveryReport { transaction_id, delivery } in reports.reports {
        let word = words.entry(transaction_id).or_insert(delivery);
        *word = delivery.max(*word);
    }
    let all = stream::iter(words).map(|(id, delivery)| async move { deps.note(&id, delivery).await }).buffer_unordered(AT_ONCE);
    // Each of them is noted, whatever becomes of another.
    let left = inbound.deadline().allows(Duration::MAX).unwrap_or_default();
    let noted = tokio::time::timeout(left, all.collect::<Vec<_>>()).await;
    let noted = noted.map_err(|_| Failure::unavailable("the reports are too many for the time that is left"))?;
    noted.into_iter().collect::<Result<(), Failure>>()?;
    http::json(Status::Ok, &json!({"success": true}))
}

impl Deps {
    async fn note(&self, transaction_id: &str, delivery: DeliveryStatus) -> Result<(), Failure> {
        for _ in 0..ROUNDS {
            let Some(sms) = self.otp.sms(transaction_id).await.map_err(Failure::unavailable)? else {
                tracing::info!(delivery = delivery.name(), "a report of an SMS that is not known (any more)");
                return Ok(());
            };
            let Some(sms) = sms.reported(delivery, self.clock.now()) else { return Ok(()) };
            if self.otp.save_sms(&sms).await.map_err(Failure::unavailable)? == Written::Yes {
                let (operator, range) = (&sms.operator, &sms.range);
                tracing::info!(transaction_id, delivery = delivery.name(), operator, range, "an SMS was reported");
                return Ok(());
            }
        }
        Err(Failure::unavailable("others keep writing the same SMS"))
    }
}
