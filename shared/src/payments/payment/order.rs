//! An order as the shop accepted it: the origin of every amount.

use std::time::Duration;

use super::cart::{Cart, Fact, Goods};
use super::form::Known;
use super::tax::LineTax;
use crate::payments::texts;
use crate::platform::clock::Timestamp;
use crate::platform::ids::{InstallId, ItemId, OrderId, OrderUuid, PaymentId};
use crate::platform::money::{Currency, Money, MoneyError, Quantity};
use crate::platform::phone::Phone;

/// An order. Its `Debug` would show personal data, so it has none.
#[derive(Clone, PartialEq, Eq)]
pub struct Order {
    /// IMSHOP's id: the key.
    pub uuid: OrderUuid,
    /// The shop's id.
    pub id: OrderId,
    /// The id that the customer sees.
    pub public_id: Option<OrderId>,
    /// What it costs; unknown if the shop did not say.
    pub amount: Option<Money>,
    /// Its currency; unknown if the shop named one that cannot be read. Then nothing of the order has a price.
    pub currency: Option<Currency>,
    /// The customer's phone, if it can be read.
    pub phone: Option<Phone>,
    /// The customer's e-mail.
    pub email: Option<String>,
    /// The customer's name.
    pub name: Option<String>,
    /// What was bought.
    pub lines: Vec<Line>,
    /// What the delivery costs, if known.
    pub delivery: Option<Money>,
    /// What else Mokka's form need not ask.
    pub known: Known,
    /// The installation of the app.
    pub install_id: Option<InstallId>,
    /// Number of the fiscal receipt.
    pub check_number: Option<String>,
    /// Address of the fiscal receipt.
    pub check_link: Option<String>,
    /// When the shop said all this; of what it says again the latest counts.
    pub said_at: Timestamp,
    /// The cart that it came from, if its request was recorded.
    pub cart: Option<Cart>,
    /// When what is known of the customer goes, unless something is open then; nothing if nothing is known, or if an earlier release has
    /// recorded it.
    pub person_until: Option<Timestamp>,
    /// An erasure was asked for. What the shop says later does not undo that.
    pub erasure_asked: bool,
    /// The newest attempt to pay it.
    pub latest_payment: Option<PaymentId>,
    /// How many attempts there were.
    pub attempts: u32,
    /// Ids that the shop gave it before, as far as attempts were opened under them.
    pub earlier_ids: Vec<OrderId>,
    /// The public id by which the store finds it.
    pub found_as: Option<OrderId>,
    /// When it was first recorded; unknown of some that an early release has stored. It stays, whatever the shop says later.
    pub recorded_at: Option<Timestamp>,
    /// Counts the writes; every write names the version it replaces.
    pub version: u64,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The shop's id of the offer.
    pub sku: Option<ItemId>,
    pub name: String,
    /// How many.
    pub quantity: Quantity,
    /// Price of one, if known.
    pub price: Option<Money>,
    /// Price of the line, if known.
    pub subtotal: Option<Money>,
    pub brand: Option<String>,
    pub category: Option<String>,
    /// What a fiscal receipt says of it.
    pub tax: LineTax,
}

impl Line {
    /// About what it takes to store it, in bytes.
    fn weight(&self) -> usize {
        let kind = [&self.brand, &self.category].into_iter().flatten().map(|text| text.len() + 12).sum::<usize>();
        100 + self.name.len() + self.sku.as_ref().map_or(0, |sku| sku.as_str().len()) + kind + self.tax.weight()
    }

    /// Lines as one for each way in which receipts treat them, since goods of two rates of VAT are no line of a receipt. Where there
    /// are more ways than any shop has, as one of which receipts know nothing.
    fn rests(lines: &[Self]) -> Vec<Self> {
        let mut alike: Vec<Vec<&Self>> = Vec::new();
        for line in lines {
            match alike.iter().position(|group| group[0].tax == line.tax) {
                Some(known) => alike[known].push(line),
                None if alike.len() == MOST_RESTS => {
                    return vec![Self::rest(&lines.iter().collect::<Vec<_>>(), LineTax::default())];
                }
                None => alike.push(vec![line]),
            }
        }
        alike.iter().map(|group| Self::rest(group, group[0].tax.clone())).collect()
    }

