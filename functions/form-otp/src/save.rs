//! Forms are saved once: at the shop under an idempotency key that a repetition carries too, or here under that key.

use std::time::Duration;

use serde_json::Value;
use shared::challenge::{Challenge, Lease};
use shared::clock::{Deadline, Timestamp};
use shared::config;
use shared::http::{Failure, decode};
use shared::imshop::forms::Answer;
use shared::outbound;
use shared::secret::Purpose;
use shared::shop::Shop;
use shared::store::RECORDING;
use shared::store::otp::StoredForm;
use shared::store::{StoreError, Written};
use shared::texts;

use crate::Deps;
use crate::form::Form;

/// The largest form that fits into an item of the store (400 KB) together with everything else there.
const LARGEST_STORED: usize = 350 * 1024;
/// A form without a code that comes again within this time is the same form.
const SAME_FORM: Duration = Duration::from_mins(10);
/// The longest message of the shop's that is passed on, in characters.
const LONGEST_MESSAGE: usize = 500;

/// How the shop took a form.
enum Forwarded {
    /// It has it; with what it tells the customer.
    Saved(Option<String>),
    /// It does not want it like this; with what it tells the customer.
    Refused(String),
    /// Nobody knows, or it could not.
    Unclear,
}

/// Saves a form that needs no code.
pub(crate) async fn without_code(deps: &Deps, config: &config::Form, form: &Form, deadline: Deadline) -> Result<Answer, Failure> {
    let now = deps.clock.now();
    let data = form.canonical();
    let window = now.millis().div_euclid(i64::try_from(SAME_FORM.as_millis()).unwrap_or(i64::MAX)).to_string();
    let parts = ["without-code", form.name.as_str(), form.installation.as_str(), &data, &window];
    let submission = deps.internal.digest(Purpose::Submission, &parts);
    if let Some(shop) = &deps.shop {
        return Ok(match forward(shop, form, &submission, deadline).await {
            Forwarded::Saved(message) => Answer::success(message),
            Forwarded::Refused(message) => Answer::failed(message),
            Forwarded::Unclear => Answer::failed(texts::FORM_NOT_SAVED),
        });
    }
    if data.len() > LARGEST_STORED {
        return Ok(Answer::failed(texts::FORM_TOO_LARGE));
    }
    deps.otp.store_form(&stored(form, config, &submission, &data, now)).await.map_err(Failure::internal)?;
    tracing::info!(form = form.name.as_str(), "a form was stored");
    Ok(Answer::success(None))
}

/// A form whose code was right, under the lease on that code.
pub(crate) struct Confirmed<'a> {
    pub(crate) deps: &'a Deps,
    pub(crate) config: &'a config::Form,
    pub(crate) form: &'a Form,
    /// The transaction id of the code.
    pub(crate) id: &'a str,
    pub(crate) lease: Lease,
}

