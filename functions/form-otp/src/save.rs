//! A form is taken: one that needs no code is counted first; its photos go to S3; if it goes to the shop, a message that waits
//! longer than this request can run goes into the queue; then it is stored, and only then is anybody told of it. From there on it
//! cannot be lost: the customer's wait has one try at the shop, whose answer reaches the customer; what becomes of it otherwise is
//! the queue's business.
//!
//! Its id is a digest of what it is, so a repetition finds what became of the first.

use std::borrow::Cow;
use std::time::Duration;

use shared::forms::challenge::{Challenge, ChallengeKey, Lease, LimitRefusal, Quota};
use shared::forms::deliver::Delivered;
use shared::forms::imshop::Answer;
use shared::forms::submission::{Fields, PhoneDigest, Photo, State, Submission};
use shared::forms::{config, texts};
use shared::platform::clock::{self, Deadline, Timestamp};
use shared::platform::dynamodb::{RECORDING, StoreError};
use shared::platform::http::Failure;
use shared::platform::ids::{IdError, InstallId, SubmissionId};
use shared::platform::metrics;
use shared::platform::phone::Phone;
use shared::platform::secret::Purpose;

use crate::form::Form;
use crate::{Deps, request_quotas};

/// The largest form that fits into an item of the store (400 KB) together with everything else there.
const LARGEST_STORED: usize = 350 * 1024;
/// A form without a code that comes again within this time is the same form.
const SAME_FORM: Duration = Duration::from_mins(10);
/// After so long the queue delivers a form that is about to be stored: no request can be busy with it any more.
const QUEUE_DELAY: Duration = Duration::from_mins(1);
/// When another request's work is looked at again, and for how long.
const LEASE_POLL: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(3);

/// What became of a form that was to be taken.
enum SaveOutcome {
    /// It is stored, and with the shop if that said so; with what the customer is told.
    Yes(Option<String>),
    /// The shop does not want it like this; with what the customer is told.
    Refused(String),
    /// It is not stored.
    No(Cow<'static, str>),
}

/// The same form, as it is stored already.
enum Known {
    /// What became of it is known; with what the customer is told.
    Answered(SaveOutcome),
    /// The shop is to be asked, once more.
    Open(Box<Submission>),
}

/// Takes a form that needs no code.
pub(crate) async fn without_code(deps: &Deps, config: &config::Form, form: &Form, deadline: Deadline) -> Result<Answer, Failure> {
    let now = deps.clock.now();
    let window = now.millis().div_euclid(clock::millis(SAME_FORM)).to_string();
    let (data, photos) = (form.canonical(), form.photos_digest());
    let installation = form.installation.as_ref().map_or("", InstallId::as_str);
    let parts = ["without-code", form.name.as_str(), installation, &data, &photos, &window];
    let id = id(deps, &parts).map_err(Failure::internal)?;
    // A phone that cannot be read is no reason not to take the form.
    let phone = form.first_phone(config);
    let limits = request_quotas::of_form(deps, config, form, phone.as_ref(), &id, now);
    let saver = Saver { deps, config, form, phone: phone.as_ref(), id, limits, alone: false, deadline };
    Ok(match Box::pin(saver.take(&data)).await.map_err(Failure::internal)? {
        SaveOutcome::Yes(message) => Answer::success(message),
        SaveOutcome::Refused(message) => Answer::failed(message),
        SaveOutcome::No(text) => Answer::failed(text),
    })
}

/// A form whose code was right, under the lease on that code.
pub(crate) struct Confirmed<'a> {
    pub(crate) deps: &'a Deps,
    pub(crate) config: &'a config::Form,
    pub(crate) form: &'a Form,
    pub(crate) phone: &'a Phone,
    /// The transaction id of the code.
    pub(crate) code: &'a str,
    /// Its id as [`confirmed_id`] says it.
    pub(crate) id: &'a SubmissionId,
    pub(crate) lease: Lease,
}

