//! `/v1/back-office/…`: the shop's own people and system look at orders and payments, and act on them. A key of
//! `BACK_OFFICE_KEYS` opens it, as `Authorization: Bearer` or header `key`; its name is the "who" of log and history.
//!
//! | route below `/v1/back-office` | role | what |
//! |---|---|---|
//! | `GET orders/{orderId}` | read | an order and its payments, beside what the provider says of each now |
//! | `POST orders/search` | read | orders with their payments, by the customer's phone or one of five ids |
//! | `GET orders?day=&limit=&cursor=` | read | orders that were recorded on a day of the shop, with their payments, the newest first |
//! | `POST reindex` | operate | let what earlier releases have stored be found |
//! | `GET payments?state=&since=&until=&min=&max=&limit=&cursor=` | read | payments in a state, the newest in it first |
//! | `GET payments?changed_since=&limit=&cursor=` | read | payments that have changed, the longest ago first |
//! | `GET payments?attention=true&limit=&cursor=` | read | payments in manual review, the longest troubled first |
//! | `GET payments.csv?from=&to=` | read | every capture and refund of a period, for spreadsheets |
//! | `GET totals?from=&to=` | read | what was captured and given back in it, by currency and provider |
//! | `GET payments/{paymentId}` | read | a payment as it is stored |
//! | `POST payments/{paymentId}/finish` | operate | capture a hold or a part of it, with the shop's fiscal document or one of our own |
//! | `POST payments/{paymentId}/cancel` | operate | let a hold go, or give up what is not paid yet |
//! | `POST payments/{paymentId}/change` | operate | hold another amount, or hold it longer |
//! | `POST payments/{paymentId}/refunds` | refund | give back a part, or all that is left; with `Idempotency-Key` |
//! | `POST payments/{paymentId}/receipts` | operate | make the second fiscal receipt of goods that were paid in advance |
//! | `DELETE payments/{paymentId}/refunds/{refund}` | refund | give up a refund that is scheduled or awaits approval |
//! | `POST payments/{paymentId}/refunds/{refund}/approve` | refund | approve a refund above another person's limit |
//! | `POST payments/{paymentId}/refunds/{refund}/outcome` | refund | decide a refund of unknown outcome |
//! | `POST payments/{paymentId}/messages/{message}/close` | operate | close a message that IMSHOP will not take |
//! | `POST payments/{paymentId}/events/{event}/resend` | operate | send an event to the shop again |
//! | `POST payments/{paymentId}/settle` | operate | ask the provider, and drive the payment forward |
//! | `POST limits` | operate | what a customer may spend |
//! | `POST registrations` | operate | a form on which a customer gets a limit |
//! | `GET registrations/{registrationId}` | read | what became of it |
//! | `POST schedules` | read | the ways to pay an amount in instalments |
//! | `POST codes/search` | read | what a phone has had of codes and of forms without one |
//! | `POST codes/lift` | operate | have that begin anew |
//! | `GET runs` | read | the last runs of what runs by the clock |
//! | `GET forms?form=&done=&since=&limit=&cursor=` | read | what customers handed in with a form, the newest first |
//! | `GET forms?state=&since=&limit=&cursor=` | read | forms in a state: `waiting`, `delivered`, `refused`, `kept` |
//! | `GET forms?unmatched=true&since=&limit=&cursor=` | read | forms in which no phone could be read |
//! | `POST forms/search` | read | a person's forms, by phone |
//! | `GET forms/{submissionId}` | read | a form |
//! | `POST forms/{submissionId}/done` | operate | note that a form is done, or is not after all |
//! | `GET forms/{submissionId}/photos/{photo}` | read | a link to a photo of it, for five minutes |
//! | `GET forms.csv?form=&since=&limit=&cursor=` | read | a form's for spreadsheets; `X-Next-Cursor` says where it goes on |
//! | `POST erasures` | operate | delete what there is of a person, by phone, or forms by their ids |
//!
//! 200 is done; 202 is taken note of, and being found out, scheduled, or to be approved; 409 is forbidden by the state of things, ours or the provider's,
//! and nothing was done; 502 is refused by the provider, and nothing was done; 503 `provider_unavailable` is that the provider
//! could not be asked, and nothing was done. Whatever is not understood is refused, so that a slip never does more than meant.
//!
//! The audit trail is in the log: `back office asked` with who and for what; `shown` with how much of what was looked at, a person's by
//! a digest of the phone; `a person's data was deleted` with how much of what was.
//!
//! Round trips when nothing is in the way:
//! - `cancel`, `refunds`, `receipts`: one read, one Status, one write, the call, one write; with a receipt of the gateway's one read
//!   (order) more. `finish`: one read (order) more; a document of
//!   the shop's is stored before and read again, a write and a read for every 350 KB. `change`: one read (order) more, and the
//!   last write is one of payment and order together.
//! - `refunds` again with the same key: one read. One that is scheduled, or awaits approval: one read, one Status, one write; `DELETE`: one
//!   read, one write, and one read of what is counted for the person. With a key that has a limit: one read and one write more of what is
//!   counted. `approve`: one write, one Status and a refund's writes. `settle`: one read, two Status, and what `settle` does. `outcome`: one
//!   read, one Status, one write. `messages/…/close`: one read, one write.
//! - An order: one query, one read of all, one Status for each payment. A list: one query, one read of all. A payment, a
//!   registration: one read. `runs`: three reads at the same time. `forms/…/done`: one read, one write. `codes/search`: two reads, and one
//!   for each code of the last hour; `codes/lift`: three reads, up to two writes, three deletions. `limits` and `schedules`: one call. `registrations`: one write, one call.
//! - `reindex`: a scan for every fifty items, and for each that was not to be found one write, two if it has a public id. A day's orders:
//!   one query, one read of all orders, one of all their payments.
//! - A search for orders: one query (by phone, public id, provider's id), one read of all payments that lead there (by an id of a payment),
//!   one read of all orders, one of all their payments.
//! - Books and totals: three queries, one for each state of a payment whose money was ours, and one read of all behind each that finds
//!   some; of 50,000 payments some 63 queries and 500 reads, eight at once.
//! - Forms: a list is one query and one read of all (a hundred at once), a form or a link to its photo one read. An erasure
//!   is a read and a write of since when it is asked for; one query and one read of all, for each form one call to S3 (if it has
//!   photos) and two deletions; a read and two deletions of what was sent; one query for orders, for each of them two reads and two
//!   writes (payment and order); and one query that counts forms without a phone. By ids: a read, two deletions each, and that count.

