//! Deleting a person's data: their forms with photos, the codes sent for these and the log of what was sent to the phone. Orders
//! and payments stay: they are the shop's books.
//!
//! What leads to something goes after it: photos and codes before their form, so that a deletion that broke off anywhere is
//! completed by asking again.

use std::fmt;
use std::time::Duration;

use lambda_http::{Body, Response};
use serde::{Deserialize, Serialize};
use shared::challenge::{ChallengeKey, SendLog};
use shared::http::{self, Failure, Status};
use shared::phone::Phone;
use shared::store::RECORDING;
use shared::submission::{PhoneDigest, State, Submission};

use crate::fields::{self, CustomerPhone};
use crate::{Asked, Deps};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EraseRequest {
    phone: CustomerPhone,
}

/// What was deleted.
#[derive(Default, Serialize)]
struct Erased {
    forms: u32,
    /// Those of them that the shop has not had yet, and will not have.
    undelivered: u32,
    photos: usize,
    codes: u32,
    send_logs: u32,
}

#[derive(Serialize)]
struct EraseAnswer<'a> {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(flatten)]
    erased: &'a Erased,
}

/// Why not everything is deleted yet.
struct Incomplete(String);

impl<E: fmt::Display> From<E> for Incomplete {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

pub(crate) async fn erase(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let EraseRequest { phone } = fields::body(asked.inbound)?;
    let mut erased = Erased::default();
    let outcome = everything(asked, &phone.0, &mut erased).await;
    let Erased { forms, undelivered, photos, codes, send_logs } = erased;
    let complete = outcome.is_ok();
    tracing::info!(who = asked.who, forms, undelivered, photos, codes, send_logs, complete, "a person's data was deleted");
    match outcome {
        Ok(()) => http::json(Status::Ok, &EraseAnswer { success: true, code: None, error: None, erased: &erased }),
        Err(Incomplete(cause)) => {
            tracing::error!(cause, "a person's data could not be deleted to the end");
            let error = Some("not everything is deleted yet: ask again until it is");
            http::json(Status::Unavailable, &EraseAnswer { success: false, code: Some("incomplete"), error, erased: &erased })
        }
    }
}

async fn everything(asked: &Asked<'_>, phone: &Phone, erased: &mut Erased) -> Result<(), Incomplete> {
    let deps = asked.deps;
    let deadline = asked.inbound.deadline().before(RECORDING);
    let mut unreadable = Vec::new();
    for person in PhoneDigest::all(&deps.internal, phone) {
        let mut from = None;
        loop {
            let page = deps.submissions.of_person(&person, from.as_ref()).await?;
            for submission in &page.entries {
                if deadline.allows(Duration::ZERO).is_none() {
                    return Err("there is more than one request has the time for".into());
                }
                form(deps, submission, phone, erased).await?;
            }
            unreadable.extend(page.unreadable);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
    }
    let (by_phone, nobodys) = (SendLog::phone_key(&deps.internal, phone), SendLog::nobodys_key(&deps.internal, phone));
    // Codes of forms that never came.
    for code in deps.otp.send_log(&by_phone).await?.codes {
        erased.codes += u32::from(deps.otp.forget_challenge(&code.challenge).await?);
    }
    for log in [&nobodys, &by_phone] {
        erased.send_logs += u32::from(deps.otp.forget_sends(log).await?);
    }
    // They have kept nothing else from being deleted.
    if unreadable.is_empty() { Ok(()) } else { Err(format!("forms that cannot be read: {}", unreadable.join(", ")).into()) }
}

async fn form(deps: &Deps, submission: &Submission, phone: &Phone, erased: &mut Erased) -> Result<(), Incomplete> {
    if !submission.photos.is_empty() {
        deps.photos.delete(&submission.photos).await?;
        erased.photos += submission.photos.len();
    }
    let code = ChallengeKey::new(&deps.internal, &submission.form, submission.installation.as_ref(), phone);
    erased.codes += u32::from(deps.otp.forget_challenge(&code).await?);
    if deps.submissions.delete(&submission.id).await? {
        erased.forms += 1;
        erased.undelivered += u32::from(submission.state == State::Waiting);
    }
    Ok(())
}