impl Confirmed<'_> {
    /// Takes the form and notes it in the challenge, as saved or as refused by the shop; unless it is saved, the code can be used again.
    pub(crate) async fn save(&self, challenge: Challenge, deadline: Deadline) -> Result<Answer, StoreError> {
        let Self { deps, config, form, phone, code, id, lease } = *self;
        let saver = Saver { deps, config, form, phone: Some(phone), id: id.clone(), limits: Vec::new(), alone: true, deadline };
        let taken = Box::pin(saver.take(&form.canonical())).await;
        match taken? {
            SaveOutcome::Yes(message) => {
                let noted = deps.otp.change(challenge, |challenge| challenge.saved(code, id, message.clone())).await;
                if let Err(cause) = noted {
                    // The form is stored; a repetition finds it there.
                    tracing::warn!(cause = %cause, "a form that was taken could not be noted in its challenge");
                }
                Ok(Answer::success(message))
            }
            SaveOutcome::Refused(message) => {
                deps.otp.change(challenge, |challenge| challenge.refused(code, id, lease)).await?;
                Ok(Answer::failed(message))
            }
            SaveOutcome::No(text) => {
                deps.otp.change(challenge, |challenge| challenge.released(code, lease)).await?;
                Ok(Answer::failed(text))
            }
        }
    }
}

/// The id of a form under a code: another form under the same code is another submission.
pub(crate) fn confirmed_id(deps: &Deps, form: &Form, key: &ChallengeKey, code: &str) -> Result<SubmissionId, IdError> {
    id(deps, &["code", key.as_str(), code, &form.canonical(), &form.photos_digest()])
}

fn id(deps: &Deps, parts: &[&str]) -> Result<SubmissionId, IdError> {
    SubmissionId::parse(&deps.internal.digest(Purpose::Submission, parts))
}

/// One form on its way.
struct Saver<'a> {
    deps: &'a Deps,
    config: &'a config::Form,
    form: &'a Form,
    phone: Option<&'a Phone>,
    id: SubmissionId,
    /// What it counts against: nothing of a form with a code, which was counted with that.
    limits: Vec<Quota>,
    /// No other request can be busy with it.
    alone: bool,
    deadline: Deadline,
}

