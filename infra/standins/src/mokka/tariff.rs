//! Tariffs: in which terms an amount can be paid, what that costs, and when the payments fall due (Mokka, "Schedule").
//!
//! As in the document's sample, payments are whole rubles but the last, which takes up the rest. All sums are integer
//! kopecks, and the payments add up to the total exactly.

use serde::Serialize;
use serde_json::value::RawValue;
use time::{Month, OffsetDateTime};

use crate::clock::moscow;
use crate::money::Kopecks;
use crate::options::Tariff;

/// The term where no tariff says otherwise, in months.
const USUAL_TERM: u32 = 3;
/// Hundredths of a percent in the whole.
const WHOLE: u64 = 10_000;

/// One payment of a schedule.
#[derive(Debug, Serialize)]
pub(super) struct Payment {
    /// dd.mm.yyyy.
    date: String,
    /// Rubles with two decimals.
    amount: String,
}

/// A schedule, as the method Schedule answers it.
#[derive(Debug, Serialize)]
pub(super) struct Plan {
    total: Box<RawValue>,
    monthly_payment: Box<RawValue>,
    pub(super) monthly_overpayment: Box<RawValue>,
    term: u32,
    #[serde(rename = "payment_dates")]
    pub(super) payments: Vec<Payment>,
}

/// The tariffs that take this amount.
pub(super) fn fitting(tariffs: &[Tariff], amount: Kopecks) -> impl Iterator<Item = &Tariff> {
    tariffs.iter().filter(move |tariff| takes(tariff, amount))
}

/// Whether the tariff takes this amount.
pub(super) fn takes(tariff: &Tariff, amount: Kopecks) -> bool {
    (tariff.min_kopecks..=tariff.max_kopecks).contains(&amount.0)
}

pub(super) fn of_term(tariffs: &[Tariff], term: u32) -> Option<&Tariff> {
    tariffs.iter().find(|tariff| tariff.term == term)
}

/// The term a customer takes who does not choose: the first that takes the amount.
pub(super) fn usual_term(tariffs: &[Tariff], amount: Kopecks) -> u32 {
    fitting(tariffs, amount).next().or(tariffs.first()).map_or(USUAL_TERM, |tariff| tariff.term)
}

/// The largest amount that any tariff takes.
pub(super) fn largest(tariffs: &[Tariff]) -> Kopecks {
    Kopecks(tariffs.iter().map(|tariff| tariff.max_kopecks).max().unwrap_or(0))
}

/// The schedule of `amount` over `term` months from now on; a term without a tariff costs nothing.
pub(super) fn plan(tariffs: &[Tariff], amount: Kopecks, term: u32, now: OffsetDateTime) -> Plan {
    let rate = of_term(tariffs, term).map_or(0, |tariff| tariff.monthly_overpayment_bp);
    let overpayment = Kopecks(amount.0.saturating_mul(rate).div_ceil(WHOLE));
    let months = u64::from(term.max(1));
    let total = Kopecks(amount.0.saturating_add(overpayment.0.saturating_mul(months)));
    let monthly = monthly(total, months);
    let mut rest = total;
    let mut payments = Vec::new();
    for (number, date) in (1..=months).zip(dates(now)) {
        let paid = if number == months { rest } else { monthly };
        rest = rest.minus(paid).unwrap_or(Kopecks(0));
        payments.push(Payment { date, amount: paid.to_string() });
    }
    Plan {
        total: total.to_short_number(),
        monthly_payment: monthly.to_short_number(),
        monthly_overpayment: overpayment.to_short_number(),
        term,
        payments,
    }
}

/// Whole rubles, unless the last payment would then have nothing left to pay.
fn monthly(total: Kopecks, months: u64) -> Kopecks {
    let rubles = Kopecks(total.0.div_ceil(months).div_ceil(100).saturating_mul(100));
    match rubles.times(months - 1) {
        Some(before_last) if before_last < total => rubles,
        _ => Kopecks(total.0 / months),
    }
}

