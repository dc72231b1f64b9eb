//! Why a feed was not loaded. Whatever it is, the prices in force stay.

use shared::platform::dynamodb::StoreError;

/// Said of redirects; 304 is none, but it was not asked for then.
const MOVED: &str = "; a feed that has moved must be set anew in PRICE_FEED_URL, a redirect is not followed";

/// A run that failed.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The feed's server could not be asked, or broke off.
    #[error("the feed could not be fetched: {0}")]
    Fetch(String),
    /// The feed's server answered something else.
    #[error("the feed's server answered with HTTP {0}{hint}", hint = if matches!(.0, 300..=399) { MOVED } else { "" })]
    Status(u16),
    /// A gzip file that is not one to its end.
    #[error("the feed is a broken gzip file")]
    Gzip,
    /// A file that is packed in another way.
    #[error("the feed is a file of {0}; of packed ones gzip and zip are read")]
    Packed(&'static str),
    /// A zip that holds no one file that can be read.
    #[error("the feed is a zip that cannot be read: {0}")]
    Zip(String),
    /// More than is taken.
    #[error("the feed is larger than 4 GiB")]
    TooLarge,
    /// More offers than are taken.
    #[error("the feed has more than 2000000 offers")]
    TooMany,
    /// XML that is made to harm, or as good as.
    #[error("the feed has {0}")]
    Bomb(&'static str),
    /// Not XML, or cut off.
    #[error("the feed is not well-formed XML: {0}")]
    Malformed(String),
    /// In a charset that is unknown here.
    #[error("the feed is in the charset `{name}`, as {by} says, which is not understood: UTF-8 is, and what browsers know")]
    Charset {
        /// What it is called.
        name: String,
        /// Who calls it so.
        by: &'static str,
    },
    /// XML of another kind.
    #[error("this is no product feed: {0}")]
    NotAFeed(&'static str),
    /// The same with its place.
    #[error("{cause} (line {line}, {offer})")]
    At {
        /// What is wrong.
        cause: Box<FeedError>,
        /// Where reading ended, counted from 1.
        line: u64,
        /// In or behind which offer that is.
        offer: String,
    },
    /// More bad offers than are allowed.
    #[error("{bad} of {offers} offers are bad, more than {max_percent} %")]
    TooBad {
        /// How many are bad.
        bad: u32,
        /// How many there are.
        offers: u32,
        /// How many in a hundred may be.
        max_percent: u32,
    },
    /// The run's time is over.
    #[error("the feed took too long")]
    TooLate,
    /// The prices could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
