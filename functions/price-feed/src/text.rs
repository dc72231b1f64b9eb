//! The feed's text while it arrives: unpacked if it is a gzip file, decoded if it is not UTF-8, cut short where it is far too long, and
//! never more of it in memory than a piece.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use futures_util::{Stream, StreamExt as _};
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

use shared::platform::decoding::{declared, find};

use crate::error::FeedError;
use crate::packing::Packing;
use crate::trim::Trim;

/// How much of a feed is read, unzipped.
const MAX_FEED: u64 = 4 * 1024 * 1024 * 1024;
/// Where the XML declaration is looked for.
const HEAD: usize = 256;
/// What the bytes mean.
enum Coding {
    /// Too few of them came to say.
    Unknown(Vec<u8>),
    Known(Decoder),
}

/// A feed's text as UTF-8.
pub(crate) struct Text<S> {
    chunks: S,
    /// The charset that its server names.
    charset: Option<String>,
    /// A server may pack a file that is packed already.
    packings: [Packing; 2],
    coding: Coding,
    decoded: String,
    trim: Trim,
    /// What is left of it.
    piece: Vec<u8>,
    /// How much of it has been read.
    at: usize,
    /// Bytes so far, unpacked.
    total: u64,
    /// Bytes that have been read.
    read: u64,
    /// Ends of lines in them, and in what was cut off between them.
    lines: u64,
    ended: bool,
    /// Behind what is to be read.
    failed: Option<FeedError>,
    failure: Option<FeedError>,
}

impl<S: Stream<Item = Result<Bytes, FeedError>> + Unpin> Text<S> {
    pub(crate) fn new(chunks: S, charset: Option<String>) -> Self {
        Self {
            chunks,
            charset,
            packings: [Packing::default(), Packing::default()],
            coding: Coding::Unknown(Vec::new()),
            decoded: String::new(),
            trim: Trim::default(),
            piece: Vec::new(),
            at: 0,
            total: 0,
            read: 0,
            lines: 0,
            ended: false,
            failed: None,
            failure: None,
        }
    }

    /// The line that has been read last.
    pub(crate) fn line(&self) -> u64 {
        self.lines + 1
    }

    /// Why reading failed, if it was not the XML.
    pub(crate) fn take_failure(&mut self) -> Option<FeedError> {
        self.failure.take()
    }

    fn packed(&mut self, bytes: &[u8], last: bool) -> Result<(), FeedError> {
        let [mut outer, mut inner] = std::mem::take(&mut self.packings);
        let unpacked =
            outer.unpack(bytes, last, &mut |bytes, last| inner.unpack(bytes, last, &mut |bytes, _| self.unpacked(bytes)));
        self.packings = [outer, inner];
        unpacked
    }

    fn unpacked(&mut self, bytes: &[u8]) -> Result<(), FeedError> {
        self.total += bytes.len() as u64;
        if self.total > MAX_FEED {
            return Err(FeedError::TooLarge);
        }
        match &mut self.coding {
            Coding::Known(_) => self.decode(bytes, false),
            Coding::Unknown(head) => {
                head.extend_from_slice(bytes);
                if head.len() >= HEAD { self.find_coding() } else { Ok(()) }
            }
        }
    }

    fn find_coding(&mut self) -> Result<(), FeedError> {
        let Coding::Unknown(head) = &mut self.coding else { return Ok(()) };
        let head = std::mem::take(head);
        self.coding = Coding::Known(coding(&head, self.charset.as_deref())?.new_decoder_with_bom_removal());
        self.decode(&head, false)
    }

    fn decode(&mut self, bytes: &[u8], last: bool) -> Result<(), FeedError> {
        let Coding::Known(decoder) = &mut self.coding else { return Ok(()) };
        if self.at == self.piece.len() {
            self.piece.clear();
            self.at = 0;
        }
        self.decoded.clear();
        self.decoded.reserve(decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len()));
        // What is not of the encoding becomes U+FFFD: harmless in a description, refused in an id or a price.
        let _ = decoder.decode_to_string(bytes, &mut self.decoded, last);
        self.trim.push(self.decoded.as_bytes(), &mut self.piece)
    }

    fn end(&mut self) -> Result<(), FeedError> {
        self.packed(&[], true)?;
        self.find_coding()?;
        self.decode(&[], true)?;
        self.ended = true;
        Ok(())
    }

    fn poll_text(&mut self, context: &mut Context<'_>) -> Poll<Result<(), FeedError>> {
        while self.at == self.piece.len() {
            // What came before a failure is read before it, however both arrived.
            if let Some(failed) = self.failed.take() {
                return Poll::Ready(Err(failed));
            }
            if self.ended {
                break;
            }
            let taken = match ready!(self.chunks.poll_next_unpin(context)) {
                Some(chunk) => chunk.and_then(|chunk| self.packed(&chunk, false)),
                None => self.end(),
            };
            self.failed = taken.err();
        }
        Poll::Ready(Ok(()))
    }
}

