//! The offers of a feed as they stay in memory: some sixty bytes each.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use shared::payments::store::prices::{BadOffers, Bucket, bucket_of};
use shared::platform::ids::ItemId;
use shared::platform::money::Decimal;

use crate::error::FeedError;

/// How many offers are taken.
const MAX_OFFERS: u32 = 2_000_000;
/// How large a bucket should become: with its key below the 4 KB that DynamoDB reads at once, for nearly all of them.
const BUCKET_BYTES: usize = 3_600;
/// What an entry takes in a bucket beside its id.
const ENTRY_BYTES: usize = 6;
/// How many bad offers of each kind are named.
const NAMED: usize = 20;
/// How much of what is wrong with one is shown, in characters.
const SHOWN: usize = 60;
/// An entry's price that is not known for sure.
const NONE: i64 = -1;

/// What is wrong with an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// No id, or one that no cart could name.
    NoId,
    NoPrice,
    /// A price that is no amount of money.
    Unreadable,
    /// `<price from="true">`: what it costs at least.
    From,
    /// A price of zero: on request.
    OnRequest,
    /// Another currency than the shop's.
    Currency,
    /// The same id with another price.
    TwoPrices,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::NoId => "no_id",
            Self::NoPrice => "no_price",
            Self::Unreadable => "unreadable_price",
            Self::From => "price_from",
            Self::OnRequest => "price_on_request",
            Self::Currency => "currency",
            Self::TwoPrices => "two_prices",
        }
    }

    /// Whether something is wrong with the feed, and not only no price certain, which the shop means so.
    fn is_mistake(self) -> bool {
        match self {
            Self::From | Self::OnRequest => false,
            Self::NoId | Self::NoPrice | Self::Unreadable | Self::Currency | Self::TwoPrices => true,
        }
    }
}

/// An offer that was understood.
pub(crate) struct Offer<'a> {
    pub(crate) id: &'a ItemId,
    /// The product it belongs to, if that has several offers.
    pub(crate) group: Option<&'a ItemId>,
    pub(crate) price: Decimal,
}

/// What an entry's text is the id of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Offer,
    Product,
}

struct Entry {
    price: i64,
    /// Where its text begins.
    start: u32,
    bucket: u32,
    length: u8,
    kind: Kind,
}

/// The offers while they are read.
#[derive(Default)]
pub(crate) struct Catalogue {
    texts: String,
    entries: Vec<Entry>,
    seen: u32,
    bad: BTreeMap<Reason, BadOffers>,
}

/// All offers, in the order in which they are stored.
pub(crate) struct Sorted {
    texts: String,
    entries: Vec<Entry>,
    /// How many offers the feed has.
    pub(crate) seen: u32,
    /// How many have a price.
    pub(crate) offers: u32,
    /// How many buckets they fill.
    pub(crate) buckets: u32,
    bad: BTreeMap<Reason, BadOffers>,
}

fn text<'a>(texts: &'a str, entry: &Entry) -> &'a str {
    let start = entry.start as usize;
    &texts[start..start + usize::from(entry.length)]
}

impl Catalogue {
    /// Takes an offer.
    pub(crate) fn add(&mut self, offer: &Offer<'_>) -> Result<(), FeedError> {
        self.count()?;
        let price = offer.price.hundredths();
        self.entry(Kind::Offer, offer.id, price)?;
        offer.group.map_or(Ok(()), |group| self.entry(Kind::Product, group, price))
    }

    /// Takes note of an offer that has no price; that of its product is not known for sure then either.
    pub(crate) fn refuse(&mut self, reason: Reason, shown: &str, group: Option<&ItemId>) -> Result<(), FeedError> {
        self.count()?;
        note(&mut self.bad, reason, shown);
        group.map_or(Ok(()), |group| self.entry(Kind::Product, group, NONE))
    }

    /// How many offers came so far.
    pub(crate) fn seen(&self) -> u32 {
        self.seen
    }

    fn count(&mut self) -> Result<(), FeedError> {
        self.seen += 1;
        if self.seen > MAX_OFFERS { Err(FeedError::TooMany) } else { Ok(()) }
    }

    fn entry(&mut self, kind: Kind, id: &ItemId, price: i64) -> Result<(), FeedError> {
        let start = u32::try_from(self.texts.len()).map_err(|_| FeedError::TooMany)?;
        let length = u8::try_from(id.as_str().len()).map_err(|_| FeedError::TooMany)?;
        self.texts.push_str(id.as_str());
        self.entries.push(Entry { price, start, bucket: 0, length, kind });
        Ok(())
    }

