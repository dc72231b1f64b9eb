//! A form comes with a code. One request at a time works on a code: it holds a lease, so that equal requests at once ask the
//! SMS service once and save once. A check is counted before the code is looked at, against the code itself and against the
//! day's wrong codes of the phone and the installation, and given back if it was right. Whatever is wrong (no code sent, another
//! one, one that is over, too many wrong ones), the answer is the same.

use std::time::Duration;

use shared::forms::challenge::{Challenge, ChallengeKey, Lease, Quota, SendLog, Sent};
use shared::forms::imshop::Answer;
use shared::forms::smspro::{Code, Error};
use shared::forms::{config, texts};
use shared::platform::clock::{Deadline, Timestamp};
use shared::platform::dynamodb::{RECORDING, StoreError};
use shared::platform::http::Failure;
use shared::platform::ids::SubmissionId;
use shared::platform::metrics;
use shared::platform::phone::Phone;
use shared::platform::secret::{Purpose, same};

use crate::form::Form;
use crate::save::{Confirmed, confirmed_id};
use crate::{Deps, request_quotas};

/// How long codes may be (reference "SMSPRO"); what they are made of is set in the cabinet.
const CODE_LENGTH: std::ops::RangeInclusive<usize> = 3..=10;

/// When another request's work is looked at again: first soon, later less often.
const LEASE_POLL: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(200), Duration::from_millis(300)];
const LONGEST_PAUSE: Duration = Duration::from_millis(400);
/// How long another request's work is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Checks the code and saves the form, once.
pub(crate) async fn submit(
    deps: &Deps,
    config: &config::Form,
    form: &Form,
    code: &str,
    deadline: Deadline,
) -> Result<Answer, Failure> {
    let phone = match form.phone(config) {
        Ok(phone) => phone,
        Err(answer) => return Ok(answer),
    };
    if !CODE_LENGTH.contains(&code.chars().count()) {
        return Ok(Answer::otp_failed());
    }
    let now = deps.clock.now();
    let key = match &form.installation {
        Some(installation) => ChallengeKey::new(&deps.internal, &form.name, Some(installation), &phone),
        None => newest_challenge_key(deps, form, &phone, now).await.map_err(Failure::internal)?,
    };
    let digest = deps.internal.digest(Purpose::VerifiedCode, &[key.as_str(), code]);
    let wrong_codes = request_quotas::of_wrong_codes(deps, config, form, &phone, now);
    let submit = Submit { deps, config, form, phone, code, digest, wrong_codes, deadline };
    submit.run(&key).await.map_err(Failure::internal)
}

/// Where the code of a form and a phone is that comes without its installation: the newest that is in force, regardless of who asked for
/// it. A guess at it counts against that code and against the phone, as any other.
async fn newest_challenge_key(deps: &Deps, form: &Form, phone: &Phone, now: Timestamp) -> Result<ChallengeKey, StoreError> {
    let log = deps.otp.send_log(&SendLog::phone_key(&deps.internal, phone)).await?;
    for key in log.codes_for(&form.name) {
        if deps.otp.challenge(key).await?.in_force(now).is_some() {
            return Ok(key.clone());
        }
    }
    Ok(ChallengeKey::new(&deps.internal, &form.name, None, phone))
}

/// One export.
struct Submit<'a> {
    deps: &'a Deps,
    config: &'a config::Form,
    form: &'a Form,
    phone: Phone,
    code: &'a str,
    digest: String,
    wrong_codes: [Quota; 2],
    deadline: Deadline,
}

