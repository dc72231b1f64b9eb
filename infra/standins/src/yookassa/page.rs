//! The page's looks: small, for a phone, in Russian, and plainly not the real YooKassa.

use std::fmt::Write as _;

use super::cards::{self, CardOutcome};
use super::confirmed::sbp_link;
use super::methods::YookassaMethod;
use super::payment::{Payment, State};
use crate::index::escape;

const TITLE: &str = "ЮKassa — учебная страница песочницы";
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:0 auto;padding:1rem;color:#222}\
h1{font-size:1.25rem}label{display:block;margin:1rem 0}\
input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.6rem;border:1px solid #888;border-radius:.4rem}\
button,.back{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.8rem;margin:.6rem 0;border:0;border-radius:.4rem;\
background:#1f4e9e;color:#fff;text-align:center;text-decoration:none}\
button.plain,.back.plain{background:#eee;color:#222}.note{background:#fff4d6;padding:.6rem;border-radius:.4rem}\
.code{overflow-wrap:anywhere;font-family:monospace}.problem{background:#fde2e2;padding:.6rem;border-radius:.4rem}table{font-size:.9rem}td{padding-right:.8rem}";

fn page(content: &str) -> String {
    format!(
        "<!doctype html><html lang=\"ru\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{TITLE}</title>\
<style>{STYLE}</style></head><body><h1>{TITLE}</h1>\
<p class=\"note\">Это не сервис ЮKassa: деньги не списываются, данные никуда не передаются.</p>{content}</body></html>"
    )
}

fn what(payment: &Payment) -> String {
    let description = payment.description.as_deref().unwrap_or("Оплата");
    format!("<p>{} на сумму <b>{} ₽</b></p>", escape(description), payment.amount)
}

/// The link back to the shop, which is told nothing by it.
fn back(payment: &Payment, text: &str, class: &str) -> String {
    let address = payment.confirmation.as_ref().and_then(|how| how.return_url.as_deref());
    address.map_or_else(String::new, |url| format!("<a class=\"{class}\" href=\"{}\">{text}</a>", escape(url)))
}

/// The page of a payment that is not paid yet: the ways in which the customer can pay it.
pub(super) fn choice(payment: &Payment, choice: &[YookassaMethod], problem: Option<&str>) -> String {
    let ways = choice.iter().map(|method| match method {
        YookassaMethod::BankCard | YookassaMethod::ApplePay => cards(problem),
        YookassaMethod::YooMoney => app(*method, "Кошелёк ЮMoney", "Заплатить из кошелька", ""),
        YookassaMethod::SberPay => app(*method, "SberPay", "Заплатить в приложении Сбербанка", ""),
        YookassaMethod::Sbp => {
            let link =
                format!("<p>Ссылка, которую открывает приложение банка:</p><p class=\"code\">{}</p>", escape(&sbp_link(payment)));
            app(*method, "Система быстрых платежей", "Заплатить в банке", &link)
        }
    });
    page(&format!("{}{}{}", what(payment), ways.collect::<String>(), back(payment, "Вернуться в магазин", "back plain")))
}

/// The form for a card.
fn cards(problem: Option<&str>) -> String {
    let problem = problem.map_or_else(String::new, |text| format!("<p class=\"problem\" role=\"alert\">{}</p>", escape(text)));
    let mut rows = String::new();
    for (number, outcome) in cards::all() {
        let outcome = match outcome {
            CardOutcome::Pays => "оплата",
            CardOutcome::Asks3ds => "оплата с 3-D Secure",
            CardOutcome::Declines(reason) => reason,
        };
        // Writing to a String cannot fail.
        let _ = write!(rows, "<tr><td>{number}</td><td>{outcome}</td></tr>");
    }
    format!(
        "<h2>Банковская карта</h2>{problem}<form method=\"post\">\
<label>Номер карты<input name=\"number\" inputmode=\"numeric\" autocomplete=\"off\"></label>\
<label>Срок, ММ/ГГ<input name=\"expiry\" autocomplete=\"off\"></label>\
<label>CVC<input name=\"csc\" inputmode=\"numeric\" autocomplete=\"off\"></label>\
<button name=\"action\" value=\"pay\">Заплатить</button></form>\
<p>Карты для проверки, срок и CVC любые:</p><table>{rows}</table>"
    )
}

/// A way to pay that needs no card here, since the customer pays in an app.
fn app(method: YookassaMethod, title: &str, pay: &str, more: &str) -> String {
    let name = method.name();
    format!(
        "<h2>{title}</h2>{more}<form method=\"post\"><input type=\"hidden\" name=\"method\" value=\"{name}\">\
<button name=\"action\" value=\"bank_pays\">{pay}</button>\
<button name=\"action\" value=\"bank_refuses\" class=\"plain\">Банк отказывает</button>\
<button name=\"action\" value=\"bank_later\" class=\"plain\">Банк ответит позже</button></form>"
    )
}

/// The page of the card's bank.
pub(super) fn bank(payment: &Payment, problem: Option<&str>) -> String {
    let problem = problem.map_or_else(String::new, |text| format!("<p class=\"problem\" role=\"alert\">{}</p>", escape(text)));
    page(&format!(
        "<h2>Банк: подтвердите платёж</h2>{}{problem}<form method=\"post\">\
<label>Код из SMS (любой)<input name=\"code\" inputmode=\"numeric\" autocomplete=\"off\"></label>\
<button name=\"action\" value=\"confirm\">Подтвердить</button>\
<button name=\"action\" value=\"refuse\" class=\"plain\">Отказаться</button></form>",
        what(payment),
    ))
}

/// The bank has not answered a payment in its app: here a person lets it.
pub(super) fn app_waiting(payment: &Payment) -> String {
    page(&format!(
        "{}<p>Банк ещё не ответил.</p><form method=\"post\">\
<button name=\"action\" value=\"bank_pays\">Банк отвечает: оплачено</button>\
<button name=\"action\" value=\"bank_refuses\" class=\"plain\">Банк отказывает</button></form>{}",
        what(payment),
        back(payment, "Вернуться в магазин", "back plain"),
    ))
}

/// The bank has not answered.
pub(super) fn waiting(payment: &Payment) -> String {
    page(&format!("{}<p>Банк ещё не ответил.</p>{}", what(payment), back(payment, "Вернуться в магазин", "back")))
}

/// What became of it.
pub(super) fn result(payment: &Payment) -> String {
    let said = match &payment.state {
        State::Canceled(details) => format!("Платёж не прошёл: {}", escape(&details.reason)),
        State::Pending(_) | State::Held | State::Succeeded => "Оплачено".to_owned(),
    };
    page(&format!("{}<p>{said}</p>{}", what(payment), back(payment, "Вернуться в магазин", "back")))
}

/// No payment has this page.
pub(super) fn unknown() -> String {
    page("<p>Такого платежа нет.</p>")
}
