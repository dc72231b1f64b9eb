//! A code is asked for. The intent is stored together with every limit it counts against, before the SMS service is called;
//! whoever loses that write sends nothing.
//!
//! An SMS whose sending had no clear outcome is sent once more under the same transaction id, which the SMS service never
//! sends twice: so the outcome becomes clear, and no limit is counted again.

use std::time::Duration;

use shared::challenge::{Challenge, ChallengeKey, Refusal, SendLog};
use shared::clock::{Deadline, Timestamp};
use shared::config;
use shared::http::Failure;
use shared::imshop::forms::Answer;
use shared::phone::Phone;
use shared::smspro::{Code, Error};
use shared::store::RECORDING;
use shared::store::otp::Begun;
use shared::store::{StoreError, Written};
use shared::texts;

use crate::Deps;
use crate::form::Form;

/// How often a send is decided anew after somebody else wrote first.
const ROUNDS: u32 = 8;
/// The pause before that, times the round.
const PAUSE: Duration = Duration::from_millis(15);

/// Sends a code to the form's phone, unless a limit is in the way.
pub(crate) async fn send(deps: &Deps, config: &config::Form, form: &Form, deadline: Deadline) -> Result<Answer, Failure> {
    let phone = match form.phone(config) {
        Ok(phone) => phone,
        Err(answer) => return Ok(answer),
    };
    let limits = &deps.forms.limits;
    if !limits.country_prefixes.iter().any(|prefix| phone.digits().starts_with(prefix)) {
        return Ok(Answer::failed(texts::PHONE_COUNTRY));
    }
    let sender = Sender {
        deps,
        key: ChallengeKey::new(&deps.internal, &form.name, &form.installation, &phone),
        by_phone: SendLog::phone_key(&deps.internal, &phone),
        by_installation: SendLog::installation_key(&deps.internal, &form.installation),
        phone,
        deadline,
    };
    sender.send().await.map_err(Failure::internal)
}

/// One request for a code.
struct Sender<'a> {
    deps: &'a Deps,
    key: ChallengeKey,
    by_phone: String,
    by_installation: String,
    phone: Phone,
    deadline: Deadline,
}

/// What a request for a code finds.
struct Found {
    challenge: Challenge,
    by_phone: SendLog,
    by_installation: SendLog,
}

/// How one call of the SMS service came out.
enum Outcome {
    /// The customer has this answer.
    Answer(Answer),
    /// The SMS went out long ago and its token is lost: decide again, under the limits.
    Lost,
}