    /// Drops those whose id came with two prices, and sorts the rest into buckets.
    pub(crate) fn sort(mut self) -> Sorted {
        self.merge();
        let Self { texts, mut entries, seen, bad } = self;
        let bytes: usize = entries.iter().map(|entry| usize::from(entry.length) + ENTRY_BYTES).sum();
        let buckets = u32::try_from(bytes.div_ceil(BUCKET_BYTES)).unwrap_or(u32::MAX).max(1);
        for entry in &mut entries {
            entry.bucket = bucket_of(text(&texts, entry), buckets);
        }
        let key = |entry: &Entry| (entry.bucket, text(&texts, entry), entry.kind);
        entries.sort_unstable_by(|left, right| key(left).cmp(&key(right)));
        let offers = entries.iter().filter(|entry| entry.kind == Kind::Offer).count();
        Sorted { offers: u32::try_from(offers).unwrap_or(u32::MAX), texts, entries, seen, buckets, bad }
    }

    /// Makes one entry of those with the same id.
    fn merge(&mut self) {
        let Self { texts, entries, bad, .. } = self;
        let key = |entry: &Entry| (text(texts, entry), entry.kind);
        entries.sort_unstable_by(|left, right| key(left).cmp(&key(right)));
        entries.dedup_by(|later, first| {
            let same = key(later) == key(first);
            if same && later.price != first.price {
                if later.kind == Kind::Offer {
                    note(bad, Reason::TwoPrices, text(texts, later));
                }
                first.price = NONE;
            }
            same
        });
        // A product stays with its unknown price: its id may be that of an offer, whose price must not be taken for it.
        entries.retain(|entry| entry.kind == Kind::Product || entry.price != NONE);
    }
}

fn note(bad: &mut BTreeMap<Reason, BadOffers>, reason: Reason, shown: &str) {
    let bad = bad.entry(reason).or_default();
    bad.count += 1;
    if bad.first.len() < NAMED {
        bad.first.push(shown.chars().take(SHOWN).collect());
    }
}

impl Sorted {
    /// The buckets that are not empty, with their numbers.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (u32, Bucket)> + Send {
        self.entries.chunk_by(|left, right| left.bucket == right.bucket).map(|entries| {
            let of = |kind| entries.iter().filter(move |entry| entry.kind == kind);
            let id = |entry| text(&self.texts, entry).to_owned();
            let bucket = Bucket {
                offers: of(Kind::Offer).map(|entry| (id(entry), entry.price)).collect(),
                products: of(Kind::Product).map(|entry| (id(entry), (entry.price != NONE).then_some(entry.price))).collect(),
            };
            (entries.first().map_or(0, |entry| entry.bucket), bucket)
        })
    }

    /// Equal prices have equal digests.
    pub(crate) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for entry in &self.entries {
            digest.update([entry.length, entry.kind as u8]);
            digest.update(text(&self.texts, entry));
            digest.update(entry.price.to_be_bytes());
        }
        hex::encode(digest.finalize())
    }

    /// How many offers have something wrong with them.
    pub(crate) fn mistakes(&self) -> u32 {
        self.bad.iter().filter(|(reason, _)| reason.is_mistake()).map(|(_, bad)| bad.count).sum()
    }

    /// The bad offers by the name of the reason.
    pub(crate) fn report(&self) -> BTreeMap<String, BadOffers> {
        self.bad.iter().map(|(reason, bad)| (reason.name().to_owned(), bad.clone())).collect()
    }
}

/// How many offers a report is about.
pub(crate) fn count(report: &BTreeMap<String, BadOffers>) -> u32 {
    report.values().map(|bad| bad.count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_offer_more_than_are_taken_is_too_many() {
        let mut catalogue = Catalogue::default();
        for _ in 0..MAX_OFFERS {
            catalogue.refuse(Reason::NoId, "", None).unwrap();
        }
        assert!(matches!(catalogue.refuse(Reason::NoId, "", None), Err(FeedError::TooMany)));
    }

    #[test]
    fn what_is_equal_but_for_its_order_has_one_digest() {
        let sorted = |offers: &[(&str, &str)]| {
            let mut catalogue = Catalogue::default();
            for (name, price) in offers {
                catalogue
                    .add(&Offer { id: &ItemId::parse(name).unwrap(), group: None, price: Decimal::parse(price).unwrap() })
                    .unwrap();
            }
            catalogue.sort().digest()
        };
        let digest = sorted(&[("a", "1"), ("b", "2")]);
        assert_eq!(sorted(&[("b", "2.00"), ("a", "1")]), digest);
        for other in [[("a", "2"), ("b", "1")], [("a", "1"), ("c", "2")], [("a", "1"), ("b", "2.01")]] {
            assert_ne!(sorted(&other), digest, "{other:?}");
        }
    }
}
