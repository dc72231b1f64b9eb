//! What is recorded of the cart that an order came from: as much as the shop's rules on ways to pay can ask for later.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::platform::clock::Timestamp;
use crate::platform::ids::ItemId;
use crate::platform::money::{Decimal, Money, Quantity};

/// Something that is known, or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fact<T> {
    Known(T),
    /// Not said: it may be anything.
    #[default]
    Unknown,
}

impl<T> Fact<T> {
    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown => None,
        }
    }

    /// The same knowledge of something that follows from it.
    pub fn map<U>(self, follows: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(value) => Fact::Known(follows(value)),
            Self::Unknown => Fact::Unknown,
        }
    }

    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

impl<T, E> Fact<Result<T, E>> {
    /// The knowledge, or why it cannot be read.
    pub fn transpose(self) -> Result<Fact<T>, E> {
        match self {
            Self::Known(result) => result.map(Fact::Known),
            Self::Unknown => Ok(Fact::Unknown),
        }
    }
}

impl<T> From<Option<T>> for Fact<T> {
    fn from(said: Option<T>) -> Self {
        said.map_or(Self::Unknown, Self::Known)
    }
}

/// Stored as the value itself; what is unknown is left out by the field's attribute.
impl<T: Serialize> Serialize for Fact<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.known().serialize(serializer)
    }
}

/// What is there is known, null too: it may say that there is none.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Fact<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::Known)
    }
}

/// The cart as the order's request described it, kept as long as the order. An inner `None` means: known to have none.
#[derive(Clone, PartialEq, Eq)]
pub struct Cart {
    /// When the order was recorded.
    pub at: Timestamp,
    /// The order is one of several that the cart was split into, so it does not say what the whole cost.
    pub is_split: bool,
    /// ISO code of the country.
    pub country: Fact<Option<String>>,
    /// City: a name or a FIAS id.
    pub city: Fact<Option<String>>,
    /// The delivery, maybe `source/id`.
    pub delivery: Fact<Option<String>>,
    /// The pickup point.
    pub pickup_location: Fact<Option<String>>,
    /// The promo code.
    pub promocode: Fact<Option<String>>,
    /// Bonus points spent.
    pub bonuses: Fact<Decimal>,
    /// The shop knows the customer. Who it is, is not kept.
    pub known_customer: Fact<bool>,
    pub goods: Fact<Vec<Goods>>,
    /// What it cost by its own prices, which are for reference only.
    pub amount: Fact<Money>,
}

/// A line of a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goods {
    /// Every id of the product that is known: the shop's of the offer and of the product, IMSHOP's.
    pub ids: Vec<String>,
    /// How many.
    pub quantity: Quantity,
    /// The warehouse, shop or company that sells it.
    pub warehouse: Fact<Option<String>>,
}

impl Goods {
    /// About what it takes to store it, in bytes.
    pub(super) fn weight(&self) -> usize {
        let warehouse = self.warehouse.known().and_then(Option::as_ref).map_or(0, String::len);
        60 + warehouse + self.ids.iter().map(|id| id.len() + 4).sum::<usize>()
    }

    /// The ids of a product as text, each once.
    #[must_use]
    pub fn ids(said: [Option<&ItemId>; 3]) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        for id in said.into_iter().flatten() {
            if !ids.iter().any(|other| other == id.as_str()) {
                ids.push(id.as_str().to_owned());
            }
        }
        ids
    }
}
