//! Looks after forms on their way to the shop. The queue is the trigger; the submission as it is stored is the truth, so a
//! message that comes twice, late or for nothing does no harm.
//!
//! form-otp puts a message into the queue before it stores a form, to be given here when no request can be busy with the form
//! any more. Mostly the shop has it by then, and the message is done. Otherwise the shop is tried again, under the same id, for
//! about a day: after 30 seconds, twice as long each time, at last once an hour. The queue counts; what it gives up goes to the
//! dead letters, and the form stays stored.
//!
//! Round trips for each message: one read. If the shop has not answered for the form: its photos, one call to the shop, one
//! write, and the photos that are not kept deleted; or the message postponed.

use std::time::Duration;

use lambda_runtime::LambdaEvent;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::forms::deliver::{Delivered, Dispatcher};
use shared::forms::photos::Photos;
use shared::forms::shop::Webhook;
use shared::forms::store::submissions::Submissions;
use shared::forms::submission::State;
use shared::platform::clock::{self, Clock, Deadline};
use shared::platform::dynamodb::client_from_env;
use shared::platform::env::{ConfigError, Env};
use shared::platform::ids::SubmissionId;
use shared::platform::metrics::{self, Metrics};
use shared::platform::queue::{self, Queue};
use shared::platform::runtime::{Platform, remaining};

/// How long a batch may take; Lambda gives the function two minutes.
const BUDGET: Duration = Duration::from_secs(110);
/// What one form may take at worst: its photos, the shop, the store. None is begun with less.
const ONE_FORM: Duration = Duration::from_secs(45);
/// The first pause between two tries; each further one is twice as long.
const SHORTEST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    submissions: Submissions,
    dispatcher: Dispatcher,
    queue: Queue,
    clock: Clock,
    metrics: Metrics,
}

impl Deps {
    /// Reads `FORMS_TABLE`, `FORM_PHOTOS_BUCKET`, `FORMS_QUEUE_URL`, `SHOP_FORMS_URL`, `SHOP_FORMS_SECRET` and the store's
    /// settings.
    pub fn from_env(mut env: Env, platform: Platform) -> Result<Self, ConfigError> {
        let Platform { clock, random, http, metrics } = platform;
        let client = client_from_env(&mut env);
        let submissions = client.and_then(|client| Submissions::from_env(&mut env, client, random));
        let photos = Photos::from_env(&mut env);
        let queue = Queue::from_env(&mut env);
        let webhook = Webhook::from_env(&mut env, http);
        let build = || {
            let submissions = submissions?;
            let dispatcher = Dispatcher::new(submissions.clone(), photos?, webhook?, clock.clone(), metrics.clone());
            Some(Self { submissions, dispatcher, queue: queue?, clock, metrics })
        };
        let deps = build();
        env.finish(deps)
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.submissions.warm_up().await;
    }
}

/// A message as Lambda passes it on.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(rename = "messageId")]
    id: String,
    receipt_handle: String,
    body: String,
    attributes: Attributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    /// A number as text: how often it was given, this time included.
    approximate_receive_count: String,
}

/// Takes a batch of the queue and says which of its messages are to be given again.
pub async fn handle(deps: &Deps, event: LambdaEvent<Value>) -> Result<Value, lambda_http::Error> {
    let deadline = Deadline::within(remaining(&event.context, BUDGET));
    let records = event.payload["Records"].as_array().ok_or("not a batch of a queue: no Records")?;
    let mut failures = Vec::new();
    // One after the other: the shop has most likely just been in trouble.
    for record in records {
        let message = Message::deserialize(record).map_err(|error| error.to_string());
        let read = message.and_then(|message| Ok((queue::submission(&message.body)?, message)));
        let (id, message) = match read {
            Ok(read) => read,
            Err(cause) => {
                tracing::error!(cause, "a message of the queue cannot be read and is dropped");
                continue;
            }
        };
        if !try_delivery(deps, &id, deadline).await {
            postpone(deps, &id, &message).await;
            failures.push(json!({"itemIdentifier": message.id}));
        }
    }
    Ok(json!({"batchItemFailures": failures}))
}