    /// Lines as one.
    fn rest(lines: &[&Self], tax: LineTax) -> Self {
        let mut totals = lines.iter().map(|line| line.total());
        let first = totals.next().flatten();
        let sum = first.and_then(|first| totals.try_fold(first, |sum, total| sum.plus(total?).ok()));
        let name = texts::more_lines(lines.len());
        Self { sku: None, name, quantity: Quantity::ONE, price: sum, subtotal: sum, brand: None, category: None, tax }
    }

    /// The price of the line: as said, else price times quantity.
    #[must_use]
    pub fn total(&self) -> Option<Money> {
        self.subtotal.or_else(|| self.quantity.times(self.price?).ok())
    }
}

/// The longest name of a person or a product, in bytes.
const LONGEST_NAME: usize = 300;
/// The longest e-mail address there is (RFC 5321).
const LONGEST_EMAIL: usize = 254;
/// The longest address of a delivery.
const LONGEST_ADDRESS: usize = 1000;
/// The longest number of a receipt.
const LONGEST_NUMBER: usize = 200;
/// The longest address of a receipt.
const LONGEST_LINK: usize = 2000;
/// What all lines together may weigh.
const LINES: usize = 100_000;
/// Of how many kinds for receipts the lines beyond the room may be.
const MOST_RESTS: usize = 8;
/// What the lines that stand for those beyond the room may weigh.
const RESTS: usize = MOST_RESTS * 400;
/// What all goods of the cart together may weigh.
const GOODS: usize = 20_000;

impl Order {
    /// The order in a size that always fits: into a stored item (DynamoDB takes 400 KB, names and values in UTF-8) and, with every
    /// quotation mark escaped, into a message of a queue (256 KB). Amount and ids stay as they are. Names are shortened, what makes no
    /// sense when it is shortened is left out, and lines beyond the room become one with their sum (one for each kind that receipts
    /// know), so that Mokka's page and the fiscal document still add up. Goods beyond it are unknown, as the cart's rules know it of
    /// orders that came without a cart.
    #[must_use]
    pub fn bounded(self) -> Self {
        let short = |text: Option<String>, longest| text.filter(|text| text.len() <= longest);
        let kind = |text: Option<String>| text.as_deref().map(shortened);
        let lines = self.lines.into_iter();
        let lines = lines.map(|line| Line {
            name: shortened(&line.name),
            brand: kind(line.brand),
            category: kind(line.category),
            ..line
        });
        let lines = lines.collect();
        let cart = self.cart.map(|cart| {
            let fits = cart.goods.known().is_some_and(|goods| goods.iter().map(Goods::weight).sum::<usize>() <= GOODS);
            Cart { goods: if fits { cart.goods } else { Fact::Unknown }, ..cart }
        });
        Self {
            name: self.name.as_deref().map(shortened),
            email: short(self.email, LONGEST_EMAIL),
            known: Known { address: short(self.known.address, LONGEST_ADDRESS), ..self.known },
            check_number: short(self.check_number, LONGEST_NUMBER),
            check_link: short(self.check_link, LONGEST_LINK),
            lines: gathered(lines),
            cart,
            ..self
        }
    }

    /// Whether anything of the customer is known.
    #[must_use]
    pub fn has_person(&self) -> bool {
        let Known { address, returning, term: _, prepayment: _ } = &self.known;
        let says = |fact: &Fact<Option<String>>| fact.known().is_some_and(Option::is_some);
        self.phone.is_some()
            || self.email.is_some()
            || self.name.is_some()
            || self.install_id.is_some()
            || address.is_some()
            || returning.is_some()
            || self.cart.as_ref().is_some_and(|cart| says(&cart.city) || says(&cart.pickup_location))
    }

    /// The order as the shop's books need it: without its customer, with every amount, line, id and attempt.
    #[must_use]
    pub fn without_person(self) -> Self {
        let cart = self.cart.map(|cart| Cart { city: Fact::Unknown, pickup_location: Fact::Unknown, ..cart });
        Self {
            phone: None,
            email: None,
            name: None,
            install_id: None,
            known: Known { address: None, returning: None, ..self.known },
            cart,
            person_until: None,
            ..self
        }
    }

