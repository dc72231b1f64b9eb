//! When a way to pay is offered: a condition over the facts of a cart.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer};

use super::facts::Facts;
use super::truth::Truth;
use super::values::{Choice, Country, Customer, Many, Pattern, Range, Text};
use super::window::Window;
use crate::payments::payment::{Fact, Goods};
use crate::platform::config::table;

/// A condition: every key of its table must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition(Box<Keys>);

/// Every key must hold; a key that is left out asks nothing.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Condition", extend("minProperties" = 1))]
struct Keys {
    /// The country is one of these ISO codes.
    country: Option<Many<Country>>,
    /// The city is one of these names or FIAS ids; case and ё do not count.
    city: Option<Many<Text>>,
    /// The delivery is one of these ids: "courier/14" of that source only, "14" of any.
    delivery: Option<Many<Text>>,
    /// Whether a pickup point is chosen.
    pickup: Option<bool>,
    /// The pickup point is one of these ids.
    pickup_location: Option<Many<Text>>,
    /// Whether something is ordered ahead of its release.
    preorder: Option<bool>,
    /// Whether the order is for a company.
    legal_entity: Option<bool>,
    /// Whether there is a promo code, or which; its case does not count.
    promocode: Option<Choice>,
    /// How many bonus points are spent; none said is 0.
    bonuses: Option<Range>,
    /// Whether a promotion is active, or which: texts found anywhere in `promoGroup`.
    promo: Option<Choice>,
    /// Some item is among these ids: the shop's of the offer or of the product, or IMSHOP's.
    items: Option<Many<Pattern>>,
    /// Every item is among these ids. An empty cart has no such item.
    every_item: Option<Many<Pattern>>,
    /// Some item comes from one of these warehouses, shops or companies.
    warehouse: Option<Many<Text>>,
    /// Every item comes from one of these warehouses, shops or companies.
    every_warehouse: Option<Many<Text>>,
    /// How many pieces are in the cart.
    quantity: Option<Range>,
    /// What the cart costs, in the shop's currency.
    amount: Option<Range>,
    /// Whether the shop knows the customer.
    customer: Option<Customer>,
    /// The time at the shop.
    time: Option<Window>,
    /// Every one of these conditions holds.
    all: Option<Many<Condition>>,
    /// At least one of these conditions holds.
    any: Option<Many<Condition>>,
    /// This condition does not hold.
    not: Option<Condition>,
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        table(deserializer, |keys: Keys| {
            let empty = keys.described().is_empty();
            if empty { Err("must not be empty; leave it out to ask nothing".to_owned()) } else { Ok(Self(Box::new(keys))) }
        })
    }
}

impl Condition {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, facts: &Facts) -> Truth {
        Truth::all(self.0.judged(facts).into_iter().map(|(_, truth)| truth))
    }

    /// The names of the keys that do not hold, for a log: no values.
    #[must_use]
    pub fn unmet(&self, facts: &Facts) -> Vec<&'static str> {
        let judged = self.0.judged(facts).into_iter();
        judged.filter(|(_, truth)| *truth == Truth::No).map(|(name, _)| name).collect()
    }
}

/// Whether a value that must be there is one that is `meant`.
fn is_one<T>(fact: &Fact<Option<T>>, meant: impl Fn(&T) -> bool) -> Truth {
    judge(fact, |value| value.as_ref().is_some_and(meant))
}

fn judge<T>(fact: &Fact<T>, holds: impl FnOnce(&T) -> bool) -> Truth {
    fact.known().map_or(Truth::Unknown, |value| holds(value).into())
}

/// Some item is meant.
fn some(goods: &Fact<Vec<Goods>>, meant: impl Fn(&Goods) -> Truth) -> Truth {
    goods.known().map_or(Truth::Unknown, |goods| Truth::any(goods.iter().map(meant)))
}

/// Every item is meant, and there is one.
fn every(goods: &Fact<Vec<Goods>>, meant: impl Fn(&Goods) -> Truth) -> Truth {
    goods.known().map_or(Truth::Unknown, |goods| if goods.is_empty() { Truth::No } else { Truth::all(goods.iter().map(meant)) })
}

fn is_among(patterns: &Many<Pattern>) -> impl Fn(&Goods) -> Truth {
    |goods| goods.ids.iter().any(|id| Pattern::any_matches(patterns, id)).into()
}

fn comes_from(ids: &Many<Text>) -> impl Fn(&Goods) -> Truth {
    |goods| is_one(&goods.warehouse, |said| ids.iter().any(|id| id.is(said)))
}

fn chosen(choice: &Choice, any: bool, is_said: impl Fn(&Text) -> bool) -> bool {
    match choice {
        Choice::Any(wanted) => *wanted == any,
        Choice::OneOf(texts) => texts.iter().any(is_said),
    }
}

