//! What a customer reads about an order and its payment, in Russian. What changes is filled in by the functions below.

use time::{Date, Duration, Month, Time};

use crate::platform::money::{Currency, Money, Quantity};

/// The order is not known here (yet).
pub const ORDER_UNKNOWN: &str =
    "Заказ ещё не передан в систему оплаты. Попробуйте ещё раз через минуту или обратитесь в магазин.";
/// `orderId` is not the id of the order `orderUuid`.
pub const ORDER_MISMATCH: &str = "Номер заказа не совпадает с оформленным заказом. Оплата не начата, обратитесь в магазин.";
/// The shop gave the same id to another order, which has a payment.
pub const ORDER_ID_TAKEN: &str =
    "Номер этого заказа уже занят другим заказом, поэтому оплатить его нельзя. Обратитесь в магазин.";
/// The order was recorded without an amount.
pub const ORDER_WITHOUT_AMOUNT: &str =
    "Сумма заказа ещё не подтверждена магазином, поэтому оплатить его пока нельзя. Обратитесь в магазин.";
/// The amount is zero.
pub const NOTHING_TO_PAY: &str = "Сумма заказа равна нулю: оплачивать нечего.";
/// The order's currency is not the provider's.
pub const CURRENCY_NOT_SUPPORTED: &str = "Этот способ оплаты не принимает валюту заказа. Выберите другой способ оплаты.";
/// The order has been paid.
pub const ALREADY_PAID: &str = "Заказ уже оплачен.";
/// The money was given back.
pub const REFUNDED: &str = "Деньги по этому платежу возвращены.";
/// The order is paid; in the status event.
pub const ORDER_PAID: &str = "Заказ оплачен.";
/// The order was not paid; in the status event.
pub const ORDER_NOT_PAID: &str = "Заказ не оплачен. Попробуйте оплатить ещё раз.";
/// Another request is creating this payment right now.
pub const PAYMENT_IN_PROGRESS: &str = "Платёж уже создаётся. Попробуйте ещё раз через несколько секунд.";
/// The money is held, its capture is not confirmed yet.
pub const PAYMENT_PROCESSING: &str = "Платёж по этому заказу уже обрабатывается. Подождите немного и проверьте заказ.";
/// The payment provider could not be reached.
pub const PROVIDER_UNAVAILABLE: &str =
    "Платёжный сервис временно не отвечает. Деньги не списаны, попробуйте ещё раз через минуту.";
/// The provider cannot be asked whether an attempt that was shown has been paid.
pub const PAYMENT_UNCERTAIN: &str = "Сейчас нельзя узнать, оплачен ли заказ: платёжный сервис временно не отвечает. Не платите другим способом, попробуйте ещё раз через минуту.";
/// The provider says another amount or order than ours.
pub const PAYMENT_MISMATCH: &str =
    "Данные платежа не совпали с заказом. Мы уже разбираемся; не платите ещё раз, обратитесь в магазин.";
/// The way to pay is not one of the configured ones.
pub const METHOD_UNKNOWN: &str = "Такого способа оплаты нет. Выберите другой способ оплаты.";
/// The shop's rules do not offer the way to pay for this order.
pub const METHOD_NOT_OFFERED: &str = "Этот способ оплаты недоступен для этого заказа. Выберите другой способ оплаты.";
/// The way to pay needs no online payment (cash).
pub const METHOD_NOT_ONLINE: &str = "Этот способ не требует оплаты в приложении.";
/// Apple Pay and Google Pay need a card gateway.
pub const WALLET_NOT_CONFIGURED: &str = "Оплата через Apple Pay и Google Pay не подключена. Выберите другой способ оплаты.";
/// The command is none of create, applepay, androidpay, capture.
pub const COMMAND_UNKNOWN: &str = "Неизвестная команда. Ожидается create, applepay, androidpay или capture.";
/// No such payment.
pub const PAYMENT_UNKNOWN: &str = "Платёж не найден.";
/// The provider declined.
pub const DECLINED: &str = "В оплате отказано. Выберите другой способ оплаты.";
/// The customer or the shop canceled.
pub const CANCELED: &str = "Платёж отменён. Попробуйте оплатить ещё раз.";
/// The time to pay ran out.
pub const EXPIRED: &str = "Время на оплату истекло. Попробуйте оплатить ещё раз.";
/// Mokka 33: the amount is outside the tariff.
pub const MOKKA_AMOUNT: &str = "Сумма заказа не подходит для оплаты частями. Выберите другой способ оплаты.";
/// Mokka 71: not enough limit.
pub const MOKKA_LIMIT: &str = "Доступного лимита не хватает для этого заказа. Выберите другой способ оплаты.";
/// Mokka 70: the customer gave another phone than the order's.
pub const MOKKA_PHONE: &str =
    "Для оплаты нужен номер телефона, указанный в заказе. Оформите заказ с ним или выберите другой способ оплаты.";
