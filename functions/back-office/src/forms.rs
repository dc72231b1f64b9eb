//! Forms that customers handed in: lists, a person's, one, its photos, and that one is done.

use std::time::Duration;

use lambda_http::{Body, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::forms::store::submissions::{By, Submissions};
use shared::forms::submission::{Done, Fields, PhoneDigest, State, Submission};
use shared::platform::dynamodb::{Cursor, Page};
use shared::platform::http::{self, Failure, Status};
use shared::platform::ids::{FormName, InstallId, SubmissionId};

use crate::Asked;
use crate::list_parameters::{self, DEFAULT_LIMIT, MAX_LIMIT, unlisted, wrong};
use crate::request::{self, CustomerPhone};

/// Lambda takes an answer of 6 MB, and carries its body as a JSON string.
pub(crate) const LARGEST_ANSWER: usize = 5_000_000;
/// How often one form may be written by others meanwhile.
const ROUNDS: u32 = 8;
/// How long a photo can be had by its link.
const LINK_LIFETIME: Duration = Duration::from_mins(5);

#[derive(Serialize)]
struct ShownForm<'a> {
    submission_id: &'a str,
    form: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    installation: Option<&'a str>,
    state: &'static str,
    at: String,
    since: String,
    keep_until: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done_at: Option<String>,
    /// Left out once they were given to the shop and are not kept here.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<&'a RawValue>,
    photos: Vec<ShownPhoto<'a>>,
}

#[derive(Serialize)]
struct ShownPhoto<'a> {
    /// Its number, from 1.
    photo: usize,
    /// Where it was among the fields, as a JSON pointer.
    pointer: &'a str,
    media_type: &'a str,
    bytes: u64,
}

impl<'a> ShownForm<'a> {
    fn of(submission: &'a Submission) -> Self {
        let photos = submission.photos.iter().zip(1..).map(|(photo, number)| ShownPhoto {
            photo: number,
            pointer: &photo.pointer,
            media_type: &photo.media_type,
            bytes: photo.bytes,
        });
        Self {
            submission_id: submission.id.as_str(),
            form: submission.form.as_str(),
            installation: submission.installation.as_ref().map(InstallId::as_str),
            state: submission.state.name(),
            at: submission.at.rfc3339(),
            since: submission.since.rfc3339(),
            keep_until: submission.keep_until.rfc3339(),
            message: submission.message.as_deref(),
            done_by: submission.done.as_ref().map(|done| done.by.as_str()),
            done_at: submission.done.as_ref().map(|done| done.at.rfc3339()),
            fields: submission.data.as_ref().map(Fields::raw),
            photos: photos.collect(),
        }
    }
}

#[derive(Serialize)]
struct FormsAnswer<'a> {
    success: bool,
    forms: Vec<ShownForm<'a>>,
    /// Where the list goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
    /// Forms that are there and cannot be read; what is wrong is in the log.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    unreadable: &'a [String],
}

pub(crate) async fn list(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let (limit, cursor) =
        (list_parameters::limit(asked.inbound, DEFAULT_LIMIT, MAX_LIMIT)?, list_parameters::cursor(asked.inbound)?);
    match (asked.inbound.query("form"), asked.inbound.query("state"), asked.inbound.query("unmatched")) {
        (Some(name), None, None) => {
            let name = form(name)?;
            let by = By::Form(&name);
            shown(asked, name.as_str(), by, &page(asked, by, cursor.as_ref(), limit).await?)
        }
        (None, Some(name), None) => {
            let state = state(name)?;
            let mut page = page(asked, By::State(state), cursor.as_ref(), limit).await?;
            // An index is read a moment late: what has moved on meanwhile is on another list.
            page.entries.retain(|submission| submission.state == state);
            shown(asked, state.name(), By::State(state), &page)
        }
        (None, None, Some("true")) => {
            shown(asked, "unmatched", By::Unmatched, &page(asked, By::Unmatched, cursor.as_ref(), limit).await?)
        }
        (None, None, Some(_)) => Err(wrong("unmatched", "must be true")),
        _ => Err(Failure::bad_request("one of the query parameters `form`, `state` or `unmatched=true` must be there")),
    }
}

