//! What is not documented of shops' answers, as switches: every shop's system has its own way.

use crate::readings::Open;
use crate::system::System;

/// A way in which shops differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reading {
    /// What an order's `price` contains.
    Delivery,
    /// The price of an order that is paid in part with points.
    Bonuses,
    /// What a line's `discount` is taken off.
    Discounts,
    /// A line of half a kilo.
    Weights,
}

impl Open for Reading {
    const SYSTEM: System = System::Shop;
    const ALL: &[Self] = &[Self::Delivery, Self::Bonuses, Self::Discounts, Self::Weights];

    fn name(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Bonuses => "bonuses",
            Self::Discounts => "discounts",
            Self::Weights => "weights",
        }
    }

    fn values(self) -> [&'static str; 2] {
        match self {
            Self::Delivery => ["in_price", "beside_price"],
            Self::Bonuses => ["taken_off", "no_price"],
            Self::Discounts => ["of_line", "of_unit"],
            Self::Weights => ["fractions", "pieces"],
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Delivery => {
                "whether an order's price contains its deliveryPrice (SHOP_PRICE_INCLUDES_DELIVERY), or stands beside it"
            }
            Self::Bonuses => {
                "whether the points spent on an order (authorizedBonuses) are taken off its price, or no price is named"
            }
            Self::Discounts => "whether a line's discount is the whole line's, or each unit's",
            Self::Weights => "whether half a kilo is a quantity of 0.5, or one piece at the price of the half",
        }
    }
}
