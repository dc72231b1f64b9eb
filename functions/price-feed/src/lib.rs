//! Reads the shop's product feed, the one that IMSHOP itself reads, into the table `quotes`, so that `payments` can say what
//! a cart costs. Runs on a schedule, one run at a time ([`shared::platform::dynamodb::RunLease`]); two at once would do no harm.
//!
//! The feed is asked for only if it has changed, is read while it arrives, and only its offers' ids and prices stay in
//! memory. Its prices come into force all at once or not at all ([`shared::payments::store::prices`]): a feed that cannot be had, is
//! cut off, is no feed, or has too many bad offers leaves everything as it was and fails the run, which sets off an alarm.
//!
//! What is an offer's price: the text of its `price`, in the currency of its `currencyId` (`DEFAULT_CURRENCY` if it has
//! none). An offer without a certain price has none here, and no cart with it is estimated: no id or price, another currency,
//! a price "from" or of zero (on request), two prices for one id. One offer that is odd costs no other its price. A product (`group_id`) has the price of its offers if they all have the same.
//! Whether it is available makes no difference.
//!
//! Round trips of a run: one `UpdateItem` that acquires the run lease, one `GetItem`, one request for the feed, one `UpdateItem`; if prices
//! have changed, a `BatchWriteItem` for every 25 buckets before that; one `UpdateItem` that releases it.

mod catalogue;
mod error;
mod feed;
mod packing;
mod source;
mod text;
mod trim;
mod unpacked;
mod zip;

use std::time::Duration;

use lambda_runtime::{Context, LambdaEvent};
use serde::Serialize;
use serde_json::Value;
use shared::payments::store::Quotes;
use shared::payments::store::prices::{PriceList, PriceLists, RENEWED};
use shared::platform::clock::{Clock, Timestamp};
use shared::platform::dynamodb::{EndedRun, Written, client_from_env};
use shared::platform::env::{ConfigError, Env};
use shared::platform::money::Currency;
use shared::platform::runtime::{Platform, left, remaining};

use catalogue::{Sorted, count};
pub use error::FeedError;
use source::{Fetched, Mark, Source};

/// How long a run may take; Lambda gives the function five minutes.
const BUDGET: Duration = Duration::from_secs(290);

/// How long a run holds its lease if it cannot release it: a little longer than it may take.
const RUN_LEASE: Duration = Duration::from_secs(295);

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    quotes: Quotes,
    lists: PriceLists,
    source: Option<Source>,
    currency: Currency,
    max_bad_percent: u32,
    clock: Clock,
}

impl Deps {
    /// Reads the store's settings, `PRICE_FEED_URL` (off without it), `DEFAULT_CURRENCY` and `PRICE_FEED_MAX_BAD_PERCENT`
    /// (default 10).
    pub fn from_env(mut env: Env, platform: Platform) -> Result<Self, ConfigError> {
        let Platform { clock, random, http, .. } = platform;
        let client = client_from_env(&mut env);
        let quotes = client.and_then(|client| Quotes::from_env(&mut env, client, random));
        let source = Source::from_env(&mut env, &http);
        let currency = env.currency_or("DEFAULT_CURRENCY", Currency::Rub);
        let max_bad_percent = env.number_or("PRICE_FEED_MAX_BAD_PERCENT", 10, 0..=100);
        let build = || {
            let quotes = quotes?;
            let lists = PriceLists::new(quotes.clone());
            Some(Self { quotes, lists, source: source?, currency: currency?, max_bad_percent: max_bad_percent?, clock })
        };
        let deps = build();
        env.finish(deps)
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.quotes.warm_up().await;
    }
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedOutcome {
    /// No feed is set.
    Off,
    /// The prices in force are those of the feed.
    Unchanged,
    /// The feed's prices are in force now.
    Loaded,
    /// Another run was quicker; the next one looks again.
    Overtaken,
}

/// A run's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FeedReport {
    /// What it came to.
    pub outcome: FeedOutcome,
    /// Offers that have a price.
    pub offers: u32,
    /// Offers of the feed that have none.
    pub bad: u32,
    /// Items that the prices fill.
    pub buckets: u32,
}

/// Runs once.
pub async fn handle(deps: &Deps, event: LambdaEvent<Value>) -> Result<Value, lambda_http::Error> {
    let run = match &deps.source {
        Some(source) => deps.load_under_lease(source, &event.context).await,
        None => Ok(FeedReport { outcome: FeedOutcome::Off, offers: 0, bad: 0, buckets: 0 }),
    };
    match run {
        Ok(report) => {
            let FeedReport { outcome, offers, bad, buckets } = report;
            tracing::info!(?outcome, offers, bad, buckets, "price feed run completed");
            Ok(serde_json::to_value(report)?)
        }
        Err(error) => {
            tracing::error!(cause = %error, "the price feed was not loaded, the prices in force stay");
            Err(error.into())
        }
    }
}

