//! A code is asked for. Everything that could be in the way is read at once, so that who is refused costs no write. Then the
//! intent is stored together with what it counts against the phone and the installation; a request that loses that write sends
//! nothing. Then one of each shared limit is taken (range of numbers, source address, the shop's day), and only then is the SMS
//! service called. In this order who asks a thousand times for one phone, or from one installation, holds no more of what is
//! shared than their own limits allow, and the shared counters, which never conflict, delay no other customer.
//!
//! Who is refused at last, or whose SMS is known not to go out, gets everything back. Who dies in between leaves it counted,
//! until it is over by itself: then less is sent, never more.
//!
//! An SMS whose sending had no clear outcome is sent once more under the same transaction id, which the SMS service never
//! sends twice: so the outcome becomes clear, and no limit is counted again.

use std::net::IpAddr;
use std::time::Duration;

use shared::forms::challenge::{Challenge, ChallengeKey, LimitRefusal, Limits, Quota, SendLog, Sending};
use shared::forms::imshop::Answer;
use shared::forms::sms::Sms;
use shared::forms::smspro::{Code, Error};
use shared::forms::store::otp::Found;
use shared::forms::{config, texts};
use shared::platform::clock::{Deadline, Timestamp};
use shared::platform::dynamodb::{RECORDING, StoreError, Written};
use shared::platform::http::Failure;
use shared::platform::ids::FormName;
use shared::platform::metrics;
use shared::platform::phone::Phone;

use crate::form::Form;
use crate::{Deps, request_quotas};

/// How often a send is decided anew after another request wrote first.
const ROUNDS: u32 = 8;
/// The pause before that, times the round.
const PAUSE: Duration = Duration::from_millis(15);

/// Sends a code to the form's phone, unless a limit is in the way.
pub(crate) async fn send(
    deps: &Deps,
    config: &config::Form,
    form: &Form,
    address: Option<IpAddr>,
    deadline: Deadline,
) -> Result<Answer, Failure> {
    let phone = match form.phone(config) {
        Ok(phone) => phone,
        Err(answer) => return Ok(answer),
    };
    if let Some((reason, text)) = not_taken(&config.limits, &phone) {
        measure_refusal(deps, reason);
        return Ok(Answer::failed(text));
    }
    let now = deps.clock.now();
    let sender = Sender {
        deps,
        config,
        limits: &config.limits,
        form: &form.name,
        key: ChallengeKey::new(&deps.internal, &form.name, form.installation.as_ref(), &phone),
        by_phone: SendLog::phone_key(&deps.internal, &phone),
        by_installation: match &form.installation {
            Some(installation) => SendLog::installation_key(&deps.internal, installation),
            None => SendLog::no_installation_key(&deps.internal, &phone),
        },
        shared: request_quotas::of_send(deps, config, form, &phone, address, now),
        wrong_codes: request_quotas::of_wrong_codes(deps, config, form, &phone, now),
        phone,
        deadline,
    };
    sender.send().await.map_err(Failure::internal)
}

/// Why no code is ever sent to a number, if so, and what its customer reads.
fn not_taken(limits: &Limits, phone: &Phone) -> Option<(&'static str, &'static str)> {
    let begins_with = |prefixes: &[String]| prefixes.iter().any(|prefix| phone.digits().starts_with(prefix));
    if !begins_with(&limits.country_prefixes) {
        Some(("country", texts::PHONE_COUNTRY))
    } else if begins_with(&limits.deny_prefixes) {
        Some(("denied", texts::PHONE_DENIED))
    } else if phone.is_mobile() == Some(false) {
        Some(("not_mobile", texts::PHONE_NOT_MOBILE))
    } else {
        None
    }
}

/// One request for a code.
struct Sender<'a> {
    deps: &'a Deps,
    config: &'a config::Form,
    limits: &'a Limits,
    form: &'a FormName,
    key: ChallengeKey,
    by_phone: String,
    by_installation: String,
    /// Counted for every send.
    shared: Vec<Quota>,
    /// Only looked at: who cannot enter a code needs none.
    wrong_codes: [Quota; 2],
    phone: Phone,
    deadline: Deadline,
}