impl Keys {
    /// Each key that is there, with whether it holds.
    fn judged(&self, facts: &Facts) -> Vec<(&'static str, Truth)> {
        let texts = |ids: &Option<Many<Text>>, fact: &Fact<Option<String>>, meant: fn(&Text, &str) -> bool| {
            ids.as_ref().map(|ids| is_one(fact, |said| ids.iter().any(|id| meant(id, said))))
        };
        let flag = |wanted: Option<bool>, fact: &Fact<bool>| wanted.map(|wanted| judge(fact, |flag| *flag == wanted));
        let all = |conditions: &Many<Condition>| Truth::all(conditions.iter().map(|condition| condition.holds(facts)));
        let any = |conditions: &Many<Condition>| Truth::any(conditions.iter().map(|condition| condition.holds(facts)));
        let judged = [
            ("country", self.country.as_ref().map(|codes| is_one(&facts.country, |said| codes.iter().any(|code| code.is(said))))),
            ("city", texts(&self.city, &facts.city, Text::reads_like)),
            ("delivery", texts(&self.delivery, &facts.delivery, Text::names)),
            ("pickup", self.pickup.map(|wanted| judge(&facts.pickup_location, |point| point.is_some() == wanted))),
            ("pickupLocation", texts(&self.pickup_location, &facts.pickup_location, Text::is)),
            ("preorder", flag(self.preorder, &facts.preorder)),
            ("legalEntity", flag(self.legal_entity, &facts.legal_entity)),
            ("promocode", self.promocode.as_ref().map(|choice| promocode(choice, facts))),
            ("bonuses", self.bonuses.as_ref().map(|range| bonuses(range, facts))),
            ("promo", self.promo.as_ref().map(|choice| promo(choice, facts))),
            ("items", self.items.as_ref().map(|ids| some(&facts.goods, is_among(ids)))),
            ("everyItem", self.every_item.as_ref().map(|ids| every(&facts.goods, is_among(ids)))),
            ("warehouse", self.warehouse.as_ref().map(|ids| some(&facts.goods, comes_from(ids)))),
            ("everyWarehouse", self.every_warehouse.as_ref().map(|ids| every(&facts.goods, comes_from(ids)))),
            ("quantity", self.quantity.as_ref().map(|range| judge(&facts.quantity, |pieces| range.covers(*pieces)))),
            ("amount", self.amount.as_ref().map(|range| judge(&facts.amount, |amount| range.covers(amount.minor() * 10)))),
            ("customer", self.customer.map(|who| judge(&facts.known_customer, |known| *known == (who == Customer::Known)))),
            ("time", self.time.as_ref().map(|window| judge(&facts.local_time, |now| window.covers(*now)))),
            ("all", self.all.as_ref().map(all)),
            ("any", self.any.as_ref().map(any)),
            ("not", self.not.as_ref().map(|condition| !condition.holds(facts))),
        ];
        judged.into_iter().filter_map(|(name, truth)| Some((name, truth?))).collect()
    }

    /// Each key that is there, in words.
    fn described(&self) -> Vec<String> {
        fn line<T: fmt::Display>(what: &str, value: Option<&T>) -> Option<String> {
            value.map(|value| format!("{what} {value}"))
        }
        let either = |flag: Option<bool>, yes: &str, no: &str| flag.map(|flag| (if flag { yes } else { no }).to_owned());
        let choice = |choice: &Option<Choice>, yes: &str, no: &str, which: &str| match choice.as_ref()? {
            Choice::Any(any) => either(Some(*any), yes, no),
            Choice::OneOf(texts) => line(which, Some(texts)),
        };
        let customer = self.customer.map(|who| who == Customer::Known);
        let lines = [
            line("the country is", self.country.as_ref()),
            line("the city is", self.city.as_ref()),
            line("the delivery is", self.delivery.as_ref()),
            either(self.pickup, "a pickup point is chosen", "no pickup point is chosen"),
            line("the pickup point is", self.pickup_location.as_ref()),
            either(self.preorder, "something is preordered", "nothing is preordered"),
            either(self.legal_entity, "a company buys", "a person buys"),
            choice(&self.promocode, "there is a promo code", "there is no promo code", "the promo code is"),
            line("the bonuses spent are", self.bonuses.as_ref()),
            choice(&self.promo, "a promotion is active", "no promotion is active", "the promotions name"),
            line("some item is", self.items.as_ref()),
            line("every item is", self.every_item.as_ref()),
            line("some item comes from", self.warehouse.as_ref()),
            line("every item comes from", self.every_warehouse.as_ref()),
            line("the pieces are", self.quantity.as_ref()),
            line("the amount is", self.amount.as_ref()),
            either(customer, "the customer is known", "the customer is a guest"),
            line("the time is", self.time.as_ref()),
            self.all.as_ref().map(|all| joined(all, " and ")),
            self.any.as_ref().map(|any| joined(any, " or ")),
            self.not.as_ref().map(|condition| format!("not {}", bracketed(condition))),
        ];
        lines.into_iter().flatten().collect()
    }
}

fn promocode(choice: &Choice, facts: &Facts) -> Truth {
    judge(&facts.promocode, |code| chosen(choice, code.is_some(), |text| code.as_ref().is_some_and(|code| text.reads_like(code))))
}

fn promo(choice: &Choice, facts: &Facts) -> Truth {
    judge(&facts.promo, |said| chosen(choice, !said.is_empty(), |text| said.iter().any(|said| text.is(said))))
}

fn bonuses(range: &Range, facts: &Facts) -> Truth {
    judge(&facts.bonuses, |bonuses| range.covers(bonuses.hundredths() * 10))
}

fn joined(conditions: &Many<Condition>, between: &str) -> String {
    let parts: Vec<_> = conditions.iter().map(|condition| condition.0.described()).collect();
    match parts.as_slice() {
        [only] => only.join(" and "),
        several => {
            let several =
                several.iter().map(|part| if part.len() == 1 { part.concat() } else { format!("({})", part.join(" and ")) });
            format!("({})", several.collect::<Vec<_>>().join(between))
        }
    }
}

fn bracketed(condition: &Condition) -> String {
    let text = condition.0.described().join(" and ");
    let is_bracketed = condition.0.described().len() == 1 && text.starts_with('(');
    if is_bracketed { text } else { format!("({text})") }
}

/// In words, for a person.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.described().join(", "))
    }
}

impl JsonSchema for Condition {
    fn schema_name() -> Cow<'static, str> {
        Keys::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Keys::json_schema(generator)
    }
}