/// A page of the list that the address asks for.
pub(crate) async fn page(
    asked: &Asked<'_>,
    by: By<'_>,
    cursor: Option<&Cursor>,
    limit: u16,
) -> Result<Page<Submission>, Failure> {
    let now = asked.now();
    let since = list_parameters::moment(asked.inbound, "since")?;
    let done = match asked.inbound.query("done") {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(wrong("done", "must be true or false")),
    };
    let mut page = asked.deps.submissions.list(by, since, now, cursor, limit).await.map_err(unlisted)?;
    page.entries.retain(|submission| done.is_none_or(|done| submission.done.is_some() == done));
    Ok(page)
}

pub(crate) fn form(name: &str) -> Result<FormName, Failure> {
    FormName::parse(name).map_err(|error| wrong("form", &error.to_string()))
}

fn state(name: &str) -> Result<State, Failure> {
    State::parse(name).ok_or_else(|| wrong("state", &format!("must be one of {}", State::ALL.map(State::name).join(", "))))
}

fn shown(asked: &Asked<'_>, of: &str, by: By<'_>, page: &Page<Submission>) -> Result<Response<Body>, Failure> {
    let Fitting { text, entries, .. } = fitting(by, page, |forms, cursor| {
        let answer =
            FormsAnswer { success: true, forms: forms.iter().map(ShownForm::of).collect(), cursor, unreadable: &page.unreadable };
        serde_json::to_string(&answer).map_err(Failure::internal)
    })?;
    asked.shown(of, entries);
    Ok(http::respond(Status::Ok.into(), "application/json; charset=utf-8", text))
}

/// What an answer can carry of a page.
pub(crate) struct Fitting {
    pub(crate) text: String,
    /// How many entries it has.
    pub(crate) entries: usize,
    /// Where the list goes on, if it does.
    pub(crate) cursor: Option<String>,
}

/// As many entries of a page, written by `write` with the cursor behind them, as an answer can carry; and that cursor. One is
/// always carried: it is as large as an item of the table at most.
pub(crate) fn fitting(
    by: By<'_>,
    page: &Page<Submission>,
    write: impl Fn(&[Submission], Option<&str>) -> Result<String, Failure>,
) -> Result<Fitting, Failure> {
    let mut entries = page.entries.as_slice();
    loop {
        let cut = entries.last().filter(|_| entries.len() < page.entries.len());
        let cursor = cut.map(|last| Submissions::after(by, last).to_text()).or(page.next.as_ref().map(Cursor::to_text));
        let text = write(entries, cursor.as_deref())?;
        if entries.len() <= 1 || carried(&text) <= LARGEST_ANSWER {
            return Ok(Fitting { text, entries: entries.len(), cursor });
        }
        (entries, _) = entries.split_at(entries.len() / 2);
    }
}

/// The bytes that a text takes as a JSON string.
pub(crate) fn carried(text: &str) -> usize {
    let byte = |byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..=0x1f => 6,
        _ => 1,
    };
    text.bytes().map(byte).sum()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchRequest {
    phone: CustomerPhone,
    #[serde(default, deserialize_with = "request::meant")]
    limit: Option<u16>,
    #[serde(default, deserialize_with = "request::meant")]
    cursor: Option<String>,
}

pub(crate) async fn search(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let request: SearchRequest = request::body(asked.inbound)?;
    let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(request::wrong("limit", format!("must be a whole number from 1 to {MAX_LIMIT}")));
    }
    let cursor = request.cursor.as_deref().map(Cursor::parse).transpose();
    let cursor = cursor.map_err(|error| request::wrong("cursor", error))?;
    let phones = PhoneDigest::all(&asked.deps.internal, &request.phone.0);
    let phones: Vec<_> = phones.iter().map(By::Phone).collect();
    // A list goes on under the digest that its cursor names.
    let place = phones.iter().position(|by| cursor.as_ref().is_some_and(|cursor| by.has(cursor))).unwrap_or(0);
    let by = phones.get(place).copied().ok_or_else(Failure::not_found)?;
    let mut page = page(asked, by, cursor.as_ref(), limit).await?;
    page.next = page.next.or_else(|| phones.get(place + 1).map(|by| by.beginning()));
    shown(asked, &asked.digest(&request.phone.0), by, &page)
}

#[derive(Serialize)]
struct FormAnswer<'a> {
    success: bool,
    form: ShownForm<'a>,
}

