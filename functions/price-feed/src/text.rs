//! The feed's text while it arrives: unzipped if it is a gzip file, decoded if it is not UTF-8, and never more of it in
//! memory than a piece.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use encoding_rs::{Decoder, Encoding, UTF_8};
use flate2::write::MultiGzDecoder;
use futures_util::{Stream, StreamExt as _};
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

use crate::error::FeedError;

/// How much of a feed is read, unzipped.
const MAX_FEED: u64 = 4 * 1024 * 1024 * 1024;
/// How large one tag, text or comment may be; the longest description is far below.
const MAX_EVENT: usize = 1024 * 1024;
/// Where the XML declaration is looked for.
const HEAD: usize = 256;
/// How much is unzipped at once: a thousand times as much comes out at worst.
const ZIPPED_AT_ONCE: usize = 4096;

/// Whether the bytes are zipped.
enum Packing {
    /// Too few of them came to say.
    Unknown(Vec<u8>),
    Plain,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
}

/// What the bytes mean.
enum Coding {
    /// Too few of them came to say.
    Unknown(Vec<u8>),
    Known(Decoder),
}

/// A feed's text as UTF-8.
pub(crate) struct Text<S> {
    chunks: S,
    packing: Packing,
    coding: Coding,
    /// Decoded.
    piece: String,
    /// How much of it has been read.
    at: usize,
    /// Bytes so far, unzipped.
    total: u64,
    /// Bytes since the last [`Self::next_event`].
    event: usize,
    ended: bool,
    failure: Option<FeedError>,
}

impl<S: Stream<Item = Result<Bytes, FeedError>> + Unpin> Text<S> {
    pub(crate) fn new(chunks: S) -> Self {
        Self {
            chunks,
            packing: Packing::Unknown(Vec::new()),
            coding: Coding::Unknown(Vec::new()),
            piece: String::new(),
            at: 0,
            total: 0,
            event: 0,
            ended: false,
            failure: None,
        }
    }

    /// Counts the size of a tag or text anew.
    pub(crate) fn next_event(&mut self) {
        self.event = 0;
    }

    /// Why reading failed, if it was not the XML.
    pub(crate) fn take_failure(&mut self) -> Option<FeedError> {
        self.failure.take()
    }

    fn packed(&mut self, bytes: &[u8]) -> Result<(), FeedError> {
        match &mut self.packing {
            Packing::Plain => self.unpacked(bytes),
            Packing::Unknown(head) => {
                head.extend_from_slice(bytes);
                if head.len() < 2 {
                    return Ok(());
                }
                let head = std::mem::take(head);
                let gzip = head.starts_with(&[0x1f, 0x8b]);
                self.packing = if gzip { Packing::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))) } else { Packing::Plain };
                self.packed(&head)
            }
            Packing::Gzip(_) => bytes.chunks(ZIPPED_AT_ONCE).try_for_each(|bytes| self.zipped(bytes)),
        }
    }

    fn zipped(&mut self, bytes: &[u8]) -> Result<(), FeedError> {
        let Packing::Gzip(decoder) = &mut self.packing else { return Ok(()) };
        decoder.write_all(bytes).map_err(|_| FeedError::Gzip)?;
        let plain = std::mem::take(decoder.get_mut());
        self.unpacked(&plain)
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
                if head.len() >= HEAD { self.find_coding() } else { return Ok(()) }
            }
        }
        Ok(())
    }

    fn find_coding(&mut self) {
        if let Coding::Unknown(head) = &mut self.coding {
            let head = std::mem::take(head);
            self.coding = Coding::Known(coding(&head).new_decoder_with_bom_removal());
            self.decode(&head, false);
        }
    }

    fn decode(&mut self, bytes: &[u8], last: bool) {
        let Coding::Known(decoder) = &mut self.coding else { return };
        if self.at == self.piece.len() {
            self.piece.clear();
            self.at = 0;
        }
        self.piece.reserve(decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len()));
        // What is not of the encoding becomes U+FFFD: harmless in a description, refused in an id or a price.
        let _ = decoder.decode_to_string(bytes, &mut self.piece, last);
    }

    fn end(&mut self) -> Result<(), FeedError> {
        if let Packing::Unknown(head) = &mut self.packing {
            let head = std::mem::take(head);
            self.packing = Packing::Plain;
            self.unpacked(&head)?;
        }
        if let Packing::Gzip(decoder) = &mut self.packing {
            decoder.try_finish().map_err(|_| FeedError::Gzip)?;
            let plain = std::mem::take(decoder.get_mut());
            self.unpacked(&plain)?;
        }
        self.find_coding();
        self.decode(&[], true);
        self.ended = true;
        Ok(())
    }

    fn poll_text(&mut self, context: &mut Context<'_>) -> Poll<Result<(), FeedError>> {
        while self.at == self.piece.len() && !self.ended {
            match ready!(self.chunks.poll_next_unpin(context)) {
                Some(chunk) => self.packed(&chunk?)?,
                None => self.end()?,
            }
        }
        Poll::Ready(if self.event > MAX_EVENT { Err(FeedError::Bomb("a tag or text of more than 1 MiB")) } else { Ok(()) })
    }
}

/// The encoding that the text says it has: by its mark of byte order, or by its XML declaration; UTF-8 without either.
fn coding(head: &[u8]) -> &'static Encoding {
    if let Some((marked, _)) = Encoding::for_bom(head) {
        return marked;
    }
    let head = String::from_utf8_lossy(&head[..head.len().min(HEAD)]);
    let declaration = head.trim_start().strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")).map(|(inner, _)| inner);
    let named = declaration.and_then(|inner| inner.split_once("encoding")).and_then(|(_, rest)| {
        let value = rest.trim_start().strip_prefix('=')?.trim_start();
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        value[1..].split_once(quote).map(|(name, _)| name)
    });
    named.and_then(|name| Encoding::for_label(name.as_bytes())).unwrap_or(UTF_8)
}

impl<S: Stream<Item = Result<Bytes, FeedError>> + Unpin> AsyncBufRead for Text<S> {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        match ready!(this.poll_text(context)) {
            Ok(()) => Poll::Ready(Ok(&this.piece.as_bytes()[this.at..])),
            Err(error) => {
                this.failure = Some(error);
                Poll::Ready(Err(io::Error::other("the feed could not be read on")))
            }
        }
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        this.at += amount;
        this.event += amount;
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
            let mut text = Text::new(stream::iter([Ok(Bytes::from_static(b"<a/>"))]));
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
            ("<?xml version=\"1.0\" encoding=\"nonsense\"?>", "UTF-8"),
            ("<?xml encoding=", "UTF-8"),
            ("<?xml encoding=й?>", "UTF-8"),
        ] {
            assert_eq!(coding(head.as_bytes()).name(), name, "{head}");
        }
    }
}
