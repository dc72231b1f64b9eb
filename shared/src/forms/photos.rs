//! Photos in forms. They come as base64 among the fields, are objects in S3 while the form is stored, and base64 again for the
//! shop. What a photo is, its content says, not its sender. Never more than one chunk of a photo is decoded at a time.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use base64::Engine as _;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http_body::{Frame, SizeHint};
use serde_json::{Map, Value};

use crate::forms::submission::{Photo, RETENTION_DAYS};
use crate::platform::aws::{self, cause};
use crate::platform::decoding::{self, BASE64, does_not_count};
use crate::platform::env::Env;
use crate::platform::ids::SubmissionId;

/// How much base64 is decoded at a time; whole groups of four.
const CHUNK: usize = 64 * 1024;
/// How much of a text shows what it is, in base64; whole groups of four.
const HEAD: usize = 256;
/// The shortest bare base64 that is taken for a photo: shorter texts are what people write.
const SHORTEST: usize = 512;
/// The photos of one form.
const MOST: usize = 20;
/// How many of them are on their way at once.
const AT_ONCE: usize = 4;
/// How long S3 may take for one of them: an attempt, all attempts.
const LIMITS: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(6));
/// What a photo may be.
const KINDS: [(&str, &str); 5] =
    [("image/jpeg", "jpg"), ("image/png", "png"), ("image/webp", "webp"), ("image/heif", "heic"), ("image/gif", "gif")];

/// A photo as it came.
#[derive(Clone)]
pub struct Picture {
    pointer: String,
    kind: (&'static str, &'static str),
    bytes: u64,
    data_url: bool,
    base64: Arc<str>,
}

/// What is wrong with a form's photos.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPhoto {
    /// A `data:` URL with something else in it.
    #[error("field `data{0}`: must be a photo (JPEG, PNG, WebP, HEIC or GIF) as base64")]
    NoPhoto(String),
    /// More than a form has.
    #[error("field `data`: must hold at most {MOST} photos")]
    TooMany,
}

/// S3 could not do it.
#[derive(Debug, thiserror::Error)]
#[error("S3 {action}: {cause}")]
pub struct PhotoError {
    action: &'static str,
    cause: String,
}

fn failed<E: ProvideErrorMetadata>(action: &'static str, error: &SdkError<E>) -> PhotoError {
    PhotoError { action, cause: cause(error) }
}

/// Takes the photos out of a form's fields, leaving null where they were.
pub fn take_out(data: &mut Map<String, Value>) -> Result<Vec<Picture>, BadPhoto> {
    let mut found = Vec::new();
    let mut pointer = String::new();
    for (name, value) in data {
        search(value, &mut pointer, name, &mut found)?;
    }
    if found.len() > MOST { Err(BadPhoto::TooMany) } else { Ok(found) }
}

