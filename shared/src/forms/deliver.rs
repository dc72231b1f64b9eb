//! Brings a submission to the shop. The same for the request that handed it in, while the customer waits, and for the queue
//! afterwards: one try, and what became of it is written down. The shop knows a repetition by its id, so one try too many does
//! no harm and one too few is made up for.

use serde::Deserialize;

use crate::forms::photos::Photos;
use crate::forms::shop::Webhook;
use crate::forms::store::submissions::Submissions;
use crate::forms::submission::{State, Submission};
use crate::platform::clock::{Clock, Deadline};
use crate::platform::dynamodb::{StoreError, recorded};
use crate::platform::metrics::{self, Metrics};
use crate::platform::outbound::Answer;
use crate::platform::wire::Lenient;

/// How often a result is written anew after another request wrote first.
const ROUNDS: u32 = 8;
/// The longest message of the shop's that is passed on, in characters.
const LONGEST_MESSAGE: usize = 500;

/// What the shop says of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It has it; with what it tells the customer.
    Yes(Option<String>),
    /// It does not want it like this; with what it tells the customer.
    Refused(String),
    /// The outcome is unknown, or it could not: try again.
    Unclear,
}

/// Brings submissions to the shop.
#[derive(Debug)]
pub struct Dispatcher {
    submissions: Submissions,
    photos: Photos,
    webhook: Webhook,
    clock: Clock,
    metrics: Metrics,
}

impl Dispatcher {
    /// A way from the store to the shop.
    #[must_use]
    pub fn new(submissions: Submissions, photos: Photos, webhook: Webhook, clock: Clock, metrics: Metrics) -> Self {
        Self { submissions, photos, webhook, clock, metrics }
    }

    /// One try with a stored submission: its photos are fetched, the shop is asked, its answer is written down.
    pub async fn deliver(&self, submission: Submission, deadline: Deadline) -> Result<Delivered, StoreError> {
        let photos = match self.photos.base64(&submission.photos).await {
            Ok(photos) => photos,
            Err(cause) => {
                tracing::error!(cause = %cause, "a form's photos could not be read");
                return Ok(Delivered::Unclear);
            }
        };
        let delivered = self.offer(&submission, photos, deadline).await;
        self.record(submission, &delivered).await?;
        Ok(delivered)
    }

    /// Asks the shop, with the photos at hand as base64.
    pub async fn offer(&self, submission: &Submission, photos: Vec<String>, deadline: Deadline) -> Delivered {
        let form = submission.form.as_str();
        let Some(body) = submission.body(photos) else {
            tracing::error!(form, "a form has nothing in it that could be delivered");
            return Delivered::Unclear;
        };
        match self.webhook.post(submission.id.as_str(), body, self.clock.machine_now(), deadline).await {
            Ok(mut answer) => {
                let delivered = read(&answer, form);
                match delivered {
                    Delivered::Yes(_) => answer.call.done(),
                    Delivered::Refused(_) => answer.call.refused(),
                    Delivered::Unclear => {}
                }
                delivered
            }
            Err(cause) => {
                tracing::warn!(cause = %cause, form, "the shop's answer to a form did not come");
                Delivered::Unclear
            }
        }
    }

    /// Writes down what the shop said. Photos that are not to be kept go, or with their time if they cannot be deleted now.
    pub async fn record(&self, submission: Submission, delivered: &Delivered) -> Result<(), StoreError> {
        let id = submission.id.clone();
        let mut submission = submission;
        for _ in 0..ROUNDS {
            let now = self.clock.now();
            let ended = match delivered {
                Delivered::Yes(message) => submission.delivered(message.clone(), now),
                Delivered::Refused(message) => submission.refused(message.clone(), now).map(|refused| (refused, Vec::new())),
                Delivered::Unclear => return Ok(()),
            };
            // Another request has written it down.
            let Some((ended, photos)) = ended else { return Ok(()) };
            if let Some(ended) = recorded(self.submissions.save(ended).await)? {
                self.measure(&ended);
                if let Err(cause) = self.photos.delete(&photos).await {
                    tracing::warn!(cause = %cause, "photos that the shop has stay until their time is over");
                }
                return Ok(());
            }
            match self.submissions.find(&id, now).await? {
                Some(found) => submission = found,
                None => return Ok(()),
            }
        }
        Err(StoreError::Failed { action: "UpdateItem", cause: "others keep writing the same item".to_owned() })
    }
}

impl Dispatcher {
    /// What was written down, by any writer.
    fn measure(&self, ended: &Submission) {
        let metric = match ended.state {
            State::Delivered => metrics::FORMS_DELIVERED,
            State::Refused => metrics::FORMS_REFUSED,
            State::Waiting | State::Kept => return,
        };
        let fields = [(metrics::FORM, ended.form.as_str()), (metrics::SUBMISSION, ended.id.as_str())];
        self.metrics.emit(&[(metric, 1)], &fields);
    }
}

/// What counts of the shop's answer. A list of values would be read as the fields in their order.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    success: Lenient<bool>,
    message: Lenient<String>,
}

/// The shop's answer is `{"success":bool,"message"?:string}`; anything else says nothing.
fn read(answer: &Answer, form: &str) -> Delivered {
    let status = answer.status.as_u16();
    // A wrong key or URL is nothing that the customer could mend.
    let ours = matches!(status, 401 | 403 | 404 | 405);
    let said: Said = serde_json::from_slice(&answer.body).unwrap_or_default();
    let success = said.success.0;
    let message = said.message.0.as_deref().and_then(message);
    match (success, message) {
        (Some(true), message) if answer.status.is_success() => {
            tracing::info!(form, "the shop saved a form");
            Delivered::Yes(message)
        }
        (Some(false), Some(message)) if answer.status.is_success() || (answer.status.is_client_error() && !ours) => {
            tracing::info!(form, http.status = status, "the shop refused a form");
            Delivered::Refused(message)
        }
        _ if answer.status.is_client_error() => {
            tracing::error!(
                form,
                http.status = status,
                "the shop does not take forms: check SHOP_FORMS_URL and SHOP_FORMS_SECRET"
            );
            Delivered::Unclear
        }
        _ => {
            tracing::warn!(form, http.status = status, "the shop answered a form with something else than success and message");
            Delivered::Unclear
        }
    }
}

fn message(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().take(LONGEST_MESSAGE).collect())
}