pub(crate) async fn one(asked: &Asked<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let submission = find(asked, id).await?;
    asked.shown(submission.id.as_str(), 1);
    http::json(Status::Ok, &FormAnswer { success: true, form: ShownForm::of(&submission) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DoneRequest {
    done: bool,
}

/// Notes that a form is done, or is not after all. Who did it first stays.
pub(crate) async fn done(asked: &Asked<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let DoneRequest { done } = request::body(asked.inbound)?;
    for _ in 0..ROUNDS {
        let submission = find(asked, id).await?;
        let saved = if submission.done.is_some() == done {
            Some(submission)
        } else {
            let done = done.then(|| Done { by: asked.who.to_owned(), at: asked.now() });
            asked.deps.submissions.save(Submission { done, ..submission }).await.map_err(Failure::internal)?
        };
        if let Some(submission) = saved {
            tracing::info!(who = asked.who, submission_id = %submission.id, done, "a form was marked");
            return http::json(Status::Ok, &FormAnswer { success: true, form: ShownForm::of(&submission) });
        }
    }
    Err(Failure::internal("others keep writing the same form"))
}

async fn find(asked: &Asked<'_>, id: &str) -> Result<Submission, Failure> {
    let id = SubmissionId::parse(id).map_err(|_| Failure::not_found())?;
    let found = asked.deps.submissions.find(&id, asked.now()).await.map_err(Failure::internal)?;
    found.ok_or_else(Failure::not_found)
}

#[derive(Serialize)]
struct PhotoAnswer<'a> {
    success: bool,
    url: &'a str,
    /// In seconds.
    expires_in: u64,
    media_type: &'a str,
    bytes: u64,
}

/// A link to S3 in place of the photo: as base64 through Lambda it could only have 4.4 MB and would be paid for twice. It is no
/// redirect, because a client would take the back office's key along to S3.
pub(crate) async fn photo(asked: &Asked<'_>, id: &str, number: &str) -> Result<Response<Body>, Failure> {
    let submission = find(asked, id).await?;
    let index = number.parse::<usize>().ok().filter(|index| index.to_string() == number).and_then(|index| index.checked_sub(1));
    let photo = index.and_then(|index| submission.photos.get(index)).ok_or_else(Failure::not_found)?;
    let url = asked.deps.photos.link(photo, LINK_LIFETIME).await.map_err(Failure::internal)?;
    asked.shown(&format!("{}/photos/{number}", submission.id), 1);
    let answer = PhotoAnswer {
        success: true,
        url: &url,
        expires_in: LINK_LIFETIME.as_secs(),
        media_type: &photo.media_type,
        bytes: photo.bytes,
    };
    http::json(Status::Ok, &answer)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::platform::clock::Timestamp;

    use super::*;

    fn handed_in(number: u32, text: &str) -> Submission {
        let at = Timestamp::from_millis(i64::from(number));
        Submission {
            id: SubmissionId::parse(&format!("{number:064x}")).unwrap(),
            form: FormName::parse("callback").unwrap(),
            installation: Some(InstallId::parse("i").unwrap()),
            data: Some(Fields::parse(json!({"text": text}).to_string()).unwrap()),
            photos: Vec::new(),
            phone: None,
            at,
            keep: true,
            keep_until: at,
            state: State::Kept,
            since: at,
            message: None,
            done: None,
            version: 1,
        }
    }

    #[test]
    fn response_fits_lambda_limit_and_carries_a_cursor() {
        // The worst that fits into an item: each of these is two bytes in JSON, and four in Lambda's answer.
        let entries: Vec<_> = (1..=20).map(|number| handed_in(number, &"\"".repeat(190_000))).collect();
        let name = FormName::parse("callback").unwrap();
        let by = By::Form(&name);
        let page = Page { entries, next: None, unreadable: Vec::new() };
        let write = |forms: &[Submission], _: Option<&str>| {
            let texts: Vec<_> = forms.iter().map(|form| form.data.as_ref().unwrap().raw()).collect();
            Ok(serde_json::to_string(&texts).unwrap())
        };
        let Fitting { text, entries, cursor } = fitting(by, &page, write).unwrap();
        let carried = serde_json::to_string(&text).unwrap().len();
        assert!((1_000_000..LARGEST_ANSWER + 2).contains(&carried), "{carried}");
        let taken: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(entries, taken.len());
        assert_eq!(cursor, Some(Submissions::after(by, &page.entries[taken.len() - 1]).to_text()));
        let small = Page { entries: page.entries[..2].to_vec(), next: None, unreadable: Vec::new() };
        assert_eq!(fitting(by, &small, write).unwrap().cursor, None, "nothing is left");
    }

    #[test]
    fn what_a_text_takes_as_a_string_is_known() {
        let text = "a\"\\\n\r\t\u{1}я＝";
        assert_eq!(carried(text), serde_json::to_string(text).unwrap().len() - 2);
    }
}
