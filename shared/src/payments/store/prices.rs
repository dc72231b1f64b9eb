//! The prices of the shop's product feed, in the table `quotes`. They are estimates, for what a customer is shown before there is
//! an order; what is charged comes from the shop's order alone.
//!
//! - `prices#{generation}#{bucket}`: the prices of one or two hundred offers ([`Bucket`]); the bucket is the hash of an
//!   offer's id. Packed like this, a feed costs a write unit for every forty offers or so, and a cart is read at once.
//! - `prices`: the generation in force, where it came from, and when it was last found current ([`PriceList`]).
//!
//! Nothing is ever half in force: a load writes the buckets of a generation of its own, and when all of them are there, one
//! conditional write of `prices` puts them in force. Every bucket goes away by itself [`KEPT`] after its generation was written,
//! so a load that came to nothing and a generation that was replaced cost no write. What is in force is written anew after
//! [`RENEWED`] even if the feed has not changed, long before that.
//!
//! Round trips of an estimate: none while what it needs is in memory; else one `GetItem`, once a minute, and one `BatchGetItem`.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use super::Quotes;
use crate::payments::imshop::{LineNumbers, payments};
use crate::platform::clock::{Clock, Deadline, Timestamp};
use crate::platform::dynamodb::{
    Consistency, Item, OPERATION_LIMIT, Reading, SCHEMA, StoreError, Versioned, WRITTEN_AT_ONCE, Written, read,
};
use crate::platform::env::Env;
use crate::platform::ids::ItemId;
use crate::platform::money::{Currency, Money};

/// How long a generation's buckets are kept.
pub const KEPT: Duration = Duration::from_hours(7 * 24);
/// After so long a generation is written anew, even if the feed has not changed.
pub const RENEWED: Duration = Duration::from_hours(3 * 24);
/// How old the last successful look at the feed may at most be allowed to get, in hours: after it, a generation that was about to
/// be renewed still has all of its buckets.
const MAX_AGE_HOURS: u32 = 96;

/// How long the list in force is taken from memory.
const LIST_CACHED: Duration = Duration::from_mins(1);
/// How many buckets are kept in memory: a few megabytes.
const BUCKETS_CACHED: usize = 512;
/// How many requests write a generation at once. More would only run into the limits of a table that is seldom written.
const WRITES_AT_ONCE: usize = 4;

const LIST: &str = "prices";

/// A generation of prices, and what is known of the feed it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceList {
    /// Its buckets' own part of the keys.
    pub generation: String,
    /// How many buckets it has.
    pub buckets: u32,
    /// How many offers have a price.
    pub offers: u32,
    /// The currency of all prices.
    #[serde(with = "code")]
    pub currency: Currency,
    /// The feed's address.
    pub source: String,
    /// The feed's `ETag`, if its server gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The feed's `Last-Modified`, if its server gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// What the prices come to: equal digests, equal prices.
    pub digest: String,
    /// The feed's offers that have no price here, by the reason.
    pub bad: BTreeMap<String, BadOffers>,
    /// When its buckets were written.
    #[serde(with = "millis")]
    pub loaded_at: Timestamp,
    /// When the feed was last looked at and found to say this.
    #[serde(with = "millis")]
    pub checked_at: Timestamp,
}

/// Offers that have no price, for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadOffers {
    /// How many.
    pub count: u32,
    /// The first of them.
    pub first: Vec<String>,
}

/// The prices of the offers whose ids have the same hash, in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// By the offer's id (`configurationId`).
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    pub offers: HashMap<String, i64>,
    /// By the id of a product that has several offers (`group_id` in the feed, `privateId` in a cart): the one price of all of
    /// them, or none if they differ or one of them has none.
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    pub products: HashMap<String, Option<i64>>,
}

/// The bucket of an id among so many.
#[must_use]
pub fn bucket_of(id: &str, buckets: u32) -> u32 {
    // FNV-1a: the same everywhere and for ever, which no hash of the standard library promises.
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    u32::try_from(hash % u64::from(buckets.max(1))).unwrap_or(0)
}

fn bucket_key(generation: &str, bucket: u32) -> String {
    format!("{LIST}#{generation}#{bucket}")
}

/// A bucket's attributes beside its key.
#[derive(Serialize)]
struct BucketItem {
    pk: String,
    schema: u32,
    expires_at: i64,
    #[serde(flatten)]
    bucket: Bucket,
}

/// What loads prices.
#[derive(Clone, Debug)]
pub struct PriceLists {
    quotes: Quotes,
}

impl PriceLists {
    /// The prices of a table.
    #[must_use]
    pub fn new(quotes: Quotes) -> Self {
        Self { quotes }
    }

