//! What a phone has had of codes and forms without one, which is what limits it; and lifting that, when a person has called.

use lambda_http::{Body, Response};
use serde::{Deserialize, Serialize};
use shared::forms::challenge::{Quota, SendLog};
use shared::platform::clock::Timestamp;
use shared::platform::http::{self, Failure, Status};
use shared::platform::phone::Phone;

use crate::Asked;
use crate::request::{self, CustomerPhone};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodesRequest {
    phone: CustomerPhone,
}

#[derive(Serialize)]
struct CodesAnswer<'a> {
    success: bool,
    /// Of the phone, as the log has it.
    digest: &'a str,
    /// When codes were sent to it, or were about to be, in the last 24 hours; the oldest first.
    sent_at: Vec<String>,
    /// Those of the last hour.
    codes: Vec<ShownCode>,
    /// Entered today (UTC).
    wrong_codes: u32,
    /// Handed in today (UTC) without a code.
    forms: u32,
}

#[derive(Serialize)]
struct ShownCode {
    form: String,
    sent_at: String,
    /// Not there if none is in force any more, or if whether it was sent is unclear.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_till: Option<String>,
    /// How often it was checked and not found right.
    checks: u32,
    /// It was found right.
    entered: bool,
    /// How many forms were saved with it.
    forms: usize,
}

pub(crate) async fn search(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let CodesRequest { phone } = request::body(asked.inbound)?;
    let (otp, now) = (&asked.deps.otp, asked.now());
    let log = otp.send_log(&SendLog::phone_key(&asked.deps.internal, &phone.0)).await.map_err(Failure::internal)?;
    let sent_at = log.times.iter().filter(|at| now.since(**at) < SendLog::REMEMBERED).map(|at| at.rfc3339()).collect();
    let mut codes = Vec::new();
    for code in &log.codes {
        let challenge = otp.challenge(&code.challenge).await.map_err(Failure::internal)?;
        let sent = challenge.in_force(now);
        codes.push(ShownCode {
            form: code.form.as_str().to_owned(),
            sent_at: code.at.rfc3339(),
            valid_till: sent.map(|sent| sent.valid_till).map(Timestamp::rfc3339),
            checks: sent.map_or(0, |sent| sent.checks_used),
            entered: sent.is_some_and(|sent| sent.verified.is_some()),
            forms: sent.map_or(0, |sent| sent.saved.len()),
        });
    }
    let [wrong_codes, forms] = counts(asked, &phone.0).await?;
    let digest = asked.digest(&phone.0);
    asked.shown(&digest, codes.len());
    http::json(Status::Ok, &CodesAnswer { success: true, digest: &digest, sent_at, codes, wrong_codes, forms })
}

/// How many wrong codes were entered for a phone today, and how many forms came without a code.
async fn counts(asked: &Asked<'_>, phone: &Phone) -> Result<[u32; 2], Failure> {
    let counted = Quota::counted_for(&asked.deps.internal, phone, asked.now());
    let [wrong_codes, _, forms] = asked.deps.otp.counts(&counted).await.map_err(Failure::internal)?;
    Ok([wrong_codes.in_day, forms.in_day])
}

#[derive(Serialize)]
struct LiftAnswer<'a> {
    success: bool,
    digest: &'a str,
    /// How many codes that were sent do not count any more.
    codes: usize,
    wrong_codes: u32,
    forms: u32,
}

/// Has a phone begin anew. The limits of installations, addresses, ranges of numbers and of the whole shop stay.
pub(crate) async fn lift(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let CodesRequest { phone } = request::body(asked.inbound)?;
    let (otp, internal, now) = (&asked.deps.otp, &asked.deps.internal, asked.now());
    let [wrong_codes, forms] = counts(asked, &phone.0).await?;
    let codes = otp.lift_sends(&SendLog::phone_key(internal, &phone.0), now).await.map_err(Failure::internal)?;
    otp.lift_sends(&SendLog::no_installation_key(internal, &phone.0), now).await.map_err(Failure::internal)?;
    for quota in &Quota::counted_for(internal, &phone.0, now) {
        otp.forget_count(quota).await.map_err(Failure::internal)?;
    }
    let digest = asked.digest(&phone.0);
    tracing::info!(who = asked.who, digest, codes, wrong_codes, forms, "the limits of a phone were lifted");
    http::json(Status::Ok, &LiftAnswer { success: true, digest: &digest, codes, wrong_codes, forms })
}
