//! The forms behind `iframe_url` (Mokka, "Оформление покупки", "Регистрация клиента"): what the customer sees and decides.
//!
//! What becomes of it is up to the limit of the phone that the customer confirms (see [`super::limits`]); the code is 1111.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::{Method, StatusCode};

use super::limits::{Limits, is_phone};
use super::order::{Decision, MokkaOrder, MokkaStatus, PREPAYMENT_ON_FORM};
use super::readings::Reading;
use super::registered::MokkaRegistration;
use super::state::{Form, Mokka};
use super::{page, tariff};
use crate::answer::Answer;
use crate::options::{Options, Tariff};
use crate::request::Request;

const CODE: &str = "1111";

/// What the form was filled in with.
struct Filled {
    phone: String,
    code: String,
    term: Option<String>,
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
pub(crate) fn serve(mokka: &Arc<Mokka>, token: &str, request: &Request) -> Answer {
    let Some(form) = mokka.forms.find(token) else { return nothing() };
    let filled = match request.method {
        Method::GET => None,
        Method::POST => Some(Filled::read(&request.body)),
        _ => return Answer::error(StatusCode::METHOD_NOT_ALLOWED, "the form takes GET and POST"),
    };
    let answer = match (form, filled) {
        (Form::Order(id), None) => mokka.order(&id, mokka.clock.now()).map(|order| view(&mokka.options.mokka_tariffs, &order)),
        (Form::Order(id), Some(filled)) => submit_order(mokka, &id, &filled),
        (Form::Registration(id), None) => mokka.registration(&id).map(|registration| view_registration(&registration)),
        (Form::Registration(id), Some(filled)) => submit_registration(mokka, &id, &filled),
    };
    answer.unwrap_or_else(nothing)
}

fn nothing() -> Answer {
    Answer::html(StatusCode::NOT_FOUND, page::unknown())
}

/// The form while it is open, the result afterwards.
fn view(tariffs: &[Tariff], order: &MokkaOrder) -> Answer {
    let phone = order.primary_phone.as_deref().unwrap_or_default();
    let open = order.status == MokkaStatus::Pending;
    let page = if open { page::form(order, tariffs, phone, None) } else { page::result(order) };
    Answer::html(StatusCode::OK, page)
}

fn view_registration(registration: &MokkaRegistration) -> Answer {
    let phone = registration.primary_phone.as_deref().unwrap_or_default();
    let open = registration.decision.is_none();
    let page = if open { page::registration(phone, None) } else { page::registered(registration) };
    Answer::html(StatusCode::OK, page)
}

fn submit_order(mokka: &Arc<Mokka>, order_id: &str, filled: &Filled) -> Option<Answer> {
    let (options, limits) = (&mokka.options, &mokka.limits);
    let (now, late) = (mokka.clock.now(), mokka.readings.is_other(Reading::LateForm));
    let prepaying = mokka.readings.is_other(Reading::PrepaymentOnForm);
    let (next, order) = mokka.with(order_id, now, |order| {
        if late && !filled.refused {
            order.reopen(now);
        }
        (fill_in(options, limits, order, filled, prepaying), order.clone())
    })?;
    let decided_now = match next {
        Next::Again(problem) => {
            let page = page::form(&order, &options.mokka_tariffs, &filled.phone, Some(problem));
            return Some(Answer::html(StatusCode::OK, page));
        }
        Next::Decided { now } => now,
    };
    let answer = if order.skip_result_page && order.status == MokkaStatus::Hold {
        Answer::see_other(order.redirect_url.clone())
    } else {
        view(&options.mokka_tariffs, &order)
    };
    if decided_now {
        // As at the real provider, the customer does not wait for the callback.
        let mokka = Arc::clone(mokka);
        tokio::spawn(async move {
            let said = order.granted();
            // The answer is noted with the order; there is no one here to tell.
            let _ = mokka.call_back(order, said, 1).await;
        });
    }
    Some(answer)
}

fn submit_registration(mokka: &Arc<Mokka>, order_id: &str, filled: &Filled) -> Option<Answer> {
    let (options, limits) = (&mokka.options, &mokka.limits);
    let (next, registration) = mokka.with_registration(order_id, |registration| {
        (fill_in_registration(options, limits, registration, filled), registration.clone())
    })?;
    match next {
        Next::Again(problem) => Some(Answer::html(StatusCode::OK, page::registration(&filled.phone, Some(problem)))),
        Next::Decided { now } => {
            let answer = view_registration(&registration);
            if now {
                let mokka = Arc::clone(mokka);
                tokio::spawn(async move {
                    // As above.
                    let _ = mokka.call_back_registration(registration, 1).await;
                });
            }
            Some(answer)
        }
    }
}

fn fill_in(options: &Options, limits: &Limits, order: &mut MokkaOrder, filled: &Filled, prepaying: bool) -> Next {
    if order.status != MokkaStatus::Pending {
        return Next::Decided { now: false };
    }
    if filled.refused {
        order.decline(Decision::Declined);
        return Next::Decided { now: true };
    }
    let phone = match filled.confirmed_phone() {
        Ok(phone) => phone,
        Err(problem) => return Next::Again(problem),
    };
    let Some(term) = filled.term(&options.mokka_tariffs, order) else {
        return Next::Again("Выберите срок из предложенных.");
    };
    if prepaying {
        order.prepay(PREPAYMENT_ON_FORM);
    }
    order.judge(limits.admit(options, &phone), term);
    order.primary_phone = Some(phone);
    Next::Decided { now: true }
}

fn fill_in_registration(options: &Options, limits: &Limits, registration: &mut MokkaRegistration, filled: &Filled) -> Next {
    if registration.decision.is_some() {
        return Next::Decided { now: false };
    }
    if filled.refused {
        registration.decline();
        return Next::Decided { now: true };
    }
    match filled.confirmed_phone() {
        Ok(phone) => {
            registration.judge(limits.admit(options, &phone));
            registration.primary_phone = Some(phone);
            Next::Decided { now: true }
        }
        Err(problem) => Next::Again(problem),
    }
}

impl Filled {
    fn read(body: &[u8]) -> Self {
        let mut fields: HashMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        Self {
            term: fields.remove("term"),
            refused: fields.get("action").is_some_and(|action| action == "decline"),
            phone: fields.remove("phone").unwrap_or_default(),
            code: fields.remove("code").unwrap_or_default(),
        }
    }

    /// The phone, if it is one and the code is right; otherwise what to tell the customer.
    fn confirmed_phone(&self) -> Result<String, &'static str> {
        let phone = ten_digits(&self.phone).ok_or("Укажите телефон: 10 цифр без кода страны.")?;
        if self.code.trim() == CODE { Ok(phone) } else { Err("Неверный код подтверждения.") }
    }

    /// The term chosen, if a tariff has it for this order; without a choice the usual one.
    fn term(&self, tariffs: &[Tariff], order: &MokkaOrder) -> Option<u32> {
        let Some(chosen) = &self.term else { return Some(order.term_or_usual(tariffs)) };
        let chosen: u32 = chosen.parse().ok()?;
        tariff::fitting(tariffs, order.kopecks()).map(|tariff| tariff.term).find(|term| *term == chosen)
    }
}

/// Ten digits, from whatever people type.
fn ten_digits(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    match digits.strip_prefix(['7', '8']) {
        Some(rest) if digits.len() == 11 => Some(rest.to_owned()),
        _ => is_phone(&digits).then_some(digits),
    }
}