impl Confirmed<'_> {
    /// Saves the form and notes it in the challenge; if it could not be saved, the code can be used again.
    pub(crate) async fn save(&self, challenge: Challenge, deadline: Deadline) -> Result<Answer, StoreError> {
        let data = self.form.canonical();
        let submission = self.deps.internal.digest(Purpose::Submission, &["code", challenge.key.as_str(), self.id, &data]);
        match &self.deps.shop {
            Some(shop) => self.forward(shop, challenge, &submission, deadline).await,
            None if data.len() > LARGEST_STORED => {
                self.release(challenge).await?;
                Ok(Answer::failed(texts::FORM_TOO_LARGE))
            }
            None => self.store(challenge, &submission, &data).await,
        }
    }

    async fn forward(
        &self,
        shop: &Shop,
        challenge: Challenge,
        submission: &str,
        deadline: Deadline,
    ) -> Result<Answer, StoreError> {
        match forward(shop, self.form, submission, deadline).await {
            Forwarded::Saved(message) => {
                let saved = self.deps.otp.change(challenge, |challenge| challenge.saved(self.id, message.clone())).await;
                if let Err(cause) = saved {
                    // The shop has the form; a repetition goes there under the same key.
                    tracing::warn!(cause = %cause, "a saved form could not be noted");
                }
                Ok(Answer::success(message))
            }
            Forwarded::Refused(message) => {
                self.release(challenge).await?;
                Ok(Answer::failed(message))
            }
            Forwarded::Unclear => {
                self.release(challenge).await?;
                Ok(Answer::failed(texts::FORM_NOT_SAVED))
            }
        }
    }

    async fn store(&self, challenge: Challenge, submission: &str, data: &str) -> Result<Answer, StoreError> {
        let key = challenge.key.clone();
        let mut challenge = challenge;
        // A write is only lost to a request that changed the challenge; there is one of those at a time.
        for _ in 0..8 {
            // Saved by an earlier try whose answer was lost, or ended by a new code.
            let Some(saved) = challenge.saved(self.id, None) else { break };
            let form = stored(self.form, self.config, submission, data, self.deps.clock.now());
            if self.deps.otp.store_confirmed_form(&form, &saved).await? == Written::Yes {
                tracing::info!(form = self.form.name.as_str(), "a form was stored");
                return Ok(Answer::success(None));
            }
            challenge = self.deps.otp.challenge(&key).await?;
        }
        let challenge = self.deps.otp.challenge(&key).await?;
        let sent = challenge.sent.as_ref().filter(|sent| sent.transaction_id == self.id);
        match sent {
            Some(sent) if sent.saved.is_some() => Ok(Answer::success(None)),
            Some(_) => Ok(Answer::failed(texts::FORM_NOT_SAVED)),
            None => Ok(Answer::otp_failed()),
        }
    }

    async fn release(&self, challenge: Challenge) -> Result<(), StoreError> {
        self.deps.otp.change(challenge, |challenge| challenge.released(self.id, self.lease)).await.map(drop)
    }
}

fn stored<'a>(form: &'a Form, config: &config::Form, submission: &'a str, data: &'a str, now: Timestamp) -> StoredForm<'a> {
    let expires_at = now.plus(config.retention);
    StoredForm { submission, form: &form.name, installation: &form.installation, data, at: now, expires_at }
}

/// Gives a form to the shop. The shop knows a repetition by its key.
async fn forward(shop: &Shop, form: &Form, submission: &str, deadline: Deadline) -> Forwarded {
    match shop.post(form.body(), Some(submission), deadline.before(RECORDING)).await {
        Ok(answer) => read(&answer, form),
        Err(cause) => {
            tracing::warn!(cause = %cause, form = form.name.as_str(), "the shop's answer to a form did not come");
            Forwarded::Unclear
        }
    }
}

/// The shop's answer is `{"success":bool,"message"?:string}`; anything else says nothing.
fn read(answer: &outbound::Answer, form: &Form) -> Forwarded {
    let form = form.name.as_str();
    let status = answer.status.as_u16();
    // A wrong key or URL is nothing that the customer could mend.
    let ours = matches!(status, 401 | 403 | 404 | 405);
    let body: Option<Value> = decode(&answer.body).ok();
    let success = body.as_ref().and_then(|body| body.get("success")).and_then(Value::as_bool);
    let message = body.as_ref().and_then(|body| body.get("message")).and_then(Value::as_str).and_then(message);
    match (success, message) {
        (Some(true), message) if answer.status.is_success() => {
            tracing::info!(form, "the shop saved a form");
            Forwarded::Saved(message)
        }
        (Some(false), Some(message)) if answer.status.is_success() || (answer.status.is_client_error() && !ours) => {
            tracing::info!(form, http.status = status, "the shop refused a form");
            Forwarded::Refused(message)
        }
        _ if answer.status.is_client_error() => {
            tracing::error!(form, http.status = status, "the shop does not take forms: check SHOP_FORMS_URL and SHOP_KEY");
            Forwarded::Unclear
        }
        _ => {
            tracing::warn!(form, http.status = status, "the shop answered a form with something else than success and message");
            Forwarded::Unclear
        }
    }
}

fn message(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().take(LONGEST_MESSAGE).collect())
}