fn search(value: &mut Value, pointer: &mut String, step: &str, found: &mut Vec<Picture>) -> Result<(), BadPhoto> {
    let length = pointer.len();
    pointer.push('/');
    // RFC 6901, section 3.
    pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::String(text) => {
            if let Some(picture) = picture(text, pointer)? {
                *value = Value::Null;
                found.push(picture);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter_mut().enumerate() {
                search(value, pointer, &index.to_string(), found)?;
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                search(value, pointer, name, found)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    pointer.truncate(length);
    Ok(())
}

/// The photo that a text is, if it is one.
fn picture(text: &str, pointer: &str) -> Result<Option<Picture>, BadPhoto> {
    let in_url = in_data_url(text);
    let base64 = match &in_url {
        Some(base64) => base64.as_ref(),
        None if text.len() < SHORTEST => return Ok(None),
        None => text,
    };
    let base64 = decoding::in_one_piece(base64);
    match kind(&base64).zip(size(&base64)) {
        Some((kind, bytes)) => {
            let data_url = in_url.is_some();
            Ok(Some(Picture { pointer: pointer.to_owned(), kind, bytes, data_url, base64: base64.into() }))
        }
        None if in_url.is_some() => Err(BadPhoto::NoPhoto(pointer.to_owned())),
        None => Ok(None),
    }
}

/// What is in a `data:` URL (RFC 2397) as base64: the words in any case, its signs maybe percent-encoded.
fn in_data_url(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim_start_matches(does_not_count);
    let (scheme, rest) = text.split_at_checked("data:".len())?;
    let (head, data) = rest.split_once(',').filter(|_| scheme.eq_ignore_ascii_case("data:"))?;
    let (_, last) = head.rsplit_once(';')?;
    if !last.trim().eq_ignore_ascii_case("base64") {
        return None;
    }
    percent_encoding::percent_decode_str(data).decode_utf8().ok()
}

fn kind(base64: &str) -> Option<(&'static str, &'static str)> {
    let head = BASE64.decode(base64.as_bytes().get(..HEAD).unwrap_or(base64.as_bytes())).ok()?;
    let media_type = infer::get(&head)?.mime_type();
    KINDS.into_iter().find(|(known, _)| *known == media_type)
}

/// How many bytes a text decodes to, if it is base64 to its end.
fn size(base64: &str) -> Option<u64> {
    let mut buffer = vec![0; CHUNK / 4 * 3];
    let mut size = 0;
    let mut chunks = base64.as_bytes().chunks(CHUNK).peekable();
    while let Some(chunk) = chunks.next() {
        let decoded = BASE64.decode_slice(chunk, &mut buffer).ok()?;
        // Padding is at the end or nowhere.
        if chunks.peek().is_some() && decoded < buffer.len() {
            return None;
        }
        size += decoded as u64;
    }
    Some(size)
}

impl Picture {
    /// Its base64, without what does not count of it.
    #[must_use]
    pub fn base64(&self) -> &str {
        &self.base64
    }

    /// What is stored of it; the `index`-th of a submission that is kept for so many days.
    #[must_use]
    pub fn photo(&self, submission: &SubmissionId, days: u32, index: usize) -> Photo {
        debug_assert!(RETENTION_DAYS.contains(&days), "the bucket has a rule for each");
        let (media_type, extension) = self.kind;
        Photo {
            pointer: self.pointer.clone(),
            media_type: media_type.to_owned(),
            bytes: self.bytes,
            data_url: self.data_url,
            key: format!("photos/{days}d/{submission}/{index}.{extension}"),
        }
    }
}

/// A photo's bytes, decoded as they are sent.
struct Decoded {
    base64: Arc<str>,
    at: usize,
    left: u64,
}

impl http_body::Body for Decoded {
    type Data = Bytes;
    type Error = base64::DecodeError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let text = self.base64.as_bytes().get(self.at..).unwrap_or_default();
        let chunk = text.get(..CHUNK).unwrap_or(text);
        if chunk.is_empty() {
            return Poll::Ready(None);
        }
        let length = chunk.len();
        let decoded = BASE64.decode(chunk);
        self.at += length;
        Poll::Ready(Some(decoded.map(|bytes| {
            self.left = self.left.saturating_sub(bytes.len() as u64);
            Frame::data(bytes.into())
        })))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// The bucket with the photos of forms.
#[derive(Clone, Debug)]
pub struct Photos {
    client: aws_sdk_s3::Client,
    bucket: String,
}

impl Photos {
    /// Reads `FORM_PHOTOS_BUCKET`, and `S3_ENDPOINT` (this machine only).
    pub fn from_env(env: &mut Env) -> Option<Self> {
        let bucket = env.required("FORM_PHOTOS_BUCKET");
        let client = aws::s3_from_env(env, Some(LIMITS));
        Some(Self { client: client?, bucket: bucket? })
    }

    /// Stores pictures as the photos made of them, all of them or an error. The same again is no change.
    pub async fn put(&self, pictures: &[Picture], photos: &[Photo]) -> Result<(), PhotoError> {
        let puts: Vec<_> = pictures.iter().zip(photos).map(|(picture, photo)| self.put_one(picture, photo)).collect();
        stream::iter(puts).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn put_one(&self, picture: &Picture, photo: &Photo) -> Result<(), PhotoError> {
        let (base64, left) = (Arc::clone(&picture.base64), photo.bytes);
        // Begun anew for every attempt.
        let body = SdkBody::retryable(move || SdkBody::from_body_1_x(Decoded { base64: Arc::clone(&base64), at: 0, left }));
        let length = i64::try_from(photo.bytes).unwrap_or(i64::MAX);
        let put = self.client.put_object().bucket(&self.bucket).key(&photo.key).content_type(&photo.media_type);
        let put = put.content_length(length).body(ByteStream::new(body));
        put.send().await.map_err(|error| failed("PutObject", &error))?;
        Ok(())
    }

    pub async fn bytes(&self, photo: &Photo) -> Result<Bytes, PhotoError> {
        let get = self.client.get_object().bucket(&self.bucket).key(&photo.key);
        let object = get.send().await.map_err(|error| failed("GetObject", &error))?;
        let bytes = object.body.collect().await;
        let bytes = bytes.map_err(|error| PhotoError { action: "GetObject", cause: error.to_string() })?;
        Ok(bytes.into_bytes())
    }

    /// Photos as base64 again, in their order, as much as is needed at once.
    pub async fn base64(&self, photos: &[Photo]) -> Result<Vec<String>, PhotoError> {
        let gets: Vec<_> = photos.iter().map(|photo| self.base64_of(photo)).collect();
        stream::iter(gets).buffered(AT_ONCE).try_collect().await
    }

    /// A link to a photo, that gives its holder the photo within `lifetime`: as a file to be saved, of its own media type.
    pub async fn link(&self, photo: &Photo, lifetime: Duration) -> Result<String, PhotoError> {
        let failed = |error: &dyn std::fmt::Display| PhotoError { action: "presigning", cause: error.to_string() };
        let lifetime = PresigningConfig::expires_in(lifetime).map_err(|error| failed(&error))?;
        let get = self.client.get_object().bucket(&self.bucket).key(&photo.key);
        let get = get.response_content_type(&photo.media_type).response_content_disposition("attachment");
        let link = get.presigned(lifetime).await.map_err(|error| failed(&error))?;
        Ok(link.uri().to_owned())
    }

    async fn base64_of(&self, photo: &Photo) -> Result<String, PhotoError> {
        Ok(base64::engine::general_purpose::STANDARD.encode(self.bytes(photo).await?))
    }

    /// Deletes photos, whether they are there or not.
    pub async fn delete(&self, photos: &[Photo]) -> Result<(), PhotoError> {
        if photos.is_empty() {
            return Ok(());
        }
        let objects = photos.iter().map(|photo| ObjectIdentifier::builder().key(&photo.key).build());
        let incomplete = |error: aws_sdk_s3::error::BuildError| PhotoError { action: "DeleteObjects", cause: error.to_string() };
        let objects = objects.collect::<Result<_, _>>().map_err(incomplete)?;
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(incomplete)?;
        let delete = self.client.delete_objects().bucket(&self.bucket).delete(delete);
        let output = delete.send().await.map_err(|error| failed("DeleteObjects", &error))?;
        match output.errors().first() {
            None => Ok(()),
            Some(error) => {
                let cause = error.code().unwrap_or("refused without a code").to_owned();
                Err(PhotoError { action: "DeleteObjects", cause })
            }
        }
    }
}