/// The same day of every following month, in Moscow; where a month is too short for it, its last.
fn dates(now: OffsetDateTime) -> impl Iterator<Item = String> {
    let today = moscow(now);
    let mut at = (today.year(), today.month());
    std::iter::repeat_with(move || {
        at = (at.0 + i32::from(at.1 == Month::December), at.1.next());
        format!("{:02}.{:02}.{}", today.day().min(at.1.length(at.0)), u8::from(at.1), at.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-30 21:30 UTC);

    fn shown(plan: &Plan) -> Vec<String> {
        plan.payments.iter().map(|payment| format!("{} {}", payment.date, payment.amount)).collect()
    }

    #[test]
    fn the_last_payment_takes_the_rest_and_the_year_ends() {
        // 30 November in UTC is 1 December in Moscow.
        let free = Tariff { term: 3, min_kopecks: 0, max_kopecks: 1_000_000, monthly_overpayment_bp: 0 };
        let plan = plan(&[free], Kopecks(700_001), 3, NOW);
        assert_eq!(shown(&plan), ["01.01.2027 2334.00", "01.02.2027 2334.00", "01.03.2027 2332.01"]);
        assert_eq!((plan.total.get(), plan.monthly_payment.get()), ("7000.01", "2334"));
    }

    #[test]
    fn payments_fall_due_on_the_same_day_or_the_last_of_a_shorter_month() {
        for (now, expected) in [
            (datetime!(2027-01-31 09:00 UTC), ["28.02.2027", "31.03.2027", "30.04.2027"]),
            (datetime!(2028-01-30 20:59:59 UTC), ["29.02.2028", "30.03.2028", "30.04.2028"]),
            (datetime!(2028-01-30 21:00:01 UTC), ["29.02.2028", "31.03.2028", "30.04.2028"]),
            (datetime!(2028-02-29 09:00 UTC), ["29.03.2028", "29.04.2028", "29.05.2028"]),
            (datetime!(2026-11-29 21:00:01 UTC), ["30.12.2026", "30.01.2027", "28.02.2027"]),
            (datetime!(2026-12-31 09:00 UTC), ["31.01.2027", "28.02.2027", "31.03.2027"]),
        ] {
            assert_eq!(dates(now).take(3).collect::<Vec<_>>(), expected, "{now}");
        }
    }

    #[test]
    fn every_schedule_adds_up_and_no_payment_is_empty() {
        let tariffs = Options::default().mokka_tariffs;
        for amount in [1, 11, 99, 1_200, 100_000, 100_001, 449_999, 1_234_567, 15_000_000, 99_999_999_999_999] {
            for tariff in &tariffs {
                let plan = plan(&tariffs, Kopecks(amount), tariff.term, NOW);
                let paid: Vec<Kopecks> = plan.payments.iter().map(|payment| Kopecks::strict(&payment.amount).unwrap()).collect();
                let overpaid = amount.saturating_mul(tariff.monthly_overpayment_bp).div_ceil(WHOLE);
                let total = amount + overpaid * u64::from(tariff.term);
                assert_eq!(paid.iter().map(|payment| payment.0).sum::<u64>(), total, "{amount} over {}", tariff.term);
                assert_eq!(plan.total.get(), Kopecks(total).to_short_number().get());
                assert_eq!(u32::try_from(paid.len()), Ok(tariff.term));
                assert!(total < 1_200 || paid.iter().all(|payment| payment.0 > 0), "{amount} over {}", tariff.term);
            }
        }
    }

    #[test]
    fn the_usual_term_is_the_first_that_fits() {
        let tariffs = Options::default().mokka_tariffs;
        for (amount, term) in [(100_000, 3), (10_000_000, 3), (10_000_001, 6), (5, 3)] {
            assert_eq!(usual_term(&tariffs, Kopecks(amount)), term, "{amount}");
        }
        assert_eq!(largest(&tariffs), Kopecks(15_000_000));
    }
}