/// One delivery of a submission, if it still waits; whether the queue is done with it.
async fn try_delivery(deps: &Deps, id: &SubmissionId, deadline: Deadline) -> bool {
    if deadline.before(ONE_FORM).allows(ONE_FORM).is_none() {
        tracing::warn!(submission = %id, "no time is left for a form");
        return false;
    }
    let submission = match deps.submissions.find(id, deps.clock.now()).await {
        Ok(Some(found)) if found.state == State::Waiting => found,
        // At its end, or its time is over, or it was never stored: then its customer was told so.
        Ok(_) => return true,
        Err(cause) => {
            tracing::error!(submission = %id, cause = %cause, "a form could not be read");
            return false;
        }
    };
    let age = deps.clock.now().since(submission.at);
    match deps.dispatcher.deliver(submission, deadline).await {
        Ok(Delivered::Yes(_)) => true,
        Ok(Delivered::Refused(_)) => {
            tracing::error!(submission = %id, "the shop refused a form whose customer has read that it was accepted");
            deps.metrics.emit(&[(metrics::FORMS_REFUSED_LATE, 1)], &[(metrics::SUBMISSION, id.as_str())]);
            true
        }
        Ok(Delivered::Unclear) => {
            deps.metrics.emit(&[(metrics::FORM_WAITING, clock::seconds(age))], &[(metrics::SUBMISSION, id.as_str())]);
            false
        }
        Err(cause) => {
            tracing::error!(submission = %id, cause = %cause, "the shop's answer to a form could not be recorded");
            false
        }
    }
}

/// Plans the next try. If that fails, the queue's own time decides.
async fn postpone(deps: &Deps, id: &SubmissionId, message: &Message) {
    let receives = message.attributes.approximate_receive_count.parse().unwrap_or(1);
    let pause = pause(id, receives);
    match deps.queue.postpone(&message.receipt_handle, pause).await {
        Ok(()) => tracing::info!(submission = %id, tries = receives, pause_s = pause.as_secs(), "a form waits for its next try"),
        Err(cause) => tracing::warn!(submission = %id, cause = %cause, "the next try of a form could not be planned"),
    }
}

/// How long a form waits after its message was given `receives` times. Up to a tenth longer, each form its own, so that those
/// of an outage do not all come back at once.
fn pause(id: &SubmissionId, receives: u32) -> Duration {
    let doubled = SHORTEST_PAUSE.saturating_mul(2_u32.saturating_pow(receives.saturating_sub(1)));
    let pause = doubled.min(LONGEST_PAUSE);
    // The id is a digest: its first digits are as good as dice.
    let share = id.as_str().get(..2).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default();
    pause + pause * share / (10 * 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often the queue gives a message (`maxReceiveCount` in template.yaml).
    const RECEIVES: u32 = 31;

    #[test]
    fn the_tries_span_a_day() {
        for (digits, day) in [("00", 24..25), ("ff", 26..27)] {
            let id = SubmissionId::parse(&digits.repeat(32)).unwrap();
            let pauses: Vec<_> = (1..=RECEIVES).map(|receives| pause(&id, receives)).collect();
            assert!(pauses.is_sorted(), "{pauses:?}");
            let span: Duration = pauses[..pauses.len() - 1].iter().sum();
            assert!(day.contains(&(span.as_secs() / 3600)), "{span:?}");
        }
    }

    #[test]
    fn pauses_double_up_to_an_hour_and_no_count_breaks_them() {
        let id = SubmissionId::parse(&"00".repeat(32)).unwrap();
        let seconds = [0, 1, 2, 3, 7, 8, 9, u32::MAX].map(|receives| pause(&id, receives).as_secs());
        assert_eq!(seconds, [30, 30, 60, 120, 1920, 3600, 3600, 3600]);
    }
}
