//! Forms as a table for spreadsheets. What customers wrote is data there and never a formula.

use std::collections::BTreeSet;

use http::HeaderValue;
use lambda_http::{Body, Response};
use serde_json::Value;
use shared::forms::store::submissions::{By, Submissions};
use shared::forms::submission::{Fields, Submission};
use shared::platform::http::Failure;

use crate::forms::{Fitting, LARGEST_ANSWER, fitting, form, page};
use crate::spreadsheet::{self, harmless};
use crate::{Asked, list_parameters};

/// How many forms a page has at most.
const MOST_FORMS: u16 = 500;
/// A cell with nothing in it takes quotes, as escaped in Lambda's answer, and a comma.
const EMPTY_CELL: usize = 5;
/// The columns before the form's own fields.
const COLUMNS: [&str; 4] = ["id", "at", "state", "message"];
/// Those behind them.
const LAST_COLUMNS: [&str; 2] = ["done_by", "done_at"];

pub(crate) async fn export(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let (limit, cursor) =
        (list_parameters::limit(asked.inbound, MOST_FORMS, MOST_FORMS)?, list_parameters::cursor(asked.inbound)?);
    let name = asked.inbound.query("form").ok_or_else(|| Failure::bad_request("the query parameter `form` must be there"))?;
    let name = form(name)?;
    let by = By::Form(&name);
    let mut page = page(asked, by, cursor.as_ref(), limit).await?;
    let rows = rows(&page.entries).map_err(Failure::internal)?;
    if let Some(last) = page.entries.get(rows.saturating_sub(1)).filter(|_| rows < page.entries.len()) {
        page.next = Some(Submissions::after(by, last));
        page.entries.truncate(rows);
    }
    let Fitting { text, entries, cursor: next } =
        fitting(by, &page, |submissions, _| table(submissions).map_err(Failure::internal))?;
    asked.shown(name.as_str(), entries);
    let mut response = spreadsheet::answer("forms.csv", spreadsheet::marked(&text));
    if let Some(next) = next.as_deref().and_then(|next| HeaderValue::from_str(next).ok()) {
        response.headers_mut().insert("x-next-cursor", next);
    }
    Ok(response)
}

/// How many forms fit into one table. Every row has a cell for every name that any of them has, so that names that differ make more
/// of it than what is in them.
fn rows(submissions: &[Submission]) -> Result<usize, serde_json::Error> {
    let (mut names, mut bytes) = (BTreeSet::new(), 0);
    for (index, submission) in submissions.iter().enumerate() {
        let Some(data) = &submission.data else { continue };
        names.extend(data.names()?);
        bytes += data.as_str().len();
        if index > 0 && bytes + (index + 1) * names.len() * EMPTY_CELL > LARGEST_ANSWER {
            return Ok(index);
        }
    }
    Ok(submissions.len())
}

/// RFC 4180, with a row of names and every cell in quotes.
fn table(submissions: &[Submission]) -> Result<String, Box<dyn std::error::Error>> {
    let mut fields = BTreeSet::new();
    for data in submissions.iter().filter_map(|submission| submission.data.as_ref()) {
        fields.extend(data.names()?);
    }
    let mut writer = spreadsheet::writer(Vec::new());
    // A field that is called like one of ours must not be mistaken for it.
    let is_ours = |field: &str| COLUMNS.contains(&field) || LAST_COLUMNS.contains(&field);
    let named = |field: &str| if is_ours(field) { format!("data.{field}") } else { harmless(field) };
    let columns = COLUMNS.map(str::to_owned).into_iter().chain(fields.iter().map(|field| named(field)));
    writer.write_record(columns.chain(LAST_COLUMNS.map(str::to_owned)))?;
    for submission in submissions {
        let message = submission.message.as_deref().unwrap_or_default();
        let done_by = submission.done.as_ref().map_or("", |done| done.by.as_str());
        let done_at = submission.done.as_ref().map(|done| done.at.rfc3339()).unwrap_or_default();
        let own = [submission.id.as_str(), &submission.at.rfc3339(), submission.state.name(), message].map(harmless);
        let data = submission.data.as_ref().map(Fields::read).transpose()?.unwrap_or_default();
        let value = |field: &String| data.get(field).map(cell).unwrap_or_default();
        writer.write_record(own.into_iter().chain(fields.iter().map(value)).chain([done_by, &done_at].map(harmless)))?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    Ok(String::from_utf8(bytes)?)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => harmless(&value.to_string()),
    }
}