/// The outcome of one call of the SMS service.
enum SendOutcome {
    /// The customer has this answer.
    Answer(Answer),
    /// The SMS went out long ago and its token is lost: decide again, under the limits.
    Lost,
}

impl Sender<'_> {
    async fn send(&self) -> Result<Answer, StoreError> {
        for round in 0..ROUNDS {
            if round > 0 {
                tokio::time::sleep(PAUSE * round).await;
            }
            let found = self.read_for_send().await?;
            let now = self.deps.clock.now();
            if let Some(sending) = &found.challenge.sending {
                if sending.is_leased(now) {
                    return Ok(refuse(self.deps, self.config, LimitRefusal::after(sending.started_at, self.limits, now)));
                }
                if sending.may_repeat(now, self.limits.code_lifetime) {
                    match self.repeat(found.challenge, now).await? {
                        Some(SendOutcome::Answer(answer)) => return Ok(answer),
                        Some(SendOutcome::Lost) | None => continue,
                    }
                }
            }
            if let Some(refusal) = self.refusal(&found, now) {
                return Ok(refuse(self.deps, self.config, refusal));
            }
            let intent = Found {
                challenge: found.challenge.sending(self.deps.random.hex32()?, now),
                by_phone: found.by_phone.with_code(now, self.form, &self.key),
                by_installation: found.by_installation.with(now),
                used: found.used,
            };
            if let Some(stored) = self.deps.otp.begin_send(intent, now).await? {
                return self.first(stored, now).await;
            }
        }
        tracing::warn!("no code is sent: other requests keep writing the same items");
        Ok(Answer::failed(texts::SMS_UNAVAILABLE))
    }

    async fn read_for_send(&self) -> Result<Found, StoreError> {
        let quotas: Vec<_> = self.shared.iter().chain(&self.wrong_codes).cloned().collect();
        self.deps.otp.read_for_send(&self.key, [&self.by_phone, &self.by_installation], &quotas).await
    }

    /// The limit that is in the way; first the one that the customer knows best.
    fn refusal(&self, found: &Found, now: Timestamp) -> Option<LimitRefusal> {
        let (shared, wrong_codes) = found.used.split_at(self.shared.len());
        found
            .by_phone
            .refuses_phone(self.limits, now)
            .or_else(|| found.by_installation.refuses_installation(self.limits, now))
            .or_else(|| request_quotas::refusal(&self.wrong_codes, wrong_codes))
            .or_else(|| request_quotas::refusal(&self.shared, shared))
    }

    /// The first time for this transaction id.
    async fn first(&self, intent: Found, began: Timestamp) -> Result<Answer, StoreError> {
        let Some(id) = intent.challenge.sending.as_ref().map(|sending| sending.transaction_id.clone()) else {
            return Ok(Answer::failed(texts::SMS_UNAVAILABLE));
        };
        if let Err(refusal) = request_quotas::acquire_all(self.deps, &self.shared).await? {
            self.cancel_send(intent, &id, began).await;
            return Ok(refuse(self.deps, self.config, refusal));
        }
        match self.deps.smspro.send(&self.phone, &id, self.deadline.before(RECORDING)).await {
            Ok(token) => self.record(intent.challenge, &id, token, began).await,
            Err(Error::Refused(Code::Duplicate)) => {
                tracing::warn!("SMSPRO knows a new transaction id: the request got through twice, and the token is lost");
                self.deps.otp.change(intent.challenge, |challenge| challenge.send_over(&id)).await?;
                Ok(Answer::failed(LimitRefusal::after(began, self.limits, self.deps.clock.now()).text()))
            }
            Err(Error::Refused(Code::TryLater)) => {
                tracing::warn!("SMSPRO asks for the same SMS again in a few seconds");
                self.unclear(intent.challenge, &id).await
            }
            Err(Error::Refused(code)) => {
                let answer = refused(code);
                request_quotas::release_all(&self.deps.otp, &self.shared).await;
                self.cancel_send(intent, &id, began).await;
                Ok(answer)
            }
            Err(Error::NotSent(cause)) => {
                tracing::warn!(cause, "SMSPRO was not reached");
                request_quotas::release_all(&self.deps.otp, &self.shared).await;
                self.cancel_send(intent, &id, began).await;
                Ok(Answer::failed(texts::SMS_UNAVAILABLE))
            }
            Err(Error::Unavailable(cause)) => {
                tracing::warn!(cause, "SMSPRO's answer did not come: whether the SMS goes out is unknown");
                self.unclear(intent.challenge, &id).await
            }
        }
    }

    /// The second and last time for this transaction id; nothing if another request was quicker. Its place in the limits was
    /// counted the first time and is kept whatever the answer is, since the first SMS may have gone out.
    async fn repeat(&self, challenge: Challenge, now: Timestamp) -> Result<Option<SendOutcome>, StoreError> {
        let Some(sending) = challenge.sending.clone() else { return Ok(None) };
        let Some(challenge) = self.deps.otp.save(challenge.repeating(now)).await? else { return Ok(None) };
        if sending.is_abandoned(now) {
            // A request that died may not have come to the shared limits: once too often is better than not at all.
            if let Err(refusal) = request_quotas::acquire_all(self.deps, &self.shared).await? {
                self.deps.otp.change(challenge, |challenge| challenge.send_over(&sending.transaction_id)).await?;
                return Ok(Some(SendOutcome::Answer(refuse(self.deps, self.config, refusal))));
            }
        }
        self.send_again(challenge, sending).await.map(Some)
    }

    async fn send_again(&self, challenge: Challenge, sending: Sending) -> Result<SendOutcome, StoreError> {
        let id = sending.transaction_id;
        let began = self.deps.clock.now();
        let otp = &self.deps.otp;
        let answer = match self.deps.smspro.send(&self.phone, &id, self.deadline.before(RECORDING)).await {
            Ok(token) => {
                // First, while the lease keeps others from sending.
                self.count_from(sending.started_at, began).await;
                self.record(challenge, &id, token, began).await?
            }
            Err(Error::Refused(Code::Duplicate)) => {
                tracing::warn!("the SMS went out and its token is lost: the customer needs a new code");
                otp.change(challenge, |challenge| challenge.send_over(&id)).await?;
                return Ok(SendOutcome::Lost);
            }
            Err(Error::Refused(Code::TryLater) | Error::Unavailable(_)) => {
                tracing::warn!("SMSPRO left it open twice whether the SMS goes out");
                otp.change(challenge, |challenge| challenge.send_unclear(&id, true)).await?;
                let now = self.deps.clock.now();
                if now.since(sending.started_at) < self.limits.cool_down {
                    Answer::failed(LimitRefusal::after(sending.started_at, self.limits, now).text())
                } else {
                    Answer::failed(texts::SMS_UNAVAILABLE)
                }
            }
            Err(Error::Refused(code)) => {
                let answer = refused(code);
                otp.change(challenge, |challenge| challenge.send_over(&id)).await?;
                answer
            }
            Err(Error::NotSent(cause)) => {
                tracing::warn!(cause, "SMSPRO was not reached");
                otp.change(challenge, |challenge| challenge.send_unclear(&id, false)).await?;
                Answer::failed(texts::SMS_UNAVAILABLE)
            }
        };
        Ok(SendOutcome::Answer(answer))
    }

    /// The code is out: it counts from before the call, so that it never seems valid longer than it is.
    async fn record(
        &self,
        challenge: Challenge,
        id: &str,
        token: shared::forms::smspro::Token,
        began: Timestamp,
    ) -> Result<Answer, StoreError> {
        self.deps.metrics.emit(&[(metrics::CODES_SENT, 1)], &[(metrics::OPERATOR, self.phone.operator())]);
        let valid_till = began.plus(self.limits.code_lifetime);
        let sms = Sms::sent(id, self.form, &self.phone, self.limits.prefix_digits, began, valid_till);
        let sent = |challenge: Challenge| challenge.sent(id, token.clone(), valid_till);
        let recorded = self.deps.otp.record_sent(challenge, &sms, sent).await?;
        if recorded.is_none() {
            tracing::warn!("a code was sent, but another request has taken its place");
            return Ok(Answer::failed(texts::SMS_UNAVAILABLE));
        }
        tracing::info!("a code was sent");
        Ok(Answer::success(None))
    }

    /// The SMS went out later than its first attempt: the cool-down counts from then.
    async fn count_from(&self, first: Timestamp, began: Timestamp) {
        for _ in 0..ROUNDS {
            let written = match self.deps.otp.send_log(&self.by_phone).await {
                Ok(log) => self.deps.otp.save_send_log(&log.moved(first, began), began).await,
                Err(cause) => Err(cause),
            };
            match written {
                Ok(Written::Yes) => return,
                Ok(Written::Conflict) => {}
                Err(cause) => return tracing::warn!(cause = %cause, "the cool-down counts from the first attempt"),
            }
        }
    }

    async fn unclear(&self, challenge: Challenge, id: &str) -> Result<Answer, StoreError> {
        self.deps.otp.change(challenge, |challenge| challenge.send_unclear(id, false)).await?;
        Ok(Answer::failed(texts::SMS_UNAVAILABLE))
    }

    /// Nothing was sent, so nothing is counted. If this cannot be written the intent stays, and the next request finds out.
    async fn cancel_send(&self, intent: Found, id: &str, began: Timestamp) {
        match self.try_cancel_send(intent, id, began).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!("an SMS that was not sent stays counted: other requests keep writing the same items"),
            Err(cause) => tracing::warn!(cause = %cause, "an SMS that was not sent stays counted"),
        }
    }

    async fn try_cancel_send(&self, intent: Found, id: &str, began: Timestamp) -> Result<bool, StoreError> {
        let mut found = intent;
        for round in 1..=ROUNDS {
            let Some(challenge) = found.challenge.send_over(id) else { return Ok(true) };
            let (by_phone, by_installation) = (found.by_phone.without(began), found.by_installation.without(began));
            let undone = Found { challenge, by_phone, by_installation, used: Vec::new() };
            if self.deps.otp.cancel_send(&undone, began).await? == Written::Yes {
                return Ok(true);
            }
            tokio::time::sleep(PAUSE * round).await;
            found = self.read_for_send().await?;
        }
        Ok(false)
    }
}