/// Not enough money on the card.
pub const CARD_FUNDS: &str = "На карте недостаточно средств. Попробуйте другую карту или выберите другой способ оплаты.";
/// The card's number, term or code is wrong.
pub const CARD_DATA: &str = "Проверьте номер, срок и код карты и попробуйте ещё раз, или возьмите другую карту.";
/// The customer did not confirm the payment with the bank.
pub const CARD_NOT_CONFIRMED: &str = "Банк не получил подтверждения платежа. Попробуйте ещё раз или возьмите другую карту.";
/// The card's limit is used up.
pub const CARD_LIMIT: &str = "Превышен лимит карты. Попробуйте другую карту или выберите другой способ оплаты.";
/// The bank allows no such payment.
pub const CARD_BANK: &str = "Банк отклонил платёж. Попробуйте другую карту или обратитесь в свой банк.";
/// The bank did not answer.
pub const CARD_BANK_SILENT: &str = "Банк не ответил вовремя. Попробуйте ещё раз через минуту или возьмите другую карту.";
/// The provider refused for a reason that the shop has to mend.
pub const METHOD_TEMPORARILY_OFF: &str = "Этот способ оплаты временно недоступен. Выберите другой способ оплаты.";
/// The law wants a fiscal receipt, and there is nowhere to send it.
pub const RECEIPT_WITHOUT_CONTACT: &str =
    "Для оплаты нужен электронный адрес или телефон: на него придёт чек. Укажите его в заказе или выберите другой способ оплаты.";

/// The shop's order system could not be reached.
pub const SHOP_ORDERS_UNAVAILABLE: &str = "Магазин сейчас не может принять заказ. Попробуйте ещё раз через минуту.";

/// Landing page: paid.
pub const PAGE_PAID: (&str, &str) = ("Оплата прошла", "Спасибо! Заказ оплачен, можно вернуться в приложение.");
/// Landing page: not decided yet.
pub const PAGE_WAITING: (&str, &str) =
    ("Проверяем оплату", "Это займёт немного времени. Вернитесь в приложение: там появится результат.");
/// Landing page: not paid.
pub const PAGE_FAILED: (&str, &str) =
    ("Оплата не прошла", "Деньги не списаны. Вернитесь в приложение и попробуйте ещё раз или выберите другой способ.");
/// Another way to pay is under way for this order, and takes its money at once until that time.
#[must_use]
pub fn other_method_until(until: Time) -> String {
    let (hour, minute, _) = until.as_hms();
    format!("По заказу уже начата оплата другим способом. Завершите её или выберите другой способ после {hour:02}:{minute:02}.")
}

/// The goods of an order whose shop has named none, in Mokka's cart.
#[must_use]
pub fn order_as_goods(order_id: &str) -> String {
    format!("Заказ {order_id}")
}

/// A line that has no name.
pub const GOODS: &str = "Товар";

/// The line of the delivery.
pub const DELIVERY: &str = "Доставка";

/// Goods that are not sold in pieces, or whose pieces have no even price: how much of them a line is.
#[must_use]
pub fn amount_of_goods(name: &str, quantity: Quantity) -> String {
    format!("{name} × {}", quantity.to_string().replace('.', ","))
}

/// The line that stands for the last lines of an order that has too many.
#[must_use]
pub fn more_lines(count: usize) -> String {
    format!("Ещё строк: {count}")
}

/// The landing page of a customer who left the provider's page, as far as is known without paying.
pub const PAGE_LEFT: (&str, &str) = (
    "Оплата не завершена",
    "Подтверждения оплаты пока нет. Вернитесь в приложение: там видно, оплачен ли заказ, и можно попробовать ещё раз.",
);
/// The landing page of a payment that was given back.
pub const PAGE_REFUNDED: (&str, &str) = ("Деньги возвращены", "Оплата этого заказа возвращена. Вернитесь в приложение.");
/// The link back.
pub const PAGE_BACK: &str = "Вернуться в приложение";

