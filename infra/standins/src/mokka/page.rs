//! The form's pages: small, for a phone, in Russian, and plainly not the real Mokka.

use std::fmt::Write as _;

use super::order::{Decision, MokkaOrder, MokkaStatus};
use super::registered::MokkaRegistration;
use super::tariff;
use crate::index::escape;
use crate::options::Tariff;

const TITLE: &str = "Мокка — учебная форма песочницы";
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:0 auto;padding:1rem;color:#222}\
h1{font-size:1.25rem}label{display:block;margin:1rem 0}\
input,select{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.6rem;border:1px solid #888;border-radius:.4rem}\
button,.back{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.8rem;margin:.6rem 0;border:0;border-radius:.4rem;\
background:#1a6b3c;color:#fff;text-align:center;text-decoration:none}\
button.plain{background:#eee;color:#222}.note{background:#fff4d6;padding:.6rem;border-radius:.4rem}\
.problem{background:#fde2e2;padding:.6rem;border-radius:.4rem}";

fn page(content: &str) -> String {
    format!(
        "<!doctype html><html lang=\"ru\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{TITLE}</title>\
<style>{STYLE}</style></head><body><h1>{TITLE}</h1>\
<p class=\"note\">Это не сервис Мокка: деньги не списываются, данные никуда не передаются.</p>{content}</body></html>"
    )
}

fn order_line(order: &MokkaOrder) -> String {
    format!("<p>Заказ <b>{}</b> на сумму <b>{} ₽</b></p>", escape(&order.order_id), escape(&order.amount))
}

/// The form, filled in as far as it is known.
pub(super) fn form(order: &MokkaOrder, tariffs: &[Tariff], phone: &str, problem: Option<&str>) -> String {
    let chosen = order.term_or_usual(tariffs);
    let mut terms = String::new();
    for term in tariff::fitting(tariffs, order.kopecks()).map(|tariff| tariff.term) {
        let selected = if term == chosen { " selected" } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(terms, "<option value=\"{term}\"{selected}>{term} мес.</option>");
    }
    page(&format!(
        "{order_line}{problem}<form method=\"post\">{confirmation}\
<label>Срок рассрочки<select name=\"term\">{terms}</select></label>\
<button name=\"action\" value=\"approve\">Оформить</button>\
<button name=\"action\" value=\"decline\" class=\"plain\">Отказаться</button></form>\
<p>Телефоны для проверки: 88821… — отказ, 88822… — отказ по этому заказу, остальные — одобрение.</p>",
        order_line = order_line(order),
        problem = problem_line(problem),
        confirmation = confirmation(phone),
    ))
}

fn problem_line(problem: Option<&str>) -> String {
    problem.map_or_else(String::new, |text| format!("<p class=\"problem\" role=\"alert\">{}</p>", escape(text)))
}

/// The fields that every form has.
fn confirmation(phone: &str) -> String {
    format!(
        "<label>Телефон, 10 цифр\
<input name=\"phone\" type=\"tel\" inputmode=\"tel\" autocomplete=\"off\" value=\"{}\"></label>\
<label>Код из SMS (в песочнице всегда 1111)\
<input name=\"code\" inputmode=\"numeric\" autocomplete=\"off\"></label>",
        escape(phone)
    )
}

/// The form of a registration: no order, only the customer.
pub(super) fn registration(phone: &str, problem: Option<&str>) -> String {
    page(&format!(
        "<p>Узнайте сумму, доступную для оплаты частями.</p>{problem}<form method=\"post\">{confirmation}\
<button name=\"action\" value=\"approve\">Получить лимит</button>\
<button name=\"action\" value=\"decline\" class=\"plain\">Отказаться</button></form>\
<p>Телефоны для проверки: 88821… — отказ, остальные — одобрение.</p>",
        problem = problem_line(problem),
        confirmation = confirmation(phone),
    ))
}

/// What became of the registration, with the way back to the shop.
pub(super) fn registered(registration: &MokkaRegistration) -> String {
    let text = match registration.decision {
        Some(Decision::Approved) => format!("Лимит одобрен: {} ₽.", escape(&registration.amount)),
        Some(Decision::Declined) => "Лимит не одобрен.".to_owned(),
        None => "Оформление ещё не закончено.".to_owned(),
    };
    page(&format!("<p>{text}</p>{}", way_back(&registration.redirect_url)))
}

fn way_back(redirect_url: &str) -> String {
    format!("<a class=\"back\" href=\"{}\">Вернуться в интернет-магазин</a>", escape(redirect_url))
}

/// What became of the order, with the way back to the shop.
pub(super) fn result(order: &MokkaOrder) -> String {
    let text = match &order.status {
        MokkaStatus::Pending => "Оформление ещё не закончено.",
        MokkaStatus::Hold => "Рассрочка оформлена. Магазин подтвердит заказ.",
        MokkaStatus::Finished => "Заказ подтверждён магазином.",
        MokkaStatus::Canceled => "Заказ отменён.",
        MokkaStatus::Declined => "Оплатить этот заказ частями не получится.",
        MokkaStatus::Refunded => "Деньги за заказ возвращены.",
        MokkaStatus::Expired => "Время на оформление этого заказа истекло.",
        MokkaStatus::Other(_) => "Состояние заказа неизвестно.",
    };
    page(&format!("{}<p>{text}</p>{}", order_line(order), way_back(&order.redirect_url)))
}

/// A form that no order has, or has no more.
pub(super) fn unknown() -> String {
    page("<p class=\"problem\">Такой формы нет: ссылка неверна или заменена новой.</p>")
}