fn measure_refusal(deps: &Deps, reason: &str) {
    deps.metrics.emit(&[(metrics::CODES_REFUSED, 1)], &[(metrics::REASON, reason)]);
}

fn refuse(deps: &Deps, config: &config::Form, refusal: LimitRefusal) -> Answer {
    tracing::info!(limit = ?refusal, "no code is sent: a limit");
    measure_refusal(deps, refusal.name());
    request_quotas::measure_own_limit(deps, config, refusal);
    Answer::failed(refusal.text())
}

/// What a refusal means for the customer, and for us.
fn refused(code: Code) -> Answer {
    let number = code.number();
    match code {
        Code::PhoneWrong => {
            tracing::info!(smspro.status = number, "SMSPRO takes the phone for a wrong one");
            Answer::failed(texts::PHONE_INVALID)
        }
        Code::BadKey | Code::BadAddress | Code::SenderNotSet => {
            tracing::error!(smspro.status = number, "no SMS can be sent: the settings in SMSPRO's cabinet do not fit ours");
            Answer::failed(texts::SMS_UNAVAILABLE)
        }
        Code::NoMoney => {
            tracing::error!(smspro.status = number, "no SMS can be sent: there is no money on the account at SMSPRO");
            Answer::failed(texts::SMS_UNAVAILABLE)
        }
        Code::BadFormat => {
            tracing::error!(smspro.status = number, "SMSPRO cannot read our request: a fault of this program");
            Answer::failed(texts::SMS_UNAVAILABLE)
        }
        Code::TryLater | Code::Duplicate | Code::TokenUnknown | Code::Expired | Code::WrongCode | Code::Other(_) => {
            tracing::error!(smspro.status = number, "SMSPRO answered a send with a status that is not documented for it");
            Answer::failed(texts::SMS_UNAVAILABLE)
        }
    }
}