/// So much of the order's money was given back by now; in the status event.
#[must_use]
pub fn partially_refunded(amount: Money) -> String {
    format!("Возвращено {}.", price(amount))
}

/// The line over a plan of instalments: what it costs on top, and how long it takes.
#[must_use]
pub fn instalments(overpayment: Money, months: u32) -> String {
    let months = format!("{months} {}", plural(months, ["месяц", "месяца", "месяцев"]));
    if overpayment.is_zero() {
        format!("Без переплат. На {months}")
    } else {
        format!("Переплата {}. На {months}", price(overpayment))
    }
}

/// What a provider grants this customer.
#[must_use]
pub fn available(limit: Money) -> String {
    format!("Вам доступно {}", price(limit))
}

/// A line with one more sentence.
#[must_use]
pub fn joined(first: Option<&str>, second: &str) -> String {
    first.map_or_else(|| second.to_owned(), |first| format!("{}. {second}", first.trim_end_matches('.')))
}

/// An amount as people read it: `2 333,00 ₽`, with spaces that no line is broken at.
#[must_use]
pub fn price(money: Money) -> String {
    let (whole, hundredths) = (money.minor() / 100, money.minor() % 100);
    let digits = whole.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    let currency = match money.currency() {
        Currency::Amd => "֏",
        Currency::Byn => "Br",
        Currency::Eur => "€",
        Currency::Kgs => "сом",
        Currency::Kzt => "₸",
        Currency::Rub => "₽",
        Currency::Usd => "$",
        Currency::Uzs => "сум",
    };
    format!("{text},{hundredths:02}\u{a0}{currency}")
}

/// A day as people read it: `Сегодня`, `12 дек.`, and with its year if that is a year away.
#[must_use]
pub fn day(date: Date, today: Date) -> String {
    if date == today {
        return "Сегодня".to_owned();
    }
    let month = match date.month() {
        Month::January => "янв.",
        Month::February => "февр.",
        Month::March => "марта",
        Month::April => "апр.",
        Month::May => "мая",
        Month::June => "июня",
        Month::July => "июля",
        Month::August => "авг.",
        Month::September => "сент.",
        Month::October => "окт.",
        Month::November => "нояб.",
        Month::December => "дек.",
    };
    let far = date - today >= Duration::days(364);
    if far { format!("{} {month} {}", date.day(), date.year()) } else { format!("{} {month}", date.day()) }
}

/// The word's form after this number: of one, of two to four, of more.
fn plural(number: u32, [one, few, many]: [&'static str; 3]) -> &'static str {
    match (number % 10, number % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn prices_and_days_are_written_as_people_read_them() {
        let price = |minor, currency| price(Money::from_minor(minor, currency).unwrap()).replace('\u{a0}', "_");
        assert_eq!(price(233_300, Currency::Rub), "2_333,00_₽");
        assert_eq!(price(5, Currency::Kgs), "0,05_сом");
        assert_eq!(price(99_999, Currency::Kzt), "999,99_₸");
        assert_eq!(price(100_000_000, Currency::Uzs), "1_000_000,00_сум");
        let day = |date| day(date, date!(2026 - 11 - 22));
        assert_eq!(day(date!(2026 - 11 - 22)), "Сегодня");
        assert_eq!(day(date!(2026 - 12 - 12)), "12 дек.");
        assert_eq!(day(date!(2027 - 05 - 01)), "1 мая");
        assert_eq!(day(date!(2027 - 11 - 22)), "22 нояб. 2027");
    }

    #[test]
    fn instalments_are_described_by_their_numbers() {
        let text = |minor, months| instalments(Money::from_minor(minor, Currency::Rub).unwrap(), months).replace('\u{a0}', "_");
        assert_eq!(text(0, 1), "Без переплат. На 1 месяц");
        assert_eq!(text(200_001, 3), "Переплата 2_000,01_₽. На 3 месяца");
        assert_eq!(text(0, 12), "Без переплат. На 12 месяцев");
        assert_eq!(text(0, 24), "Без переплат. На 24 месяца");
    }
}