    /// The ids of the attempts to pay it: all that there may be.
    #[must_use]
    pub fn payment_ids(&self) -> Vec<PaymentId> {
        let ids = self.earlier_ids.iter().filter(|id| **id != self.id).chain([&self.id]);
        let mut all: Vec<_> = ids.flat_map(|id| (1..=self.attempts).map(|attempt| PaymentId::new(id, attempt))).collect();
        // An earlier release did not note under which id it was opened.
        all.extend(self.latest_payment.iter().filter(|latest| !all.contains(latest)).cloned().collect::<Vec<_>>());
        all
    }

    /// This order with the time at which its customer goes, as it is stored at `now`.
    #[must_use]
    pub fn kept(mut self, now: Timestamp) -> Self {
        // The first release says only of carts when they were recorded.
        let said_at = if self.said_at == Timestamp::from_millis(0) { now } else { self.said_at };
        let by_default = || if self.erasure_asked { now.plus(Self::FORGET_RETRY) } else { said_at.plus(Self::PERSON_KEPT) };
        let planned = self.person_until.unwrap_or_else(by_default);
        self.person_until = self.has_person().then_some(planned);
        self
    }

    /// This order in the place of the `known` one, whose attempts it has. Once an erasure was asked for, the customer goes when
    /// they would have gone, whatever was said meanwhile.
    #[must_use]
    pub fn in_place_of(self, known: &Self) -> Self {
        let mut earlier_ids = known.earlier_ids.clone();
        let is_paid_as_known = known.latest_payment == Some(PaymentId::new(&known.id, known.attempts));
        if self.id != known.id && is_paid_as_known && !earlier_ids.contains(&known.id) {
            earlier_ids.push(known.id.clone());
        }
        Self {
            earlier_ids,
            person_until: if known.erasure_asked { known.person_until } else { self.person_until },
            erasure_asked: known.erasure_asked,
            latest_payment: known.latest_payment.clone(),
            attempts: known.attempts,
            found_as: known.found_as.clone(),
            recorded_at: known.recorded_at,
            version: known.version,
            ..self
        }
    }

    /// How soon an order that must forget its customer is due again, while an attempt is open.
    pub const FORGET_RETRY: Duration = Duration::from_hours(1);

    /// For how long the customer is known by default.
    pub const PERSON_KEPT: Duration = Duration::from_hours(90 * 24);

    /// Whether `id` names this order: its id or its public id.
    #[must_use]
    pub fn is_called(&self, id: &OrderId) -> bool {
        self.id == *id || self.public_id.as_ref() == Some(id)
    }

    /// The sum of the lines' subtotals and the delivery; nothing if any line has none or there is no line.
    pub fn sum_of_lines(lines: &[Line], delivery: Option<Money>, currency: Currency) -> Result<Option<Money>, MoneyError> {
        if lines.is_empty() {
            return Ok(None);
        }
        let mut sum = delivery.map_or_else(|| Money::from_minor(0, currency), Ok)?;
        for line in lines {
            let Some(subtotal) = line.subtotal else { return Ok(None) };
            sum = sum.plus(subtotal)?;
        }
        Ok(Some(sum))
    }
}

/// The lines, the last ones gathered if all together weigh too much.
fn gathered(mut lines: Vec<Line>) -> Vec<Line> {
    let weights = lines.iter().scan(0, |sum, line| {
        *sum += line.weight();
        Some(*sum)
    });
    let weights: Vec<usize> = weights.collect();
    if weights.last().is_some_and(|all| *all > LINES) {
        let kept = weights.iter().take_while(|weight| **weight + RESTS <= LINES).count();
        let beyond = lines.split_off(kept);
        lines.extend(Line::rests(&beyond));
    }
    lines
}

/// A name in the room that it has, with a mark where something was cut off.
fn shortened(name: &str) -> String {
    // In JSON a control character takes six bytes, and it is not missed.
    let name = name.replace(char::is_control, " ");
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let end = name.floor_char_boundary(LONGEST_NAME - "…".len());
    format!("{}…", &name[..end])
}