impl Deps {
    async fn load_under_lease(&self, source: &Source, context: &Context) -> Result<FeedReport, FeedError> {
        let Some(lease) = self.quotes.acquire_run_lease("price-feed", self.clock.now(), RUN_LEASE).await? else {
            return Ok(FeedReport { outcome: FeedOutcome::Overtaken, offers: 0, bad: 0, buckets: 0 });
        };
        let loaded = tokio::time::timeout(remaining(context, BUDGET), self.load(source)).await;
        let loaded = loaded.unwrap_or(Err(FeedError::TooLate));
        let ended = EndedRun { at: self.clock.now(), failed: loaded.is_err() };
        lease.release(left(context, BUDGET), ended).await;
        loaded
    }

    async fn load(&self, source: &Source) -> Result<FeedReport, FeedError> {
        let (known, version) = self.lists.in_force().await?;
        let now = self.clock.now();
        let known = known.filter(|known| self.still_stands(known, source, now));
        let mark = known
            .as_ref()
            .map_or_else(Mark::default, |known| Mark { etag: known.etag.clone(), last_modified: known.last_modified.clone() });
        let (mark, named, chunks) = match (source.fetch(&mark).await?, &known) {
            (Fetched::Feed(mark, named, chunks), _) => (mark, named, chunks),
            (Fetched::Unchanged, Some(known)) => return self.note(known.clone(), mark, now, version).await,
            // Nothing was said to be known.
            (Fetched::Unchanged, None) => return Err(FeedError::Status(304)),
        };
        let sorted = feed::read(chunks, named, self.currency).await?.sort();
        self.judge(&sorted)?;
        let digest = sorted.digest();
        match known.filter(|known| known.digest == digest) {
            Some(known) => self.note(PriceList { bad: sorted.report(), ..known }, mark, now, version).await,
            None => self.replace(&sorted, digest, source, mark, version).await,
        }
    }

    /// Whether what is in force came from this feed, and need not be written anew.
    fn still_stands(&self, known: &PriceList, source: &Source, now: Timestamp) -> bool {
        known.source == source.address() && known.currency == self.currency && now.since(known.loaded_at) < RENEWED
    }

    fn judge(&self, sorted: &Sorted) -> Result<(), FeedError> {
        for (reason, bad) in sorted.report() {
            tracing::warn!(reason, count = bad.count, first = ?bad.first, "offers of the price feed have no price");
        }
        let (bad, offers, max_percent) = (sorted.mistakes(), sorted.seen, self.max_bad_percent);
        let too_bad = u64::from(bad) * 100 > u64::from(offers) * u64::from(max_percent);
        if too_bad || sorted.offers == 0 { Err(FeedError::TooBad { bad, offers, max_percent }) } else { Ok(()) }
    }

    /// Writes down that the feed still says what is in force.
    async fn note(&self, known: PriceList, mark: Mark, now: Timestamp, version: u64) -> Result<FeedReport, FeedError> {
        let Mark { etag, last_modified } = mark;
        let list = PriceList { etag, last_modified, checked_at: now, ..known };
        self.put(&list, version, FeedOutcome::Unchanged).await
    }

    /// Puts the feed's prices in force.
    async fn replace(
        &self,
        sorted: &Sorted,
        digest: String,
        source: &Source,
        mark: Mark,
        version: u64,
    ) -> Result<FeedReport, FeedError> {
        let now = self.clock.now();
        let generation = self.lists.new_generation()?;
        self.lists.write(&generation, sorted.buckets(), now).await?;
        let list = PriceList {
            generation,
            buckets: sorted.buckets,
            offers: sorted.offers,
            currency: self.currency,
            source: source.address(),
            etag: mark.etag,
            last_modified: mark.last_modified,
            digest,
            bad: sorted.report(),
            loaded_at: now,
            checked_at: now,
        };
        self.put(&list, version, FeedOutcome::Loaded).await
    }

    async fn put(&self, list: &PriceList, version: u64, done: FeedOutcome) -> Result<FeedReport, FeedError> {
        let outcome = match self.lists.put_in_force(list, version).await? {
            Written::Yes => done,
            Written::Conflict => FeedOutcome::Overtaken,
        };
        let bad = count(&list.bad);
        Ok(FeedReport { outcome, offers: list.offers, bad, buckets: list.buckets })
    }
}
