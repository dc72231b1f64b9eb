use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::payments::payment::LineTax;
use crate::payments::payment::order::Line;
use crate::platform::ids::ItemId;
use crate::platform::money::{Currency, Money, Quantity};

const MOST: usize = 100;
const LONGEST: usize = 128;

fn rub(minor: i64) -> Money {
    Money::from_minor(minor, Currency::Rub).unwrap()
}

fn line(sku: &str, quantity: &str, price: i64) -> Line {
    Line {
        sku: Some(ItemId::parse(sku).unwrap()),
        name: format!("Товар {sku}"),
        quantity: Quantity::parse(quantity).unwrap(),
        price: Some(rub(price)),
        subtotal: None,
        brand: None,
        category: None,
        tax: LineTax::default(),
    }
}

fn lines(lines: &[Line], delivery: i64, amount: i64) -> ReceiptLines {
    super::lines::of_order(lines, Some(rub(delivery)), rub(amount)).unwrap()
}

/// What a register adds up, in thousandths of a kopeck.
fn sum(items: &[ReceiptItem<'_>]) -> i128 {
    items.iter().map(|item| i128::from(item.quantity.thousandths()) * i128::from(item.price.minor())).sum()
}

/// The items of lines, once it is seen that a register takes them: they sum up to what the lines cost, and each costs something.
fn taken(lines: &ReceiptLines) -> Vec<(String, String, i64)> {
    let items = lines.items(MOST, LONGEST).unwrap();
    assert_eq!(sum(&items), i128::from(lines.minor()) * 1000, "{items:?}");
    for item in &items {
        assert!(item.price.minor() > 0 && !item.quantity.is_zero() && item.name.chars().count() <= LONGEST, "{item:?}");
    }
    items.into_iter().map(|item| (item.name, item.quantity.to_string(), item.price.minor())).collect()
}

fn asked(sku: &str, quantity: &str) -> AskedLine {
    AskedLine { sku: ItemId::parse(sku).unwrap(), quantity: Quantity::parse(quantity).unwrap() }
}

/// The reference's case 7.
#[test]
fn coupon_is_spread_over_the_lines_to_the_kopeck() {
    for pieces in ["1", "2", "3"] {
        let cart = [line("a", pieces, 3333), line("b", pieces, 3333), line("c", pieces, 3334)];
        let whole: i64 = cart.iter().map(|line| line.total().unwrap().minor()).sum();
        let lines = lines(&cart, 0, whole - 10_000 + 1);
        assert_eq!(lines.minor(), whole - 9_999);
        taken(&lines);
    }
    // Of a coupon that is worth all the goods nothing is left to be receipted but the delivery.
    let lines = lines(&[line("a", "1", 3333), line("b", "2", 3333)], 30_000, 30_000);
    assert_eq!(taken(&lines), [("Доставка".to_owned(), "1".to_owned(), 30_000)]);
}

#[test]
fn price_that_does_not_divide_makes_two_items() {
    let lines = lines(&[line("a", "3", 10_000)], 0, 29_999);
    let name = "Товар a".to_owned();
    assert_eq!(taken(&lines), [(name.clone(), "1".to_owned(), 9999), (name, "2".to_owned(), 10_000)]);
}

#[test]
fn weight_without_a_whole_price_is_one_piece_that_says_how_much() {
    let lines = lines(&[line("a", "0.333", 10_009)], 0, 3333);
    assert_eq!(taken(&lines), [("Товар a × 0.333".to_owned(), "1".to_owned(), 3333)]);
    let exact = super::lines::of_order(&[line("a", "0.333", 10_000)], None, rub(3330)).unwrap();
    assert_eq!(taken(&exact), [("Товар a".to_owned(), "0.333".to_owned(), 10_000)]);
}

#[test]
fn more_pieces_than_kopecks_are_one_item() {
    let lines = lines(&[line("a", "3", 100)], 0, 2);
    assert_eq!(taken(&lines), [("Товар a × 3".to_owned(), "1".to_owned(), 2)]);
}

#[test]
fn lines_that_do_not_fit_when_they_are_split_are_one_piece_each() {
    let cart: Vec<Line> = (0..100).map(|index| line(&index.to_string(), "3", 10_000)).collect();
    let lines = lines(&cart, 0, 2_999_950);
    assert_eq!(taken(&lines).len(), 100);
    let problem = lines.items(80, LONGEST).unwrap_err();
    assert_eq!(problem, ReceiptProblem::TooManyLines { lines: 100, most: 80 });
}

#[test]
fn order_without_prices_or_below_its_amount_has_no_receipt() {
    let of = |lines: &[Line], amount| super::lines::of_order(lines, Some(rub(500)), rub(amount));
    assert_eq!(of(&[], 500).unwrap_err(), ReceiptProblem::NoLines);
    let unknown = Line { price: None, ..line("b", "1", 100) };
    assert_eq!(of(&[line("a", "1", 100), unknown], 600).unwrap_err(), ReceiptProblem::NoPrice(2));
    let problem = of(&[line("a", "1", 100)], 601).unwrap_err();
    assert_eq!(problem, ReceiptProblem::BelowAmount { lines: rub(600), amount: rub(601) });
}

#[test]
fn part_by_lines_is_what_they_cost_and_never_more_than_is_left() {
    let all = lines(&[line("a", "3", 10_000), line("b", "1", 5000)], 30_000, 64_999);
    let two = all.part(&[asked("a", "2")]).unwrap();
    assert_eq!(two.minor(), 19_999);
    let rest = all.without(&two);
    assert_eq!(rest.part(&[asked("a", "2")]).unwrap_err(), LinesRefusal::AboveLeft { sku: "a".into(), left: Quantity::ONE });
    let last = rest.part(&[asked("a", "1"), asked("delivery", "1")]).unwrap();
    assert_eq!(two.minor() + last.minor() + 5000, 64_999);
    let rest = rest.without(&last);
    assert_eq!(rest.minor(), 5000);
    assert_eq!(rest.part(&[asked("a", "1")]).unwrap_err(), LinesRefusal::Unknown("a".into()));
    assert_eq!(rest.part(&[asked("z", "1")]).unwrap_err(), LinesRefusal::Unknown("z".into()));
    // The same offer asked for twice is counted together.
    assert!(all.part(&[asked("a", "2"), asked("a", "2")]).is_err());
    assert_eq!(all.part(&[asked("a", "2"), asked("a", "1")]).unwrap().minor(), 29_999);
}

/// A cart, what its delivery costs, and which part of the whole is paid, in millionths.
fn cart() -> impl Strategy<Value = (Vec<Line>, i64, i64)> {
    let quantity = prop_oneof![(1_i64..=20).prop_map(|pieces| pieces * 1000), 1_i64..=30_000];
    let one = (quantity, prop_oneof![Just(0_i64), 1_i64..=100, 1_i64..=5_000_000], proptest::option::of(0_i64..=3_000_000));
    let delivery = prop_oneof![Just(0_i64), 1_i64..=100_000];
    (vec(one, 1..=100), delivery, prop_oneof![Just(1_000_000_i64), 1_i64..=1_000_000]).prop_map(|(lines, delivery, part)| {
        let lines = lines.into_iter().enumerate().map(|(index, (quantity, price, subtotal))| Line {
            quantity: Quantity::of_thousandths(quantity),
            subtotal: subtotal.map(rub),
            // Two lines of one offer are usual.
            ..line(&(index / 2).to_string(), "1", price)
        });
        (lines.collect(), delivery, part)
    })
}

proptest! {
    /// For any cart, and any parts of it that are captured and given back, by lines and by sums, each receipt sums up to its amount, and
    /// what is left to what was not given back.
    #[test]
    fn receipts_of_any_cart_sum_up_to_their_amounts(
        (cart, delivery, part) in cart(),
        captured in 1_i64..=1000,
        steps in vec((any::<bool>(), any::<prop::sample::Index>(), 1_i64..=1000), 0..12),
    ) {
        let whole = cart.iter().map(|line| line.total().unwrap().minor()).sum::<i64>() + delivery;
        prop_assume!(whole > 0);
        let amount = (i128::from(whole) * i128::from(part) / 1_000_000).max(1).try_into().unwrap();
        let paid = super::lines::of_order(&cart, Some(rub(delivery)), rub(amount)).unwrap();
        prop_assert_eq!(paid.minor(), amount);
        let captured = (amount * captured / 1000).max(1);
        let mut left = paid.for_amount(rub(captured));
        prop_assert_eq!(left.minor(), captured);
        taken(&left);
        for (by_line, which, much) in steps {
            if left.minor() == 0 {
                break;
            }
            let part = if by_line {
                let line = &left.lines()[which.index(left.lines().len())];
                let quantity = Quantity::of_thousandths((line.quantity.thousandths() * much / 1000).max(1));
                let sku = line.sku.clone().unwrap_or_else(|| ItemId::parse("delivery").unwrap());
                match left.part(&[AskedLine { sku, quantity }]) {
                    Ok(part) => part,
                    Err(LinesRefusal::Nothing | LinesRefusal::Unknown(_) | LinesRefusal::AboveLeft { .. }) => continue,
                    Err(LinesRefusal::NotKept) => unreachable!(),
                }
            } else {
                left.share(rub((left.minor() * much / 1000).max(1)))
            };
            let back = left.of_part(&part);
            prop_assert_eq!(back.minor(), part.minor());
            taken(&back);
            let rest = left.without(&part);
            prop_assert_eq!(rest.minor(), left.minor() - part.minor());
            prop_assert!(rest.lines().iter().all(|line| line.minor >= 0));
            left = rest;
            taken(&left);
        }
    }
}