/// The encoding of the text: by its mark of byte order, else by its server's word, else by its XML declaration (RFC 7303, 3); UTF-8 without
/// any.
fn coding(head: &[u8], by_server: Option<&str>) -> Result<&'static Encoding, FeedError> {
    if let Some((marked, _)) = Encoding::for_bom(head) {
        return Ok(marked);
    }
    let by_document = declared(head);
    if let (Some(server), Some(document)) = (by_server, &by_document)
        && find(server) != find(document)
    {
        tracing::warn!(server, document, "the feed's server and its XML declaration name two charsets: the server's counts");
    }
    let (name, by) = match (by_server, by_document) {
        (Some(name), _) => (name.to_owned(), "its server's Content-Type"),
        (None, Some(name)) => (name, "its XML declaration"),
        (None, None) => return Ok(UTF_8),
    };
    let found = find(&name).ok_or(FeedError::Charset { name, by })?;
    // A declaration that can be read in single bytes is wrong about two: programs write it so into UTF-8.
    let is_wide = [UTF_16LE, UTF_16BE].contains(&found);
    Ok(if is_wide && by_server.is_none() { UTF_8 } else { found })
}

impl<S: Stream<Item = Result<Bytes, FeedError>> + Unpin> AsyncBufRead for Text<S> {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        match ready!(this.poll_text(context)) {
            Ok(()) => Poll::Ready(Ok(&this.piece[this.at..])),
            Err(error) => {
                this.failure = Some(error);
                Poll::Ready(Err(io::Error::other("the feed could not be read on")))
            }
        }
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        let read = &this.piece[this.at..this.at + amount];
        this.lines += read.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        this.at += amount;
        this.read += amount as u64;
        this.lines += this.trim.lost_before(this.read);
    }
}

impl<S: Stream<Item = Result<Bytes, FeedError>> + Unpin> AsyncRead for Text<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let bytes = ready!(self.as_mut().poll_fill_buf(context))?;
        let amount = bytes.len().min(buffer.remaining());
        buffer.put_slice(&bytes[..amount]);
        self.consume(amount);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::io::AsyncBufReadExt as _;

    use super::*;

    #[tokio::test]
    async fn a_feed_is_read_up_to_its_largest_size() {
        for (before, fits) in [(MAX_FEED - 4, true), (MAX_FEED - 3, false)] {
            let mut text = Text::new(stream::iter([Ok(Bytes::from_static(b"<a/>"))]), None);
            text.total = before;
            assert_eq!(text.fill_buf().await.is_ok(), fits);
            assert_eq!(matches!(text.take_failure(), Some(FeedError::TooLarge)), !fits);
        }
    }

    #[test]
    fn an_encoding_is_found_wherever_the_declaration_says_it() {
        for (head, name) in [
            ("", "UTF-8"),
            ("<yml_catalog encoding=\"windows-1251\">", "UTF-8"),
            ("<?xml version=\"1.0\" encoding=\"WINDOWS-1251\"?>", "windows-1251"),
            ("\n<?xml version='1.0' encoding = 'koi8-r'?>", "KOI8-R"),
            ("<?xml version=\"1.0\" encoding=\"win-1251\"?>", "windows-1251"),
            ("<?xml version=\"1.0\" encoding=\"\"?>", "UTF-8"),
            ("<?xml encoding=", "UTF-8"),
            ("<?xml encoding=й?>", "UTF-8"),
        ] {
            assert_eq!(coding(head.as_bytes(), None).unwrap().name(), name, "{head}");
        }
        let unknown = coding(b"<?xml version=\"1.0\" encoding=\"nonsense\"?>", None).unwrap_err();
        assert!(unknown.to_string().contains("the charset `nonsense`"), "{unknown}");
    }
}
