//! Paying in instalments as the customer is shown it before choosing: what is due when, to the kopeck.

use std::cmp::Reverse;

use time::Date;

use crate::payments::mokka::types::Tariff;
use crate::platform::money::{Currency, Money, MoneyError};

/// The most payments that a plan may have: five years of months.
const MAX_PAYMENTS: usize = 60;

/// One way to pay an amount in instalments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// For how many months.
    pub term: u32,
    /// What the customer pays on top of the amount.
    pub overpayment: Money,
    /// What is due when, earliest first; at least one payment. They sum up to the amount and the overpayment.
    pub payments: Vec<Due>,
}

/// One payment of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The day.
    pub date: Date,
    /// How much.
    pub amount: Money,
}

/// Why a tariff cannot be shown to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Nonsense {
    /// No payment, or too many.
    #[error("it has no payments, or more than {MAX_PAYMENTS}")]
    Length,
    /// Not in the order of their days.
    #[error("its payments are not in the order of their days")]
    Order,
    /// The payments do not sum up to the total.
    #[error("its payments do not sum up to its total")]
    Sum,
    /// The customer would pay less than the goods cost.
    #[error("its total is less than the amount")]
    Total,
}

impl Plan {
    /// Reads Mokka's tariff for `amount`. Document "Schedule"; its `monthly_…` fields are approximate and not used.
    pub fn of_tariff(tariff: &Tariff, amount: Money) -> Result<Self, Nonsense> {
        let money = |decimal| Money::new(decimal, amount.currency());
        let payments: Vec<Due> =
            tariff.payment_dates.iter().map(|due| Due { date: due.date, amount: money(due.amount) }).collect();
        if payments.is_empty() || payments.len() > MAX_PAYMENTS {
            return Err(Nonsense::Length);
        }
        if !payments.is_sorted_by_key(|due| due.date) {
            return Err(Nonsense::Order);
        }
        if sum(&payments, amount.currency()) != Ok(money(tariff.total)) || tariff.total.hundredths() == 0 {
            return Err(Nonsense::Sum);
        }
        let overpayment = Money::from_minor(tariff.total.hundredths() - amount.minor(), amount.currency());
        Ok(Self { term: tariff.term, overpayment: overpayment.map_err(|_| Nonsense::Total)?, payments })
    }

    /// The plan to show: the one of the wanted term, else the shortest of those that cost least.
    #[must_use]
    pub fn choose(plans: &[Self], term: Option<u32>) -> Option<&Self> {
        let wanted = plans.iter().find(|plan| Some(plan.term) == term);
        wanted.or_else(|| plans.iter().min_by_key(|plan| (plan.overpayment.minor(), plan.term)))
    }

    /// Each payment's share of the total in whole percent, together exactly 100 (largest remainder; of equal remainders the
    /// earlier payment's).
    #[must_use]
    pub fn progress(&self) -> Vec<u8> {
        let minor = |due: &Due| i128::from(due.amount.minor());
        let total = self.payments.iter().map(minor).sum::<i128>().max(1);
        let shares: Vec<i128> = self.payments.iter().map(|due| minor(due) * 100).collect();
        let mut progress: Vec<u8> = shares.iter().map(|share| u8::try_from(share / total).unwrap_or(100)).collect();
        let given: usize = progress.iter().map(|percent| usize::from(*percent)).sum();
        let mut by_remainder: Vec<usize> = (0..shares.len()).collect();
        by_remainder.sort_by_key(|index| Reverse(shares[*index] % total));
        by_remainder.iter().take(100_usize.saturating_sub(given)).for_each(|index| progress[*index] += 1);
        progress
    }
}

