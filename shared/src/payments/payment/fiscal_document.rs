//! The fiscal document that Mokka wants when a hold is captured: a PDF with number, date, lines, amounts and total.
//!
//! Set in a monospaced font that is embedded (Cyrillic, with Kyrgyz and Kazakh letters), so that columns need no measuring.

use krilla::Document;
use krilla::geom::Point;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::text::{Font, TextDirection};

use super::data::Payment;
use super::order::Order;
use crate::payments::texts;
use crate::platform::clock::{MOSCOW, Timestamp};
use crate::platform::money::Money;

static FONT: &[u8] = include_bytes!("../../../assets/PTMono-Regular.ttf");

/// A4 in points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 45.0;
const FONT_SIZE: f32 = 9.0;
const LINE_HEIGHT: f32 = 13.0;
/// Characters in a line: the font is 0.6 em wide.
const COLUMNS: usize = 93;
const LINES_PER_PAGE: usize = 56;
/// Characters for the name in a line of the table.
const NAME_COLUMNS: usize = 52;

/// The document could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the fiscal document could not be made: {0}")]
pub struct FiscalDocumentError(String);

/// The number that the document carries: the shop's receipt number if there is one, else the payment's id.
#[must_use]
pub fn number<'a>(order: &'a Order, payment: &'a Payment) -> &'a str {
    order.check_number.as_deref().unwrap_or(payment.id.as_str())
}

/// The fiscal document of an order that `payment` pays, as PDF.
pub fn pdf(order: &Order, payment: &Payment, seller: &str, at: Timestamp) -> Result<Vec<u8>, FiscalDocumentError> {
    let font = Font::new(FONT.to_vec().into(), 0).ok_or_else(|| FiscalDocumentError("the font cannot be read".to_owned()))?;
    let mut document = Document::new();
    let title = format!("Товарный документ № {}", number(order, payment));
    document.set_metadata(Metadata::new().title(title).language("ru".to_owned()));
    for lines in text(order, payment, seller, at).chunks(LINES_PER_PAGE) {
        let settings =
            PageSettings::from_wh(PAGE.0, PAGE.1).ok_or_else(|| FiscalDocumentError("the page has no size".to_owned()))?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        let mut y = MARGIN + LINE_HEIGHT;
        for line in lines {
            surface.draw_text(Point::from_xy(MARGIN, y), font.clone(), FONT_SIZE, line, false, TextDirection::LeftToRight);
            y += LINE_HEIGHT;
        }
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|error| FiscalDocumentError(format!("{error:?}")))
}

/// The document's lines, each at most [`COLUMNS`] wide.
fn text(order: &Order, payment: &Payment, seller: &str, at: Timestamp) -> Vec<String> {
    let date = at.utc().to_offset(MOSCOW).date();
    let mut lines = vec![
        format!("Товарный документ № {}", printable(number(order, payment))),
        format!("от {:02}.{:02}.{:04}", date.day(), u8::from(date.month()), date.year()),
        String::new(),
    ];
    lines.extend(wrapped(&format!("Продавец: {}", printable(seller)), COLUMNS));
    let called = order.public_id.as_ref().unwrap_or(&order.id);
    lines.extend(wrapped(&format!("Заказ: {}", printable(called.as_str())), COLUMNS));
    lines.push(format!("Платёж: {}", payment.id));
    lines.push(String::new());
    lines.push(row("№", "Наименование", "Кол-во", "Цена", "Сумма"));
    lines.push("-".repeat(COLUMNS));
    for (index, line) in order.lines.iter().enumerate() {
        let price = line.price.map(Money::decimal).unwrap_or_default();
        let total = line.total().map(Money::decimal).unwrap_or_default();
        let mut name = wrapped(&printable(&line.name), NAME_COLUMNS).into_iter();
        let first = name.next().unwrap_or_default();
        lines.push(row(&(index + 1).to_string(), &first, &line.quantity.to_string(), &price, &total));
        lines.extend(name.map(|more| row("", &more, "", "", "")));
    }
    if let Some(delivery) = order.delivery.filter(|delivery| !delivery.is_zero()) {
        lines.push(row("", texts::DELIVERY, "", "", &delivery.decimal()));
    }
    let whole = payment.with_prepayment(payment.amount);
    if let Some(difference) = difference(order, whole) {
        lines.push(row("", "Скидки и надбавки по заказу", "", "", &difference));
    }
    lines.push("-".repeat(COLUMNS));
    lines.push(row("", "Итого", "", "", &whole.decimal()));
    if let Some(prepayment) = payment.prepayment() {
        lines.push(row("", "Предоплата", "", "", &prepayment.decimal()));
    }
    lines.push(String::new());
    lines.push(format!("Всего к оплате: {}", payment.amount));
    lines
}

