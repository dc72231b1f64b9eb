//! Finish: finalises a hold with its fiscal document (Mokka, "Finish").
//!
//! Multipart with exactly two parts: `body`, the JSON text the signature is made of, without a file name; and `check`, a
//! PDF file. A Finish after `valid_till` answers 23 and cancels the order, as the document's notice says.

use time::OffsetDateTime;

use super::fields::Fields;
use super::key::Key;
use super::order::{MokkaOrder, MokkaStatus};
use super::refusal::{MokkaRefusal, business, unknown_order};
use super::state::Mokka;
use super::{code, envelope};
use crate::answer::Answer;
use crate::money::Kopecks;
use crate::request::{Part, Request};

/// A Finish as requested.
struct Finish<'a> {
    amount: Kopecks,
    check_number: Option<&'a str>,
    check_link: Option<&'a str>,
}

pub(super) fn handle(mokka: &Mokka, request: &Request) -> Result<Answer, MokkaRefusal> {
    let key = Key::of_orders(&mokka.options);
    envelope::store(key, request)?;
    let body = envelope::signed(key, request, &json_part(request)?.bytes)?;
    let fields = Fields::root(&body, &["order_id", "amount", "check_number", "check_link"])?;
    let order_id = envelope::order_id(&fields)?;
    let finish = Finish {
        amount: fields.amount_needed("amount")?,
        check_number: fields.text("check_number")?,
        check_link: fields.text("check_link")?,
    };
    check_file(request)?;
    let now = mokka.clock.now();
    let with_prepayment = mokka.commands_with_prepayment();
    let finished = mokka.with(order_id, now, |order| apply(order, &finish, with_prepayment, now));
    finished.unwrap_or_else(|| Err(unknown_order()))
}

fn apply(
    order: &mut MokkaOrder,
    finish: &Finish<'_>,
    with_prepayment: bool,
    now: OffsetDateTime,
) -> Result<Answer, MokkaRefusal> {
    match &order.status {
        MokkaStatus::Hold => {}
        MokkaStatus::Expired => {
            order.status = MokkaStatus::Canceled;
            return Err(MokkaRefusal::new(code::ORDER_EXPIRED, "valid_till has passed; it is canceled now"));
        }
        status @ (MokkaStatus::Finished | MokkaStatus::Canceled | MokkaStatus::Declined | MokkaStatus::Refunded) => {
            return Err(MokkaRefusal::new(code::UNABLE_TO_FINISH, format!("it is {}", status.as_str())));
        }
        status @ (MokkaStatus::Pending | MokkaStatus::Other(_)) => {
            return Err(MokkaRefusal::new(code::CANNOT_PROCESS, format!("it is {}, not hold", status.as_str())));
        }
    }
    let amount = order.named(order.amount.clone(), with_prepayment);
    if Kopecks::lenient(&amount) != Some(finish.amount) {
        return Err(MokkaRefusal::new(code::AMOUNT_DIFFERENT, format!("it is {amount}, not {}", finish.amount)));
    }
    order.status = MokkaStatus::Finished;
    order.finishes += 1;
    order.finished_at = Some(now);
    order.check_number = finish.check_number.map(str::to_owned);
    order.check_link = finish.check_link.map(str::to_owned);
    Ok(business(0))
}

fn json_part(request: &Request) -> Result<&Part, MokkaRefusal> {
    let refusal = |note: &str| MokkaRefusal::new(code::JSON, note);
    let multipart = request.media_type().is_some_and(|media| media.eq_ignore_ascii_case("multipart/form-data"));
    let parts = request.parts.as_deref().filter(|_| multipart);
    let parts = parts.ok_or_else(|| refusal("the body must be multipart/form-data"))?;
    if let Some(part) = parts.iter().find(|part| part.name != "body" && part.name != "check") {
        return Err(refusal(&format!("part `{}` is not in the document", part.name)));
    }
    let body = request.part("body").ok_or_else(|| refusal("exactly one part `body` is needed"))?;
    if body.filename.is_some() {
        return Err(refusal("part `body` is a field, not a file: no filename"));
    }
    Ok(body)
}

fn check_file(request: &Request) -> Result<(), MokkaRefusal> {
    let refusal = |note| Err(MokkaRefusal::new(code::FILE, note));
    let Some(check) = request.part("check") else {
        return refusal("exactly one part `check` is needed");
    };
    if check.filename.as_deref().is_none_or(str::is_empty) {
        return refusal("part `check` is a file: it needs a filename");
    }
    if check.content_type.as_deref() != Some("application/pdf") {
        return refusal("part `check` must be application/pdf");
    }
    if !check.bytes.starts_with(b"%PDF") {
        return refusal("part `check` is not a PDF");
    }
    Ok(())
}
