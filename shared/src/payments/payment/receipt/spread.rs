//! A sum, shared out.

/// `amount` in shares as `weights` are to each other, none of which is negative, by largest remainder: the shares sum up to it, and none is
/// above its weight as long as `amount` is not above all of them. Nothing for nobody if nothing weighs anything.
pub(super) fn spread(amount: i64, weights: &[i64]) -> Vec<i64> {
    let all: i128 = weights.iter().copied().map(i128::from).sum();
    if all == 0 {
        return vec![0; weights.len()];
    }
    let products = weights.iter().map(|weight| i128::from(amount) * i128::from(*weight));
    let (mut shares, remainders): (Vec<i64>, Vec<i128>) =
        products.map(|product| (i64::try_from(product / all).unwrap_or(i64::MAX), product % all)).unzip();
    let given: i64 = shares.iter().sum();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    // Of two alike the first one gets it: the same sum is always shared out in the same way.
    order.sort_by_key(|index| std::cmp::Reverse(remainders[*index]));
    let left = usize::try_from(amount - given).unwrap_or(0);
    for index in order.into_iter().take(left) {
        shares[index] += 1;
    }
    shares
}