/// What the lines and the delivery lack to the total, with its sign; nothing if they sum up, or some line has no price.
fn difference(order: &Order, total: Money) -> Option<String> {
    if order.lines.is_empty() {
        return None;
    }
    let delivery = order.delivery.map_or(0, Money::minor);
    let sum = order.lines.iter().try_fold(delivery, |sum, line| sum.checked_add(line.total()?.minor()))?;
    let difference = total.minor() - sum;
    let sign = if difference < 0 { "-" } else { "" };
    (difference != 0).then(|| format!("{sign}{}.{:02}", difference.abs() / 100, difference.abs() % 100))
}

fn row(number: &str, name: &str, quantity: &str, price: &str, total: &str) -> String {
    let line = format!("{number:<4}{name:<NAME_COLUMNS$} {quantity:>8}{price:>14}{total:>14}");
    line.trim_end().to_owned()
}

/// Characters that the font has; control characters become spaces, others that it lacks show as its box.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// Breaks at spaces where possible, inside words where not.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        let length = line.chars().count();
        if length > 0 && length + 1 + word.len() > columns {
            lines.push(std::mem::take(&mut line));
        } else if length > 0 {
            line.push(' ');
        }
        while word.len() > columns {
            let rest = word.split_off(columns);
            lines.push(word.into_iter().collect());
            word = rest;
        }
        line.extend(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payments::payment::{Choice, GatewayName, Known, Line, LineTax, PaymentMeans};
    use crate::platform::ids::{MethodId, OrderId, OrderUuid};
    use crate::platform::money::{Currency, Quantity};

    fn rub(minor: i64) -> Money {
        Money::from_minor(minor, Currency::Rub).unwrap()
    }

    fn order() -> Order {
        Order {
            uuid: OrderUuid::parse("u").unwrap(),
            id: OrderId::parse("1001").unwrap(),
            public_id: None,
            amount: Some(rub(1_000_000)),
            currency: Some(Currency::Rub),
            phone: None,
            email: None,
            name: None,
            lines: vec![
                Line {
                    sku: None,
                    name: "Чайник «Өзгөн» с очень длинным названием, которое не помещается в одну строку таблицы".to_owned(),
                    quantity: Quantity::parse("2").unwrap(),
                    price: Some(rub(450_000)),
                    subtotal: None,
                    brand: None,
                    category: None,
                    tax: LineTax::default(),
                },
                Line {
                    sku: None,
                    name: "Чай".to_owned(),
                    quantity: Quantity::parse("0.25").unwrap(),
                    price: Some(rub(200_000)),
                    subtotal: Some(rub(50_000)),
                    brand: None,
                    category: None,
                    tax: LineTax::default(),
                },
            ],
            delivery: Some(rub(30_000)),
            known: Known::default(),
            install_id: None,
            check_number: None,
            check_link: None,
            said_at: Timestamp::from_millis(0),
            cart: None,
            person_until: None,
            erasure_asked: false,
            latest_payment: None,
            attempts: 0,
            earlier_ids: Vec::new(),
            found_as: None,
            recorded_at: None,
            version: 1,
        }
    }

    fn payment(order: &Order) -> Payment {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let choice = Choice {
            method: MethodId::parse("mokka").unwrap(),
            provider: GatewayName::MOKKA,
            means: PaymentMeans::Card,
            two_stage: true,
            return_url: None,
            valid_till: now,
        };
        Payment::open(order, 1, rub(1_000_000), choice, now)
    }

    #[test]
    fn the_document_sums_up_to_the_total() {
        let order = order();
        let lines = text(&order, &payment(&order), "Магазин «Ромашка»", Timestamp::from_millis(1_700_000_000_000));
        insta::assert_snapshot!(lines.join("\n"));
        assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS), "{lines:#?}");
    }

    #[test]
    fn a_document_without_prices_claims_no_difference() {
        let mut order = order();
        order.lines[0].price = None;
        assert_eq!(difference(&order, rub(1)), None);
        order.lines.clear();
        assert_eq!(difference(&order, rub(1)), None);
    }

    #[test]
    fn hostile_names_and_many_lines_make_a_pdf_of_several_pages() {
        let mut order = order();
        for name in ["", "\u{0}\u{7}\n", &"ы".repeat(5000), "🍵 مرحبا", "%PDF"] {
            order.lines.push(Line { name: name.to_owned(), ..order.lines[1].clone() });
        }
        let pdf = pdf(&order, &payment(&order), "Магазин", Timestamp::from_millis(0)).unwrap();
        assert!(pdf.starts_with(b"%PDF"));
        assert!(pdf.len() < 200_000, "the font is embedded as a subset: {}", pdf.len());
    }
}
