//! Deleting a person's data: their forms with photos, the codes sent for these, the log of what was sent to the phone, and what orders
//! know of them ([`forget`]). Amounts, ids and histories of orders and payments stay: they are the shop's books.
//!
//! What leads to something goes after it: photos and codes before their form, so that a deletion that broke off anywhere is
//! completed by asking again. And it is asked for twice: the indexes show what was written a moment late, so that only what a
//! repetition finds a minute later is all.

use std::fmt;
use std::time::Duration;

use lambda_http::{Body, Response};
use serde::{Deserialize, Serialize};
use shared::forms::challenge::{ChallengeKey, SendLog};
use shared::forms::submission::{PhoneDigest, State, Submission};
use shared::payments::forget::{self, Forgotten, Why};
use shared::platform::clock::{self, Deadline, Timestamp};
use shared::platform::dynamodb::{Cursor, Page, RECORDING, StoreError};
use shared::platform::http::{self, Failure, Status};
use shared::platform::ids::{OrderUuid, SubmissionId};
use shared::platform::phone::Phone;

use crate::request::{self, CustomerPhone};
use crate::{Asked, Deps};

/// How late an index may be: DynamoDB's are behind by fractions of a second, or by seconds on a bad day.
const INDEXES_ARE_LATE: Duration = Duration::from_mins(1);
/// How many forms can be deleted by their ids at once.
const MOST_FORMS: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EraseRequest {
    #[serde(default, deserialize_with = "request::meant")]
    phone: Option<CustomerPhone>,
    #[serde(default, deserialize_with = "request::meant")]
    submission_ids: Option<Vec<String>>,
}

/// Whose data.
enum Whose {
    /// All of the person with this phone.
    Person(Phone),
    /// These forms, which no phone leads to.
    Forms(Vec<SubmissionId>),
}

impl EraseRequest {
    fn whose(self) -> Result<Whose, Failure> {
        match (self.phone, self.submission_ids) {
            (Some(phone), None) => Ok(Whose::Person(phone.0)),
            (None, Some(ids)) => {
                if !(1..=MOST_FORMS).contains(&ids.len()) {
                    return Err(request::wrong("submission_ids", format!("must be 1 to {MOST_FORMS} ids")));
                }
                let read = |id: &String| SubmissionId::parse(id).map_err(|error| request::wrong("submission_ids", error));
                Ok(Whose::Forms(ids.iter().map(read).collect::<Result<_, _>>()?))
            }
            (None, None) | (Some(_), Some(_)) => {
                Err(Failure::bad_request("one of the fields `phone` and `submission_ids` must be there"))
            }
        }
    }
}

/// What was deleted.
#[derive(Clone, Copy, Default, Serialize)]
struct Erased {
    forms: u32,
    /// Those of them that the shop has not had yet, and will not have.
    undelivered: u32,
    photos: usize,
    codes: u32,
    send_logs: u32,
    /// Orders that know nothing of the person any more.
    orders: u32,
    /// Addresses of pages at the provider that went with them.
    payment_pages: u32,
    /// Fiscal documents that did.
    documents: u32,
    /// Orders that still know the person, because of a payment under way or a question to the provider: they forget by themselves when that
    /// is over.
    orders_open: u32,
}

#[derive(Serialize)]
struct EraseAnswer<'a> {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// Of the phone, as the log has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a str>,
    #[serde(flatten)]
    erased: Erased,
    /// Forms in which no phone could be read, so that their owner is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    unmatched: Option<usize>,
    /// Nothing is left that the phone leads to.
    complete: bool,
    /// When to ask again, for what the indexes have not shown yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_in_seconds: Option<i64>,
}

/// What is known when everything that was found is deleted.
struct Done {
    unmatched: usize,
    /// For how long what had been written before may still come up.
    late: Option<Duration>,
}

/// Why not everything is deleted yet.
struct Incomplete(String);