fn sum(payments: &[Due], currency: Currency) -> Result<Money, MoneyError> {
    payments.iter().try_fold(Money::from_minor(0, currency)?, |sum, due| sum.plus(due.amount))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn rub(minor: i64) -> Money {
        Money::from_minor(minor, Currency::Rub).unwrap()
    }

    fn tariff(term: u32, total: &str, payments: &[(&str, &str)]) -> Tariff {
        let dates: Vec<Value> = payments.iter().map(|(date, amount)| json!({"date": date, "amount": amount})).collect();
        let tariff = json!({
            "term": term, "total": total, "monthly_payment": "1", "monthly_overpayment": "1", "payment_dates": dates
        });
        serde_json::from_value(tariff).unwrap()
    }

    #[test]
    fn a_plan_is_read_only_if_its_numbers_agree() {
        let amount = rub(500_000);
        let thirds = [("11.06.2026", "2000.00"), ("11.07.2026", "2000.00"), ("11.08.2026", "1500.01")];
        let plan = Plan::of_tariff(&tariff(3, "5500.01", &thirds), amount).unwrap();
        assert_eq!((plan.overpayment, plan.payments.len(), plan.progress()), (rub(50_001), 3, vec![37, 36, 27]));
        for (total, payments, nonsense) in [
            ("5500.00", &thirds[..], Nonsense::Sum),
            ("0", &[("11.06.2026", "0")], Nonsense::Sum),
            ("5500.01", &[], Nonsense::Length),
            ("5500.01", &[("11.06.2026", "90.17"); 61], Nonsense::Length),
            ("4999.99", &[("11.06.2026", "4999.99")], Nonsense::Total),
            ("6000", &[("11.06.2026", "3000"), ("10.06.2026", "3000")], Nonsense::Order),
        ] {
            assert_eq!(Plan::of_tariff(&tariff(3, total, payments), amount), Err(nonsense), "{total}");
        }
    }

    #[test]
    fn the_wanted_term_is_shown_else_the_shortest_that_costs_least() {
        let plan = |term, total: &str| Plan::of_tariff(&tariff(term, total, &[("11.06.2026", total)]), rub(100)).unwrap();
        let plans = [plan(12, "1.50"), plan(6, "1.10"), plan(4, "1.10"), plan(3, "1.20")];
        let shown = |term| Plan::choose(&plans, term).map(|plan| plan.term);
        assert_eq!((shown(None), shown(Some(12)), shown(Some(9))), (Some(4), Some(12), Some(4)));
        assert_eq!(Plan::choose(&[], None), None);
    }

    proptest! {
        #[test]
        fn the_payments_of_a_plan_are_its_total_to_the_kopeck(
            payments in prop::collection::vec(0_i64..=10_000_000, 0..=62),
            amount in 0_i64..=300_000_000,
            off in prop_oneof![4 => Just(0_i64), 1 => -5_i64..=5],
        ) {
            let total = (payments.iter().sum::<i64>() + off).max(0);
            let text = |minor: i64| format!("{}.{:02}", minor / 100, minor % 100);
            let texts: Vec<String> = payments.iter().map(|minor| text(*minor)).collect();
            let dated: Vec<(&str, &str)> = texts.iter().map(|amount| ("11.06.2026", amount.as_str())).collect();
            match Plan::of_tariff(&tariff(3, &text(total), &dated), rub(amount)) {
                Ok(plan) => {
                    prop_assert_eq!(plan.payments.iter().map(|due| due.amount.minor()).sum::<i64>(), total);
                    prop_assert_eq!(plan.overpayment.minor(), total - amount);
                    prop_assert_eq!(plan.progress().iter().map(|percent| u32::from(*percent)).sum::<u32>(), 100);
                }
                Err(Nonsense::Sum) => prop_assert!(total != payments.iter().sum::<i64>() || total == 0),
                Err(Nonsense::Total) => prop_assert!(total < amount),
                Err(Nonsense::Length) => prop_assert!(payments.is_empty() || payments.len() > MAX_PAYMENTS),
                Err(Nonsense::Order) => prop_assert!(false, "all are due on one day"),
            }
        }

        #[test]
        fn progress_always_sums_up_to_100(payments in prop::collection::vec(0_i64..=Money::MAX_MINOR / 60, 1..=60)) {
            prop_assume!(payments.iter().any(|minor| *minor > 0));
            let date = Date::from_calendar_date(2026, time::Month::June, 1).unwrap();
            let total: i64 = payments.iter().sum();
            let payments: Vec<Due> = payments.into_iter().map(|minor| Due { date, amount: rub(minor) }).collect();
            let plan = Plan { term: 1, overpayment: rub(0), payments };
            let progress = plan.progress();
            prop_assert_eq!(progress.iter().map(|percent| u32::from(*percent)).sum::<u32>(), 100);
            for (percent, due) in progress.iter().zip(&plan.payments) {
                let exact = i128::from(due.amount.minor()) * 100;
                prop_assert!((i128::from(*percent) * i128::from(total) - exact).abs() < i128::from(total), "less than one percent off");
            }
        }
    }
}