impl Submit<'_> {
    async fn run(&self, key: &ChallengeKey) -> Result<Answer, StoreError> {
        let patience = Deadline::within(self.deadline.allows(PATIENCE).unwrap_or_default());
        for round in 0.. {
            let (challenge, used) = self.deps.otp.read_for_check(key, &self.wrong_codes).await?;
            let now = self.deps.clock.now();
            let Some(sent) = challenge.in_force(now) else { return Ok(self.not_right("none")) };
            let used_up = sent.checks_used >= self.config.limits.checks_per_code;
            let Ok(id) = confirmed_id(self.deps, self.form, key, &sent.transaction_id) else {
                return Ok(Answer::failed(texts::FORM_NOT_SAVED));
            };
            if self.is_verified(sent) && !used_up {
                if let Some(saved) = sent.saved_as(&id) {
                    return Ok(Answer::success(saved.message.clone()));
                }
                if sent.is_spent_for(&id) {
                    tracing::warn!("a code has reached its limit of submissions");
                    return Ok(self.not_right("limit"));
                }
            } else if !sent.saved.is_empty() && !used_up {
                // No guess can do anything any more; it is counted all the same.
                let guessed = self.deps.otp.save(challenge.guessed()).await?;
                tracing::info!(counted = guessed.is_some(), "a wrong code for a form that is saved");
                return Ok(self.not_right("wrong"));
            }
            if !sent.is_leased(now) {
                if used_up {
                    tracing::info!("the checks of this code are used up");
                    return Ok(self.not_right("limit"));
                }
                if let Some(refusal) = request_quotas::refusal(&self.wrong_codes, &used) {
                    tracing::info!(limit = ?refusal, "no code is checked: a limit");
                    return Ok(self.not_right("limit"));
                }
                if let Some(challenge) = self.deps.otp.save(challenge.checking(now)).await? {
                    return self.check(challenge, &id).await;
                }
            }
            let pause = LEASE_POLL.get(round).copied().unwrap_or(LONGEST_PAUSE);
            if patience.allows(pause).is_none() {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        Ok(Answer::failed(texts::FORM_IN_PROGRESS))
    }

    /// However a code is not right, the answer is the same; only the metric knows.
    fn not_right(&self, outcome: &'static str) -> Answer {
        self.measure(outcome);
        Answer::otp_failed()
    }

    fn measure(&self, outcome: &'static str) {
        self.deps.metrics.emit(&[(metrics::CODES_CHECKED, 1)], &[(metrics::OUTCOME, outcome)]);
    }

    fn is_verified(&self, sent: &Sent) -> bool {
        sent.verified.as_ref().is_some_and(|verified| same(verified.as_bytes(), self.digest.as_bytes()))
    }

    /// With the lease: the code is checked, by its digest if it was found right before.
    async fn check(&self, challenge: Challenge, submission: &SubmissionId) -> Result<Answer, StoreError> {
        let Some((sent, lease)) = leased(&challenge) else { return Ok(Answer::failed(texts::FORM_IN_PROGRESS)) };
        let id = sent.transaction_id.clone();
        let otp = &self.deps.otp;
        if let Err(refusal) = request_quotas::acquire_all(self.deps, &self.wrong_codes).await? {
            tracing::info!(limit = ?refusal, "no code is checked: a limit");
            otp.change(challenge, |challenge| challenge.wrong(&id, lease)).await?;
            return Ok(self.not_right("limit"));
        }
        let right = match &sent.verified {
            Some(_) => Ok(self.is_verified(sent)),
            None => self.ask(sent).await,
        };
        self.measure(match right {
            Ok(true) => "right",
            Ok(false) => "wrong",
            Err(_) => "unavailable",
        });
        if !matches!(right, Ok(false)) {
            request_quotas::release_all(otp, &self.wrong_codes).await;
        }
        match right {
            Ok(true) => {}
            Ok(false) => {
                otp.change(challenge, |challenge| challenge.wrong(&id, lease)).await?;
                return Ok(Answer::otp_failed());
            }
            Err(answer) => {
                otp.change(challenge, |challenge| challenge.released(&id, lease)).await?;
                return Ok(answer);
            }
        }
        let challenge = if sent.verified.is_some() {
            challenge
        } else {
            let now = self.deps.clock.now();
            let verified = |challenge: Challenge| challenge.verified(&id, &self.digest, now);
            match otp.record_entered(challenge, &id, now, verified).await? {
                Some(challenge) => challenge,
                // A new code was sent meanwhile, and this one ended with it.
                None => return Ok(Answer::otp_failed()),
            }
        };
        let Some((_, lease)) = leased(&challenge) else { return Ok(Answer::failed(texts::FORM_IN_PROGRESS)) };
        let Self { deps, config, form, phone, .. } = self;
        let confirmed = Confirmed { deps, config, form, phone, code: &id, id: submission, lease };
        confirmed.save(challenge, self.deadline).await
    }

    /// Asks the SMS service. The error is what the customer is told when it could not say.
    async fn ask(&self, sent: &Sent) -> Result<bool, Answer> {
        let unavailable = || Answer::failed(texts::CHECK_UNAVAILABLE);
        match self.deps.smspro.verify(&sent.token, self.code, self.deadline.before(RECORDING)).await {
            Ok(()) => Ok(true),
            Err(Error::Refused(code)) => match code {
                Code::WrongCode | Code::Expired => Ok(false),
                Code::TokenUnknown => {
                    tracing::warn!(smspro.status = code.number(), "SMSPRO does not know its token");
                    Ok(false)
                }
                Code::BadFormat => {
                    tracing::error!(smspro.status = code.number(), "SMSPRO cannot read our request: a fault of this program");
                    Err(unavailable())
                }
                Code::BadKey | Code::BadAddress | Code::SenderNotSet => {
                    tracing::error!(
                        smspro.status = code.number(),
                        "no code can be checked: the settings in SMSPRO's cabinet do not fit ours"
                    );
                    Err(unavailable())
                }
                Code::NoMoney | Code::PhoneWrong | Code::TryLater | Code::Duplicate | Code::Other(_) => {
                    tracing::error!(
                        smspro.status = code.number(),
                        "SMSPRO answered a check with a status that is not documented for it"
                    );
                    Err(unavailable())
                }
            },
            Err(Error::NotSent(cause) | Error::Unavailable(cause)) => {
                tracing::warn!(cause, "the code could not be checked");
                Err(unavailable())
            }
        }
    }
}

/// The code in force with the lease on it.
fn leased(challenge: &Challenge) -> Option<(&Sent, Lease)> {
    let sent = challenge.sent.as_ref()?;
    Some((sent, sent.lease?))
}