impl<E: fmt::Display> From<E> for Incomplete {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

pub(crate) async fn erase(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let whose = request::body::<EraseRequest>(asked.inbound)?.whose()?;
    let mut erased = Erased::default();
    let (digest, outcome) = match &whose {
        Whose::Person(phone) => {
            let digest = asked.digest(phone);
            let outcome = person(asked, phone, &digest, &mut erased).await;
            (Some(digest), outcome)
        }
        Whose::Forms(ids) => (None, forms(asked, ids, &mut erased).await),
    };
    let digest = digest.as_deref();
    let late = outcome.as_ref().ok().and_then(|done| done.late);
    let complete = outcome.is_ok() && late.is_none() && erased.orders_open == 0;
    let Erased { forms, undelivered, photos, codes, send_logs, orders, payment_pages, documents, orders_open } = erased;
    tracing::info!(
        who = asked.who,
        digest,
        forms,
        undelivered,
        photos,
        codes,
        send_logs,
        orders,
        payment_pages,
        documents,
        orders_open,
        complete,
        "a person's data was deleted"
    );
    let repeat_in_seconds = late.map(clock::seconds);
    match outcome {
        Ok(Done { unmatched, .. }) => {
            let unmatched = Some(unmatched);
            let answer =
                EraseAnswer { success: true, code: None, error: None, digest, erased, unmatched, complete, repeat_in_seconds };
            http::json(Status::Ok, &answer)
        }
        Err(Incomplete(cause)) => {
            tracing::error!(cause, "a person's data could not be deleted to the end");
            let (code, error) = (Some("incomplete"), Some("not everything is deleted yet: ask again until it is"));
            let answer = EraseAnswer {
                success: false,
                code,
                error,
                digest,
                erased,
                unmatched: None,
                complete: false,
                repeat_in_seconds: None,
            };
            http::json(Status::Unavailable, &answer)
        }
    }
}

/// Since when the orders of earlier releases are in the indexes, by their customers' phones; they are indexed first, if one request has the
/// time for that.
async fn index_orders(asked: &Asked<'_>, deadline: Deadline) -> Result<Option<Timestamp>, Incomplete> {
    let orders = &asked.deps.settler.orders;
    match orders.indexed_at().await? {
        Some(at) => Ok(Some(at)),
        None => Ok(orders.reindex(None, deadline).await?.next.is_none().then(|| asked.now())),
    }
}

/// Deletes what the phone leads to.
async fn person(asked: &Asked<'_>, phone: &Phone, digest: &str, erased: &mut Erased) -> Result<Done, Incomplete> {
    let deps = asked.deps;
    let deadline = asked.inbound.deadline().before(RECORDING);
    let now = deps.settler.clock.now();
    let since = deps.otp.erasure_asked(digest, now).await?;
    let indexed_at = index_orders(asked, deadline).await?;
    let mut unreadable = Vec::new();
    let forms = PhoneDigest::all(&deps.internal, phone).into_iter().map(List::Forms);
    let orders = [Some(phone.digits()), phone.earlier_digits()].into_iter().flatten().map(List::Orders);
    for list in forms.chain(orders) {
        let mut from = None;
        loop {
            let page = list.page(deps, from.as_ref()).await?;
            for entry in &page.entries {
                in_time(deadline)?;
                match entry {
                    Entry::Form(submission) => form(deps, submission, Some(phone), erased).await?,
                    Entry::Order(uuid) => order(deps, uuid, erased, &mut unreadable).await?,
                }
            }
            unreadable.extend(page.unreadable);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
    }
    let (by_phone, nobodys) = (SendLog::phone_key(&deps.internal, phone), SendLog::no_installation_key(&deps.internal, phone));
    // Codes of forms that never came.
    for code in deps.otp.send_log(&by_phone).await?.codes {
        erased.codes += u32::from(deps.otp.forget_challenge(&code.challenge).await?);
    }
    for log in [&nobodys, &by_phone] {
        erased.send_logs += u32::from(deps.otp.forget_sends(log).await?);
    }
    // They have kept nothing else from being deleted.
    if !unreadable.is_empty() {
        return Err(format!("what cannot be read: {}", unreadable.join(", ")).into());
    }
    let Some(indexed_at) = indexed_at else {
        return Err("orders of earlier releases are not indexed yet: see `POST reindex`".into());
    };
    let late = INDEXES_ARE_LATE.checked_sub(now.since(since.max(indexed_at))).filter(|late| !late.is_zero());
    let unmatched = deps.submissions.count_unmatched().await?;
    if late.is_none() && erased.orders_open == 0 {
        deps.otp.erasure_over(digest).await?;
    }
    Ok(Done { unmatched, late })
}

/// A list by what a phone leads to.
enum List<'a> {
    Forms(PhoneDigest),
    /// Orders, by its digits.
    Orders(&'a str),
}

/// What is found in one.
enum Entry {
    Form(Box<Submission>),
    Order(OrderUuid),
}

impl List<'_> {
    async fn page(&self, deps: &Deps, from: Option<&Cursor>) -> Result<Page<Entry>, StoreError> {
        Ok(match self {
            Self::Forms(person) => {
                let Page { entries, next, unreadable } = deps.submissions.of_person(person, from).await?;
                Page { entries: entries.into_iter().map(|form| Entry::Form(Box::new(form))).collect(), next, unreadable }
            }
            Self::Orders(digits) => {
                let Page { entries, next, unreadable } = deps.settler.orders.of_phone(digits, from).await?;
                Page { entries: entries.into_iter().map(Entry::Order).collect(), next, unreadable }
            }
        })
    }
}

/// Has a person's order forget them.
async fn order(deps: &Deps, uuid: &OrderUuid, erased: &mut Erased, unreadable: &mut Vec<String>) -> Result<(), Incomplete> {
    match forget::customer(&deps.settler.orders, uuid, Why::Asked, deps.settler.clock.now()).await {
        Ok(Forgotten::NoCustomer | Forgotten::NotYet) => {}
        Ok(Forgotten::Open) => erased.orders_open += 1,
        Ok(Forgotten::Gone { pages, documents }) => {
            erased.orders += 1;
            erased.payment_pages += pages;
            erased.documents += documents;
        }
        Err(StoreError::Unreadable { key, .. }) => unreadable.push(key),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Deletes forms that were found to be a person's.
async fn forms(asked: &Asked<'_>, ids: &[SubmissionId], erased: &mut Erased) -> Result<Done, Incomplete> {
    let deps = asked.deps;
    let deadline = asked.inbound.deadline().before(RECORDING);
    let now = deps.settler.clock.now();
    for id in ids {
        in_time(deadline)?;
        let Some(submission) = deps.submissions.find(id, now).await? else { continue };
        form(deps, &submission, None, erased).await?;
        tracing::info!(who = asked.who, submission_id = %id, "a form was deleted");
    }
    Ok(Done { unmatched: deps.submissions.count_unmatched().await?, late: None })
}

fn in_time(deadline: Deadline) -> Result<(), Incomplete> {
    match deadline.allows(Duration::ZERO) {
        Some(_) => Ok(()),
        None => Err("there is more than one request has the time for".into()),
    }
}

/// Deletes a form and what it leads to. The code that was sent for it is only found by the phone.
async fn form(deps: &Deps, submission: &Submission, phone: Option<&Phone>, erased: &mut Erased) -> Result<(), Incomplete> {
    if !submission.photos.is_empty() {
        deps.photos.delete(&submission.photos).await?;
        erased.photos += submission.photos.len();
    }
    if let Some(phone) = phone {
        let code = ChallengeKey::new(&deps.internal, &submission.form, submission.installation.as_ref(), phone);
        erased.codes += u32::from(deps.otp.forget_challenge(&code).await?);
    }
    if deps.submissions.delete(&submission.id).await? {
        erased.forms += 1;
        erased.undelivered += u32::from(submission.state == State::Waiting);
    }
    Ok(())
}