    /// The list in force, with the version that replaces it.
    pub async fn in_force(&self) -> Result<(Option<PriceList>, u64), StoreError> {
        let found: Option<Versioned<PriceList>> = self.quotes.table.get(LIST).await?;
        Ok(found.map_or((None, 1), |found| (Some(found.record), found.version + 1)))
    }

    /// A generation that no other load has.
    pub fn new_generation(&self) -> Result<String, StoreError> {
        Ok(self.quotes.table.random.hex32()?)
    }

    /// Writes the buckets of a generation. No reader sees them until [`put_in_force`](Self::put_in_force).
    pub async fn write(
        &self,
        generation: &str,
        buckets: impl Iterator<Item = (u32, Bucket)> + Send,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let expires_at = now.plus(KEPT).seconds();
        let mut items = buckets.map(|(number, bucket)| {
            let pk = bucket_key(generation, number);
            let item = BucketItem { pk: pk.clone(), schema: SCHEMA, expires_at, bucket };
            serde_dynamo::to_item(item).map_err(|error| StoreError::Unreadable { key: pk, cause: error.to_string() })
        });
        // One batch at a time is made, so that the whole generation is never in memory as items.
        let batches = std::iter::from_fn(|| {
            let batch: Vec<Result<Item, StoreError>> = items.by_ref().take(WRITTEN_AT_ONCE).collect();
            (!batch.is_empty()).then(|| batch.into_iter().collect::<Result<Vec<_>, _>>())
        });
        stream::iter(batches)
            .map(|batch| async move { self.quotes.table.put_all(batch?).await })
            .buffer_unordered(WRITES_AT_ONCE)
            .try_collect::<()>()
            .await
    }

    /// Replaces what is in force, as the version that [`in_force`](Self::in_force) gave.
    pub async fn put_in_force(&self, list: &PriceList, version: u64) -> Result<Written, StoreError> {
        self.quotes.table.put(LIST, version, list).await
    }
}

/// What asks for prices.
#[derive(Clone, Debug)]
pub struct Prices {
    quotes: Quotes,
    clock: Clock,
    max_age: Duration,
    cache: Arc<Mutex<Cache>>,
}

/// What was read lately.
#[derive(Debug, Default)]
struct Cache {
    list: Option<(Timestamp, Option<Arc<PriceList>>)>,
    /// Of that list's generation.
    buckets: HashMap<u32, Arc<Bucket>>,
    /// Their numbers, the longest known first.
    order: VecDeque<u32>,
}

impl Cache {
    fn set_list(&mut self, now: Timestamp, list: Option<Arc<PriceList>>) {
        let generation = |list: &Option<Arc<PriceList>>| list.as_ref().map(|list| list.generation.clone());
        if self.list.as_ref().is_none_or(|(_, known)| generation(known) != generation(&list)) {
            self.buckets.clear();
            self.order.clear();
        }
        self.list = Some((now, list));
    }

    /// Keeps a bucket, if its generation is still the one that is kept.
    fn keep(&mut self, generation: &str, number: u32, bucket: Arc<Bucket>) {
        let current = self.list.as_ref().and_then(|(_, list)| list.as_ref()).is_some_and(|list| list.generation == generation);
        if !current || self.buckets.insert(number, bucket).is_some() {
            return;
        }
        self.order.push_back(number);
        if self.order.len() > BUCKETS_CACHED
            && let Some(oldest) = self.order.pop_front()
        {
            self.buckets.remove(&oldest);
        }
    }
}

/// What a line of a cart is looked up by.
#[derive(Clone, Copy)]
enum Key<'a> {
    Offer(&'a ItemId),
    /// The cart says no more than the product.
    Product(&'a ItemId),
}

impl Key<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Offer(id) | Self::Product(id) => id.as_str(),
        }
    }

    fn price_in(&self, bucket: &Bucket) -> Option<i64> {
        let offer = bucket.offers.get(self.text()).copied();
        match self {
            Self::Offer(_) => offer,
            // A product without a group is its only offer, and has its id.
            Self::Product(id) => bucket.products.get(id.as_str()).copied().unwrap_or(offer),
        }
    }
}

/// A line of a cart as it is looked up.
struct Lookup<'a> {
    key: Key<'a>,
    numbers: LineNumbers,
}

/// The lines of a cart as they are looked up; none if one of them does not say enough, or there is none.
fn lines(cart: &payments::Request) -> Option<Vec<Lookup<'_>>> {
    let lines = cart.lines()?.into_iter().map(|line| {
        let item = line?;
        let key = match (&item.configuration_id, &item.private_id) {
            (Some(offer), _) => Key::Offer(offer.0.as_ref()?),
            (None, Some(product)) => Key::Product(product.0.as_ref()?),
            (None, None) => return None,
        };
        Some(Lookup { key, numbers: item.numbers() })
    });
    lines.collect::<Option<Vec<_>>>().filter(|lines| !lines.is_empty())
}