impl Sender<'_> {
    async fn send(&self) -> Result<Answer, StoreError> {
        let limits = &self.deps.forms.limits;
        for round in 0..ROUNDS {
            if round > 0 {
                tokio::time::sleep(PAUSE * round).await;
            }
            let Found { challenge, by_phone, by_installation } = self.look().await?;
            let now = self.deps.clock.now();
            if let Some(sending) = &challenge.sending {
                if sending.is_leased(now) {
                    return Ok(Answer::failed(Refusal::after(sending.started_at, limits, now).text()));
                }
                if sending.may_repeat(now, limits.code_lifetime) {
                    let Some(challenge) = self.deps.otp.save(challenge.repeating(now)).await? else { continue };
                    match self.repeat(challenge).await? {
                        Outcome::Answer(answer) => return Ok(answer),
                        Outcome::Lost => continue,
                    }
                }
            }
            let refusal = by_phone.refuses_phone(limits, now).or_else(|| by_installation.refuses_installation(limits, now));
            if let Some(refusal) = refusal {
                tracing::info!(limit = ?refusal, "no code is sent: a limit");
                return Ok(Answer::failed(refusal.text()));
            }
            let challenge = challenge.sending(self.deps.random.hex32()?, now);
            let logs = [&by_phone.with(now), &by_installation.with(now)];
            match self.deps.otp.begin_send(challenge, logs, now, limits.sends_per_shop_per_day).await? {
                Begun::Yes(challenge) => return self.first(*challenge, now).await,
                Begun::Conflict => {}
                Begun::ShopLimit => {
                    tracing::error!("the shop's SMS of today are used up; see sends_per_shop_per_day in forms.toml");
                    return Ok(Answer::failed(Refusal::Many.text()));
                }
            }
        }
        tracing::warn!("no code is sent: other requests keep writing the same items");
        Ok(Answer::failed(texts::SMS_UNAVAILABLE))
    }

    async fn look(&self) -> Result<Found, StoreError> {
        let otp = &self.deps.otp;
        let (challenge, by_phone, by_installation) = tokio::try_join!(
            Box::pin(otp.challenge(&self.key)),
            Box::pin(otp.send_log(self.by_phone.clone())),
            Box::pin(otp.send_log(self.by_installation.clone())),
        )?;
        Ok(Found { challenge, by_phone, by_installation })
    }

    /// The first time for this transaction id.
    async fn first(&self, challenge: Challenge, began: Timestamp) -> Result<Answer, StoreError> {
        let Some(id) = challenge.sending.as_ref().map(|sending| sending.transaction_id.clone()) else {
            return Ok(Answer::failed(texts::SMS_UNAVAILABLE));
        };
        match self.deps.smspro.send(&self.phone, &id, self.deadline.before(RECORDING)).await {
            Ok(token) => self.record(challenge, &id, token, began).await,
            Err(Error::Refused(Code::Duplicate)) => {
                tracing::warn!("SMSPRO knows a new transaction id: the request got through twice, and the token is lost");
                self.deps.otp.change(challenge, |challenge| challenge.send_over(&id)).await?;
                Ok(Answer::failed(Refusal::after(began, &self.deps.forms.limits, self.deps.clock.now()).text()))
            }
            Err(Error::Refused(Code::TryLater)) => {
                tracing::warn!("SMSPRO asks for the same SMS again in a few seconds");
                self.unclear(challenge, &id).await
            }
            Err(Error::Refused(code)) => {
                let answer = refused(code);
                self.take_back(&id, began).await;
                Ok(answer)
            }
            Err(Error::NotSent(cause)) => {
                tracing::warn!(cause, "SMSPRO was not reached");
                self.take_back(&id, began).await;
                Ok(Answer::failed(texts::SMS_UNAVAILABLE))
            }
            Err(Error::Unavailable(cause)) => {
                tracing::warn!(cause, "SMSPRO's answer did not come: nobody knows whether the SMS goes out");
                self.unclear(challenge, &id).await
            }
        }
    }

    /// The second and last time for this transaction id. Its place in the limits was counted the first time and is kept
    /// whatever the answer is, since the first SMS may have gone out.
    async fn repeat(&self, challenge: Challenge) -> Result<Outcome, StoreError> {
        let Some(sending) = challenge.sending.clone() else { return Ok(Outcome::Lost) };
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
                return Ok(Outcome::Lost);
            }
            Err(Error::Refused(Code::TryLater) | Error::Unavailable(_)) => {
                tracing::warn!("SMSPRO left it open twice whether the SMS goes out");
                otp.change(challenge, |challenge| challenge.send_unclear(&id, true)).await?;
                let (limits, now) = (&self.deps.forms.limits, self.deps.clock.now());
                if now.since(sending.started_at) < limits.cool_down {
                    Answer::failed(Refusal::after(sending.started_at, limits, now).text())
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
        Ok(Outcome::Answer(answer))
    }

    /// The code is out: it counts from before the call, so that it never seems valid longer than it is.
    async fn record(
        &self,
        challenge: Challenge,
        id: &str,
        token: shared::smspro::Token,
        began: Timestamp,
    ) -> Result<Answer, StoreError> {
        let valid_till = began.plus(self.deps.forms.limits.code_lifetime);
        let recorded = self.deps.otp.change(challenge, |challenge| challenge.sent(id, token.clone(), valid_till)).await?;
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
            let written = match self.deps.otp.send_log(self.by_phone.clone()).await {
                Ok(log) => self.deps.otp.save_send_log(&log.without(first).with(began), began).await,
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
    async fn take_back(&self, id: &str, began: Timestamp) {
        match self.try_take_back(id, began).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!("an SMS that was not sent stays counted: other requests keep writing the same items"),
            Err(cause) => tracing::warn!(cause = %cause, "an SMS that was not sent stays counted"),
        }
    }

    async fn try_take_back(&self, id: &str, began: Timestamp) -> Result<bool, StoreError> {
        for round in 0..ROUNDS {
            tokio::time::sleep(PAUSE * round).await;
            let Found { challenge, by_phone, by_installation } = self.look().await?;
            let Some(challenge) = challenge.send_over(id) else { return Ok(true) };
            let logs = [&by_phone.without(began), &by_installation.without(began)];
            if self.deps.otp.take_send_back(&challenge, logs, began).await? == Written::Yes {
                return Ok(true);
            }
        }
        Ok(false)
    }
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