mod asked;
mod books;
mod codes;
mod commands;
mod customers;
mod deps;
mod erase;
mod events;
mod export;
mod finish;
mod forms;
mod list_parameters;
mod queries;
mod receipts;
mod request;
mod response;
mod route;
mod runs;
mod search;
mod spreadsheet;

use lambda_http::{Body, Request, Response};
use shared::platform::http::{self, Failure, Inbound, Shape};

use asked::Asked;
use route::Route;

pub use deps::Deps;

/// Answers a request.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    http::answer(Shape::Office, request, async |inbound| serve(deps, &inbound).await).await
}

async fn serve(deps: &Deps, inbound: &Inbound) -> Result<Response<Body>, Failure> {
    let holder = inbound.holder(&deps.keys, &deps.metrics)?;
    let path = inbound.path();
    let route = Route::find(&path).ok_or_else(Failure::not_found)?;
    inbound.require_method(route.method())?;
    let (action, needed) = (route.action(), route.role());
    if holder.role < needed {
        tracing::warn!(who = holder.name, action, "refused: the role does not suffice");
        let text = format!("this takes the role {}; the key {} has {}", needed.name(), holder.name, holder.role.name());
        return Err(Failure::forbidden("role", text));
    }
    inbound.limit_body(route.max_body())?;
    inbound.require_query(route.query())?;
    tracing::info!(who = holder.name, action, "back office asked");
    let asked = Asked { deps, inbound, who: &holder.name, limit: holder.limit.map(|limit| deps.limit(limit)), action };
    match route {
        Route::Order(id) => queries::order(&asked, id).await,
        Route::Orders => search::of_day(&asked).await,
        Route::OrderSearch => search::search(&asked).await,
        Route::Reindex => search::reindex(&asked).await,
        Route::Payments => queries::payments(&asked).await,
        Route::Books => books::table(&asked).await,
        Route::Totals => books::totals(&asked).await,
        Route::Payment(id) => queries::payment(&asked, id).await,
        Route::Finish(id) => finish::finish(&asked, id).await,
        Route::Cancel(id) => commands::cancel(&asked, id).await,
        Route::Change(id) => commands::change(&asked, id).await,
        Route::Refunds(id) => commands::refund(&asked, id).await,
        Route::Receipts(id) => commands::receipt(&asked, id).await,
        Route::Refund(id, refund) => commands::withdraw_refund(&asked, id, refund).await,
        Route::Approve(id, refund) => commands::approve_refund(&asked, id, refund).await,
        Route::Outcome(id, refund) => commands::outcome(&asked, id, refund).await,
        Route::CloseMessage(id, message) => commands::close_message(&asked, id, message).await,
        Route::ResendEvent(id, number) => events::resend_event(&asked, id, number).await,
        Route::Settle(id) => commands::settle(&asked, id).await,
        Route::Limits => customers::limit(&asked).await,
        Route::Registrations => customers::register(&asked).await,
        Route::Registration(id) => customers::registration(&asked, id).await,
        Route::Schedules => customers::schedules(&asked).await,
        Route::Runs => runs::runs(&asked).await,
        Route::CodeSearch => codes::search(&asked).await,
        Route::CodeLift => codes::lift(&asked).await,
        Route::FormDone(id) => forms::done(&asked, id).await,
        Route::Forms => forms::list(&asked).await,
        Route::FormSearch => forms::search(&asked).await,
        Route::FormExport => export::export(&asked).await,
        Route::Form(id) => forms::one(&asked, id).await,
        Route::FormPhoto(id, number) => forms::photo(&asked, id, number).await,
        Route::Erasures => erase::erase(&asked).await,
    }
}