impl Prices {
    /// Reads `PRICES_MAX_AGE_HOURS` (default 48).
    pub fn from_env(env: &mut Env, quotes: Quotes, clock: Clock) -> Option<Self> {
        let hours = env.number_or("PRICES_MAX_AGE_HOURS", 48, 1..=MAX_AGE_HOURS)?;
        Some(Self { quotes, clock, max_age: Duration::from_hours(u64::from(hours)), cache: Arc::default() })
    }

    /// What a cart costs by the shop's feed, less the discounts that it says, without delivery. None if that is not known for sure: a line without a
    /// price, no feed, another currency, or the feed was not read for longer than `PRICES_MAX_AGE_HOURS`. Never to be charged.
    pub async fn estimate(
        &self,
        cart: &payments::Request,
        currency: Currency,
        deadline: Deadline,
    ) -> Result<Option<Money>, StoreError> {
        let Some(lines) = lines(cart) else { return Ok(None) };
        let Some(allowed) = deadline.allows(OPERATION_LIMIT * self.quotes.table.slowness()) else {
            return Err(StoreError::Failed { action: "GetItem", cause: "no time left for it".to_owned() });
        };
        let sum = tokio::time::timeout(allowed, self.sum(&lines, currency));
        sum.await.unwrap_or_else(|_| Err(StoreError::Failed { action: "BatchGetItem", cause: "no answer in time".to_owned() }))
    }

    async fn sum(&self, lines: &[Lookup<'_>], currency: Currency) -> Result<Option<Money>, StoreError> {
        let now = self.clock.now();
        let Some(list) = self.list(now).await? else { return Ok(None) };
        if list.currency != currency || now.since(list.checked_at) > self.max_age {
            return Ok(None);
        }
        let numbers = lines.iter().map(|line| bucket_of(line.key.text(), list.buckets));
        let buckets = self.buckets(&list.generation, numbers.collect()).await?;
        let totals = lines.iter().map(|line| {
            let minor = line.key.price_in(buckets.get(&bucket_of(line.key.text(), list.buckets))?)?;
            line.numbers.at(Money::from_minor(minor, currency).ok()?)
        });
        let nothing = Money::from_minor(0, currency).ok();
        // A sum that no shop has is none.
        Ok(totals.fold(nothing, |sum, total| sum?.plus(total?).ok()))
    }

    /// The list in force, at most [`LIST_CACHED`] old.
    async fn list(&self, now: Timestamp) -> Result<Option<Arc<PriceList>>, StoreError> {
        if let Some((read_at, list)) = &self.lock().list
            && now.since(*read_at) < LIST_CACHED
        {
            return Ok(list.clone());
        }
        let list = self.quotes.table.get_as::<PriceList>(LIST, Consistency::Eventual).await?.map(Arc::new);
        self.lock().set_list(now, list.clone());
        Ok(list)
    }

    async fn buckets(&self, generation: &str, numbers: BTreeSet<u32>) -> Result<HashMap<u32, Arc<Bucket>>, StoreError> {
        let known = |cache: &Cache, number: &u32| cache.buckets.get(number).map(|bucket| (*number, Arc::clone(bucket)));
        let mut found: HashMap<_, _> = {
            let cache = self.lock();
            // Another request may have gone on to the next generation meanwhile.
            let same = cache.list.as_ref().and_then(|(_, list)| list.as_ref()).is_some_and(|list| list.generation == generation);
            numbers.iter().filter(|_| same).filter_map(|number| known(&cache, number)).collect()
        };
        let missing: BTreeMap<_, _> = numbers
            .into_iter()
            .filter(|number| !found.contains_key(number))
            .map(|number| (bucket_key(generation, number), number))
            .collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let mut items =
            self.quotes.table.get_all(missing.keys().cloned().collect(), Consistency::Eventual, Reading::few()).await?;
        for (key, number) in missing {
            // Not there: nothing fell into it, or this read is a moment behind its write. So it is not remembered.
            let Some(item) = items.remove(&key) else { continue };
            let bucket: Arc<Bucket> = Arc::new(read(&key, item)?);
            self.lock().keep(generation, number, Arc::clone(&bucket));
            found.insert(number, bucket);
        }
        Ok(found)
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A moment as milliseconds since 1970 UTC.
mod millis {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::platform::clock::Timestamp;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    pub(super) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(moment.millis())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}

/// A currency as its ISO 4217 code.
mod code {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::platform::money::Currency;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    pub(super) fn serialize<S: Serializer>(currency: &Currency, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(currency.code())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
        Currency::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
