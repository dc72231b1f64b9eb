//! The page behind `confirmation_url`, which a code of SBP has as well: the customer pays by a test card or in the bank's app,
//! confirms at the bank, or leaves.

use std::collections::HashMap;

use hyper::{Method, StatusCode};

use super::cards::{self, Card, CardOutcome, FAILED_3DS, GENERAL};
use super::methods::YookassaMethod;
use super::page;
use super::payment::{Payment, Stage, State};
use super::setting::Setting;
use super::state::{Books, Yookassa};
use crate::answer::Answer;
use crate::request::Request;

/// Answers `/yookassa/page/{token}`.
pub(crate) fn serve(yookassa: &Yookassa, token: &str, request: &Request) -> Answer {
    yookassa.with(|books, setting| {
        let id = books.payments.iter().find(|payment| payment.token == token).map(|payment| payment.id.clone());
        let answer = match request.method {
            Method::GET => id.and_then(|id| books.payments.find(&id)).map(|payment| view(payment, setting, None)),
            Method::POST => id.and_then(|id| submit(books, setting, &id, &Filled::read(&request.body))),
            _ => return Answer::error(StatusCode::METHOD_NOT_ALLOWED, "the page takes GET and POST"),
        };
        answer.unwrap_or_else(|| Answer::html(StatusCode::NOT_FOUND, page::unknown()))
    })
}

/// What the page shows of where the payment stands.
fn view(payment: &Payment, setting: &Setting<'_>, problem: Option<&str>) -> Answer {
    let page = match &payment.state {
        State::Pending(Stage::Page) => page::choice(payment, &payment.choice(setting), problem),
        State::Pending(Stage::Confirming) => page::bank(payment, problem),
        State::Pending(Stage::Processing) if payment.method.is_some_and(YookassaMethod::is_app) => page::app_waiting(payment),
        State::Pending(Stage::Processing) => page::waiting(payment),
        State::Held | State::Succeeded | State::Canceled(_) => page::result(payment),
    };
    Answer::html(StatusCode::OK, page)
}

fn submit(books: &mut Books, setting: &Setting<'_>, id: &str, filled: &Filled) -> Option<Answer> {
    let payment = books.payments.find_mut(id)?;
    let was_pending = payment.is_pending();
    let by_card = payment.choice(setting).contains(&YookassaMethod::BankCard);
    let problem = match &payment.state {
        State::Pending(Stage::Page) if filled.action == "pay" && by_card => pay(payment, setting, filled).err(),
        State::Pending(Stage::Confirming) => confirm(payment, setting, filled).err(),
        State::Pending(Stage::Page | Stage::Processing) => {
            decide_in_app(payment, setting, filled);
            None
        }
        // A page that is open in two windows: the other one was first.
        State::Held | State::Succeeded | State::Canceled(_) => None,
    };
    let paid = matches!(payment.state, State::Held | State::Succeeded);
    let back = payment.confirmation.as_ref().and_then(|how| how.return_url.clone()).filter(|_| paid);
    let answer = back.map_or_else(|| view(payment, setting, problem), Answer::see_other);
    // Only what this form has decided is news.
    if was_pending && !payment.is_pending() {
        books.watch(id);
        books.announce(id, setting);
    }
    Some(answer)
}

fn pay(payment: &mut Payment, setting: &Setting<'_>, filled: &Filled) -> Result<(), &'static str> {
    let (card, outcome) = filled.card(setting)?;
    payment.card = Some(card);
    payment.method = Some(YookassaMethod::BankCard);
    let enforced = payment.confirmation.as_ref().is_some_and(|how| how.enforce);
    match outcome {
        CardOutcome::Declines(reason) => payment.cancel(reason),
        CardOutcome::Asks3ds => payment.state = State::Pending(Stage::Confirming),
        CardOutcome::Pays if enforced => payment.state = State::Pending(Stage::Confirming),
        CardOutcome::Pays => payment.pay((!payment.capture).then(|| setting.hold()), setting.now),
    }
    Ok(())
}

/// The customer pays in an app, the bank refuses, or takes its time. What has begun in one way ends in it.
fn decide_in_app(payment: &mut Payment, setting: &Setting<'_>, filled: &Filled) {
    let begun = payment.method.filter(|_| payment.state == State::Pending(Stage::Processing));
    let choice = payment.choice(setting);
    let only = choice.first().copied().filter(|_| choice.len() == 1);
    let method = begun.or_else(|| YookassaMethod::named(&filled.method)).or(only);
    let Some(method) = method.filter(|method| method.is_app() && choice.contains(method)) else { return };
    match filled.action.as_str() {
        "bank_pays" => {
            payment.method = Some(method);
            payment.pay((!payment.capture).then(|| setting.hold()), setting.now);
        }
        "bank_refuses" => {
            payment.method = Some(method);
            payment.cancel(GENERAL);
        }
        "bank_later" => {
            payment.method = Some(method);
            payment.state = State::Pending(Stage::Processing);
        }
        _ => {}
    }
}

fn confirm(payment: &mut Payment, setting: &Setting<'_>, filled: &Filled) -> Result<(), &'static str> {
    match filled.action.as_str() {
        "confirm" if filled.code.is_empty() => return Err("Введите код"),
        "confirm" => {
            payment.confirmed_at_bank = true;
            payment.pay((!payment.capture).then(|| setting.hold()), setting.now);
        }
        "refuse" => payment.cancel(FAILED_3DS),
        _ => {}
    }
    Ok(())
}

/// What the page was filled in with.
struct Filled {
    action: String,
    number: String,
    expiry: String,
    csc: String,
    code: String,
    /// In which way, where there are several.
    method: String,
}

impl Filled {
    fn read(body: &[u8]) -> Self {
        let mut fields: HashMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        let mut take = |name: &str| fields.remove(name).unwrap_or_default().trim().to_owned();
        Self {
            action: take("action"),
            number: take("number").replace(' ', ""),
            expiry: take("expiry"),
            csc: take("csc"),
            code: take("code"),
            method: take("method"),
        }
    }

    /// The card, if it is one of the test cards and its month is not over.
    fn card(&self, setting: &Setting<'_>) -> Result<(Card, CardOutcome), &'static str> {
        let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        let known = cards::all().find(|(number, _)| *number == self.number);
        let (number, outcome) = known.ok_or("Здесь принимаются только карты из списка")?;
        let (month, year) = self.expiry.split_once('/').unwrap_or_default();
        let (month, year) = (month.trim(), year.trim());
        let whole_year = if digits(year, 2) { format!("20{year}") } else { year.to_owned() };
        let numbers =
            (digits(month, 2) && digits(&whole_year, 4)).then(|| Some((month.parse::<u8>().ok()?, whole_year.parse().ok()?)));
        let (ends_month, ends_year): (u8, i32) =
            numbers.flatten().filter(|(month, _)| (1..=12).contains(month)).ok_or("Срок — ММ/ГГ")?;
        if (ends_year, ends_month) < (setting.now.year(), u8::from(setting.now.month())) {
            return Err("Срок карты истёк");
        }
        if !digits(&self.csc, 3) {
            return Err("CVC — три цифры");
        }
        let card = Card::new(number, month, &whole_year).ok_or("Здесь принимаются только карты из списка")?;
        Ok((card, outcome))
    }
}
