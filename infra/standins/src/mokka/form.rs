//! The form behind `iframe_url` (Mokka, "Оформление покупки"): what the customer sees and decides.
//!
//! Demo phones (Mokka, "Тестовые Параметры"): 88821… is declined, 88822… has a limit but not for this order, any other
//! is approved. The confirmation code is 1111.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::{Method, StatusCode};

use super::order::{Decision, MokkaOrder, MokkaStatus, TERMS};
use super::page;
use crate::answer::Answer;
use crate::request::Request;
use crate::world::World;

const CODE: &str = "1111";

/// What the form was filled in with.
struct Filled {
    phone: String,
    code: String,
    term: Option<u32>,
    refused: bool,
}

/// What a submitted form leads to.
enum Next {
    /// The form again, with what is wrong.
    Again(&'static str),
    /// The decision is made: by this form, or before it.
    Decided {
        /// Whether this form made it.
        now: bool,
    },
}

/// Answers `/mokka/form/{token}`.
pub(crate) fn serve(world: &Arc<World>, token: &str, request: &Request) -> Answer {
    let now = world.clock.now();
    let Some(order_id) = world.mokka.order_of_form(token) else {
        return Answer::html(StatusCode::NOT_FOUND, page::unknown());
    };
    if request.method == Method::GET {
        return world.mokka.order(&order_id, now).map_or_else(nothing, |order| view(&order));
    }
    if request.method != Method::POST {
        return Answer::error(StatusCode::METHOD_NOT_ALLOWED, "the form takes GET and POST");
    }
    let filled = Filled::read(&request.body);
    let submitted = world.mokka.with(&order_id, now, |order| (submit(order, &filled), order.clone()));
    let Some((next, order)) = submitted else { return nothing() };
    match next {
        Next::Again(problem) => Answer::html(StatusCode::OK, page::form(&order, &filled.phone, Some(problem))),
        Next::Decided { now: decided_now } => {
            let answer = if order.skip_result_page && order.status == MokkaStatus::Hold {
                Answer::see_other(order.redirect_url.clone())
            } else {
                view(&order)
            };
            if decided_now {
                // As at the real provider, the customer does not wait for the callback.
                let world = Arc::clone(world);
                tokio::spawn(async move {
                    let said = order.granted();
                    // The answer is noted with the order; there is nobody here to tell.
                    let _ = world.call_back(order, said, 1).await;
                });
            }
            answer
        }
    }
}

fn nothing() -> Answer {
    Answer::html(StatusCode::NOT_FOUND, page::unknown())
}

/// The form while it is open, the result afterwards.
fn view(order: &MokkaOrder) -> Answer {
    let phone = order.primary_phone.as_deref().unwrap_or_default();
    let page = if order.status == MokkaStatus::Pending { page::form(order, phone, None) } else { page::result(order) };
    Answer::html(StatusCode::OK, page)
}

fn submit(order: &mut MokkaOrder, filled: &Filled) -> Next {
    if order.status != MokkaStatus::Pending {
        return Next::Decided { now: false };
    }
    if filled.refused {
        order.decide(Decision::Declined, None);
        return Next::Decided { now: true };
    }
    let Some(phone) = ten_digits(&filled.phone) else {
        return Next::Again("Укажите телефон: 10 цифр без кода страны.");
    };
    if filled.code.trim() != CODE {
        return Next::Again("Неверный код подтверждения.");
    }
    if phone.starts_with("88821") {
        order.decide(Decision::Declined, None);
    } else if phone.starts_with("88822") {
        order.decide(Decision::Declined, None);
        // The limit is granted, paying this order with it is not.
        order.decision = Some(Decision::Approved);
    } else {
        order.decide(Decision::Approved, filled.term);
    }
    order.primary_phone = Some(phone);
    Next::Decided { now: true }
}

impl Filled {
    fn read(body: &[u8]) -> Self {
        let mut fields: HashMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        let term = fields.get("term").and_then(|term| term.parse().ok());
        Self {
            term: term.filter(|term| TERMS.contains(term)),
            refused: fields.get("action").is_some_and(|action| action == "decline"),
            phone: fields.remove("phone").unwrap_or_default(),
            code: fields.remove("code").unwrap_or_default(),
        }
    }
}

/// Ten digits, from whatever people type.
fn ten_digits(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    match digits.strip_prefix(['7', '8']) {
        Some(rest) if digits.len() == 11 => Some(rest.to_owned()),
        _ => (digits.len() == 10).then_some(digits),
    }
}