impl Saver<'_> {
    async fn take(&self, data: &str) -> Result<SaveOutcome, StoreError> {
        if data.len() > LARGEST_STORED {
            return Ok(SaveOutcome::No(texts::FORM_TOO_LARGE.into()));
        }
        let Ok(fields) = Fields::parse(data.to_owned()) else { return Ok(SaveOutcome::No(texts::FORM_NOT_SAVED.into())) };
        let counted = match request_quotas::acquire_all(self.deps, &self.limits).await? {
            Ok(counted) => counted,
            Err(refusal) => return self.limited(refusal).await,
        };
        let submission = self.submission(fields, self.deps.clock.now());
        if !self.prepare(&submission).await {
            request_quotas::release_all(&self.deps.otp, counted).await;
            return Ok(SaveOutcome::No(texts::FORM_NOT_SAVED.into()));
        }
        let saved = self.deps.submissions.save(submission).await;
        if !matches!(saved, Ok(Some(_))) {
            // No new form of the shop's day. What counts a form once stays: this one is stored, or will be.
            let again = counted.into_iter().filter(|quota| quota.thing().is_none());
            request_quotas::release_all(&self.deps.otp, again).await;
        }
        match saved? {
            Some(stored) => {
                tracing::info!(form = self.form.name.as_str(), submission = stored.id.as_str(), "a form was stored");
                let fields = [(metrics::FORM, stored.form.as_str()), (metrics::SUBMISSION, stored.id.as_str())];
                self.deps.metrics.emit(&[(metrics::FORMS_TAKEN, 1)], &fields);
                Ok(self.deliver(stored).await)
            }
            None => match self.known().await? {
                Known::Answered(taken) => Ok(taken),
                Known::Open(found) => Ok(self.deliver(*found).await),
            },
        }
    }

    /// No more forms are taken. What is stored already is no new one; the shop is not asked about it once more.
    async fn limited(&self, refusal: LimitRefusal) -> Result<SaveOutcome, StoreError> {
        if let Some(found) = self.deps.submissions.find(&self.id, self.deps.clock.now()).await? {
            return Ok(match found.state {
                State::Kept | State::Delivered => SaveOutcome::Yes(found.message),
                State::Refused => SaveOutcome::Refused(found.message.unwrap_or_else(|| texts::FORM_NOT_SAVED.to_owned())),
                State::Waiting => SaveOutcome::Yes(Some(self.accepted())),
            });
        }
        tracing::warn!(form = self.form.name.as_str(), limit = ?refusal, "no form is taken: a limit");
        let fields = [(metrics::REASON, refusal.name()), (metrics::FORM, self.form.name.as_str())];
        self.deps.metrics.emit(&[(metrics::FORMS_LIMITED, 1)], &fields);
        request_quotas::measure_own_limit(self.deps, self.config, refusal);
        Ok(SaveOutcome::No(refusal.text().into()))
    }

    /// What the customer reads whose form the shop has yet to answer for.
    fn accepted(&self) -> String {
        self.config.accepted.clone().unwrap_or_else(|| texts::FORM_ACCEPTED.to_owned())
    }

    fn submission(&self, fields: Fields, now: Timestamp) -> Submission {
        let Self { deps, config, form, phone, id, .. } = self;
        Submission {
            id: id.clone(),
            form: form.name.clone(),
            installation: form.installation.clone(),
            data: Some(fields),
            photos: self.photos(),
            phone: phone.map(|phone| PhoneDigest::new(&deps.internal, phone)),
            at: now,
            keep: config.destination.store,
            keep_until: now.plus(Duration::from_hours(24 * u64::from(config.retention_days))),
            state: if config.destination.shop { State::Waiting } else { State::Kept },
            since: now,
            message: None,
            done: None,
            version: 0,
        }
    }

    fn photos(&self) -> Vec<Photo> {
        let pictures = self.form.pictures.iter().enumerate();
        pictures.map(|(index, picture)| picture.photo(&self.id, self.config.retention_days, index)).collect()
    }

    /// What must be there before the form is: its photos, and its message in the queue.
    async fn prepare(&self, submission: &Submission) -> bool {
        if !submission.photos.is_empty()
            && let Err(cause) = self.deps.photos.put(&self.form.pictures, &submission.photos).await
        {
            tracing::error!(cause = %cause, "a form's photos could not be stored");
            return false;
        }
        if let Some((_, queue)) = &self.deps.shop
            && submission.state == State::Waiting
            && let Err(cause) = queue.send(&self.id, QUEUE_DELAY).await
        {
            tracing::error!(cause = %cause, "a form was not accepted: it could not be put into the queue");
            return false;
        }
        true
    }

    /// One try at the shop, if the form goes there.
    async fn deliver(&self, stored: Submission) -> SaveOutcome {
        let Some((dispatcher, _)) = self.deps.shop.as_ref().filter(|_| stored.state != State::Kept) else {
            return SaveOutcome::Yes(None);
        };
        let photos = self.form.pictures.iter().map(|picture| picture.base64().to_owned()).collect();
        let refused_before = stored.message.clone().filter(|_| stored.state == State::Refused);
        let delivered = dispatcher.offer(&stored, photos, self.deadline.before(RECORDING)).await;
        if let Err(cause) = dispatcher.record(stored, &delivered).await {
            // The queue asks the shop once more, which knows the form by its id.
            tracing::warn!(cause = %cause, "the shop's answer to a form could not be recorded");
        }
        match (delivered, refused_before) {
            (Delivered::Yes(message), _) => SaveOutcome::Yes(message),
            // What was refused stays so: the queue is done with it.
            (Delivered::Refused(message), _) | (Delivered::Unclear, Some(message)) => SaveOutcome::Refused(message),
            (Delivered::Unclear, None) => SaveOutcome::Yes(Some(self.accepted())),
        }
    }

    /// The shop has them since; this repetition has stored them anew.
    async fn leave_no_photos(&self) {
        if let Err(cause) = self.deps.photos.delete(&self.photos()).await {
            tracing::warn!(cause = %cause, "photos that the shop has stay until their time is over");
        }
    }

    /// The same form is stored already: what became of it.
    async fn known(&self) -> Result<Known, StoreError> {
        let patience = Deadline::within(self.deadline.allows(PATIENCE).unwrap_or_default());
        loop {
            let found = self.deps.submissions.find(&self.id, self.deps.clock.now()).await?;
            let Some(found) = found else { return Ok(Known::Answered(SaveOutcome::No(texts::FORM_NOT_SAVED.into()))) };
            match found.state {
                State::Kept => return Ok(Known::Answered(SaveOutcome::Yes(None))),
                State::Delivered => {
                    if !found.keep {
                        self.leave_no_photos().await;
                    }
                    return Ok(Known::Answered(SaveOutcome::Yes(found.message)));
                }
                // The customer insists.
                State::Refused => return Ok(Known::Open(Box::new(found))),
                State::Waiting if self.alone || patience.allows(LEASE_POLL).is_none() => return Ok(Known::Open(Box::new(found))),
                State::Waiting => tokio::time::sleep(LEASE_POLL).await,
            }
        }
    }
}
