//! Where the feed is: behind an address of the web, or an object in S3. Asked for only if it has changed.

use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use shared::platform::aws;
use shared::platform::decoding::charset;
use shared::platform::env::{Env, parse_url};
use shared::platform::outbound::Http;
use url::Url;

use crate::error::FeedError;

/// How long the feed's server may take until its answer begins.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the feed's server calls this version of the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

/// A feed's bytes as they arrive.
pub(crate) type Chunks = BoxStream<'static, Result<Bytes, FeedError>>;

/// What the feed's server answered.
pub(crate) enum Fetched {
    Unchanged,
    /// With the charset that its `Content-Type` names.
    Feed(Mark, Option<String>, Chunks),
}

/// Where the feed is.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Web { http: reqwest::Client, url: Url },
    Object { client: aws_sdk_s3::Client, bucket: String, key: String },
}

/// `PRICE_FEED_URL`, read.
enum Address {
    Web(Url),
    Object { bucket: String, key: String },
}

fn parse(text: &str) -> Result<Address, String> {
    if let Some(object) = text.strip_prefix("s3://") {
        let (bucket, key) = object
            .split_once('/')
            .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
            .ok_or("must be s3://bucket/key")?;
        return Ok(Address::Object { bucket: bucket.to_owned(), key: key.to_owned() });
    }
    let url = parse_url(text)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must have no password in it".to_owned());
    }
    Ok(Address::Web(url))
}

impl Source {
    /// Reads `PRICE_FEED_URL`; nothing inside if it is not set. For an object also `S3_ENDPOINT` (this machine only),
    /// `AWS_REGION` and the credentials, like the store.
    #[expect(clippy::option_option, reason = "the outer one is that of every setting: none if it is wrong")]
    pub(crate) fn from_env(env: &mut Env, http: &Http) -> Option<Option<Self>> {
        if env.optional("PRICE_FEED_URL").is_none() {
            return Some(None);
        }
        Some(Some(match env.parsed("PRICE_FEED_URL", parse)? {
            Address::Web(url) => Self::Web { http: http.client().clone(), url },
            Address::Object { bucket, key } => Self::Object { client: aws::s3_from_env(env, None)?, bucket, key },
        }))
    }

    /// The feed's address.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Web { url, .. } => url.to_string(),
            Self::Object { bucket, key, .. } => format!("s3://{bucket}/{key}"),
        }
    }

    /// Asks for the feed, unless it still is the version with this mark.
    pub(crate) async fn fetch(&self, known: &Mark) -> Result<Fetched, FeedError> {
        let answer = async {
            match self {
                Self::Web { http, url } => fetch(http, url, known).await,
                Self::Object { client, bucket, key } => get(client, bucket, key, known).await,
            }
        };
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        answer.unwrap_or_else(|_| Err(FeedError::Fetch("no answer within 30 s".to_owned())))
    }
}

async fn fetch(http: &reqwest::Client, url: &Url, known: &Mark) -> Result<Fetched, FeedError> {
    // Unzipped by its first bytes, whether the file is a gzip or its server makes it one.
    let mut request = http.get(url.clone()).header(ACCEPT_ENCODING, "gzip");
    for (name, value) in [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let answer = request.send().await.map_err(unanswered)?;
    let header = |name: HeaderName| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    match answer.status() {
        StatusCode::NOT_MODIFIED if *known != Mark::default() => Ok(Fetched::Unchanged),
        StatusCode::OK => {
            let mark = Mark { etag: header(ETAG), last_modified: header(LAST_MODIFIED) };
            let named = header(CONTENT_TYPE).as_deref().and_then(charset_of_text);
            Ok(Fetched::Feed(mark, named, answer.bytes_stream().map_err(unanswered).boxed()))
        }
        status => Err(FeedError::Status(status.as_u16())),
    }
}

/// The charset that a `Content-Type` names of a text (RFC 7303, 3.2). What is called something else, a packed file say, has none: the name is
/// that of a server which guesses (`application/octet-stream; charset=binary`).
fn charset_of_text(content_type: &str) -> Option<String> {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_text = kind.starts_with("text/") || kind.ends_with("/xml") || kind.ends_with("+xml") || kind.ends_with("/x-yml");
    charset(content_type).filter(|_| is_text)
}

/// `without_url`: the address may carry what gives access to it.
fn unanswered(error: reqwest::Error) -> FeedError {
    FeedError::Fetch(causes(&error.without_url()))
}

fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string);
    std::iter::once(error.to_string()).chain(causes).collect::<Vec<_>>().join(": ")
}

async fn get(client: &aws_sdk_s3::Client, bucket: &str, key: &str, known: &Mark) -> Result<Fetched, FeedError> {
    // Every object has an ETag, so its time is not needed.
    let request = client.get_object().bucket(bucket).key(key).set_if_none_match(known.etag.clone());
    match request.send().await {
        Ok(object) => {
            let mark = Mark { etag: object.e_tag, last_modified: None };
            let named = object.content_type.as_deref().and_then(charset_of_text);
            let chunks = stream::try_unfold(object.body, async |mut body| {
                let chunk = body.try_next().await.map_err(|error| FeedError::Fetch(causes(&error)))?;
                Ok(chunk.map(|chunk| (chunk, body)))
            });
            Ok(Fetched::Feed(mark, named, chunks.boxed()))
        }
        Err(error) => refused(&error),
    }
}

fn refused(error: &SdkError<GetObjectError>) -> Result<Fetched, FeedError> {
    match (error.raw_response().map(|response| response.status().as_u16()), error.as_service_error()) {
        (Some(304), _) => Ok(Fetched::Unchanged),
        (Some(_), Some(refusal)) => Err(FeedError::Fetch(format!("S3 says {}", refusal.code().unwrap_or("no without a code")))),
        (Some(status), None) => Err(FeedError::Status(status)),
        (None, _) => Err(FeedError::Fetch("S3 could not be reached".to_owned())),
    }
}
