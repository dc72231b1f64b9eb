//! What an accepted order costs: only numbers of the shop's answer are charged, and only if nothing about them is in doubt.

use shared::payments::imshop::orders::{AnsweredOrder, Order as Requested};
use shared::payments::payment::{Line, Order, Prepayment};
use shared::platform::env::parse_url;
use shared::platform::ids::OrderUuid;
use shared::platform::money::{Currency, Money};
use shared::platform::wire::Lenient;

/// What is agreed with the shop about the amounts of its answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Of an order that names no currency.
    pub(crate) default_currency: Currency,
    /// Whether an order's `price` contains its `deliveryPrice`.
    pub(crate) price_includes_delivery: bool,
}

impl Terms {
    /// The currency of an order: the answer's, else the request's, else the default. Nothing if it is said and the code does not know it:
    /// what is unreadable never becomes the default.
    pub(crate) fn currency(self, requested: &Requested, answered: &AnsweredOrder) -> Option<Currency> {
        match answered.currency.as_ref().or(requested.currency.as_ref()) {
            Some(said) => said.0.as_deref().and_then(|code| Currency::parse(code).ok()),
            None => Some(self.default_currency),
        }
    }

    /// The amount, or the field of the answer that leaves it in doubt. An order in an unknown currency has none.
    pub(crate) fn amount(
        self,
        requested: &Requested,
        answered: &AnsweredOrder,
        lines: &[Line],
        currency: Option<Currency>,
    ) -> Result<Money, &'static str> {
        let currency = currency.ok_or("currency")?;
        // The request's price of the delivery is for reference only, as all its numbers.
        let delivery = match &answered.delivery_price {
            Some(said) => said.0.map(|delivery| Money::new(delivery, currency)).ok_or("deliveryPrice"),
            None => Money::from_minor(0, currency).map_err(|_| "deliveryPrice"),
        };
        let Some(said) = &answered.price else {
            // What the points are worth is known to the shop alone: its lines are charged only if none were spent.
            if spends_bonuses(requested) {
                return Err("price, which the order's bonuses are taken off");
            }
            let sum = goods(lines, answered, currency).ok_or("price, items[].subtotal")?;
            return sum.plus(delivery?).map_err(|_| "items[].subtotal");
        };
        let price = Money::new(said.0.ok_or("price")?, currency);
        self.compare(&requested.uuid, price, goods(lines, answered, currency), delivery.ok());
        if self.price_includes_delivery { Ok(price) } else { price.plus(delivery?).map_err(|_| "price") }
    }

    /// Says so if the numbers look as if the setting were the other way round.
    fn compare(self, uuid: &OrderUuid, price: Money, goods: Option<Money>, delivery: Option<Money>) {
        let (Some(goods), Some(delivery)) = (goods, delivery.filter(|delivery| !delivery.is_zero())) else { return };
        let looks_included = match goods.plus(delivery) {
            Ok(all) if all == price => true,
            _ if goods == price => false,
            _ => return,
        };
        if looks_included != self.price_includes_delivery {
            tracing::warn!(
                order_uuid = %uuid,
                looks_included,
                "the shop's price and its lines disagree with SHOP_PRICE_INCLUDES_DELIVERY"
            );
        }
    }
}

/// How a part of the order is paid beside the instalments, or the field of the answer that leaves it in doubt. Of an order whose amount is in
/// doubt it is kept, for the amount that the shop pushes.
pub(crate) fn prepayment(
    answered: &AnsweredOrder,
    amount: Option<Money>,
    currency: Option<Currency>,
) -> Result<Option<Prepayment>, &'static str> {
    let made = answered.prepayment.as_ref().map(|said| said.0.ok_or("prepayment")).transpose()?.flatten();
    let page = answered.prepayment_url.as_ref().map(|said| said.0.clone().ok_or("prepaymentUrl")).transpose()?.flatten();
    let page = page.filter(|page| !page.trim().is_empty());
    match (made.filter(|made| made.hundredths() != 0), page) {
        (None, None) => Ok(None),
        (Some(made), None) => {
            let made = Money::new(made, currency.ok_or("prepayment")?);
            amount.map_or(Some(Prepayment::Made(made)), |amount| prepaid(made, amount)).map(Some).ok_or("prepayment")
        }
        (None, Some(page)) => prepaid_on(&page).map(Some).map_err(|_| "prepaymentUrl"),
        (Some(_), Some(_)) => Err("prepayment, prepaymentUrl"),
    }
}

/// A prepayment that is a part of the order's amount.
pub(crate) fn prepaid(made: Money, amount: Money) -> Option<Prepayment> {
    (!made.is_zero() && made.minor() < amount.minor()).then_some(Prepayment::Made(made))
}

/// The longest address of a page.
const LONGEST_PAGE: usize = 2000;

/// A page on which a prepayment can be made, as a browser is sent there: in ASCII, whatever its letters.
pub(crate) fn prepaid_on(page: &str) -> Result<Prepayment, String> {
    let page = parse_url(page)?.to_string();
    if page.len() > LONGEST_PAGE {
        return Err(format!("must have at most {LONGEST_PAGE} letters"));
    }
    Ok(Prepayment::After(page))
}

/// The sum of the answered lines. Without answered items there is none: the request's prices do not count.
fn goods(lines: &[Line], answered: &AnsweredOrder, currency: Currency) -> Option<Money> {
    answered.items.0.as_ref()?;
    Order::sum_of_lines(lines, None, currency).ok().flatten()
}

/// Whether the customer pays a part with points; what is said but unreadable may be some.
fn spends_bonuses(requested: &Requested) -> bool {
    match &requested.authorized_bonuses {
        None | Some(Lenient(Some(None))) => false,
        Some(Lenient(Some(Some(points)))) => points.hundredths() != 0,
        Some(Lenient(None)) => true,
    }
}
