//! The YML format (`yml_catalog/shop/offers/offer`), read while it arrives. Of an offer only its id, its product, its price and
//! its currency are looked at. Nothing that XML can refer to is expanded or fetched.

use std::ops::ControlFlow;

use bytes::Bytes;
use futures_util::Stream;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{Error, NsReader, XmlVersion};
use shared::platform::decoding::LOST;
use shared::platform::ids::ItemId;
use shared::platform::money::{Currency, Decimal, MoneyError};

use crate::catalogue::{Catalogue, Offer, Reason};
use crate::error::FeedError;
use crate::text::Text;

/// Where the offers are.
const PATH: [&[u8]; 4] = [b"yml_catalog", b"shop", b"offers", b"offer"];
/// How deep elements may be in each other; the reader remembers those that are open.
const MAX_DEPTH: usize = 1000;
/// How long a price or a currency may be: with all white space around it more than any of them.
const MAX_VALUE: usize = 1024;
/// How much of an offer's id is shown, in characters.
const SHOWN: usize = 60;

/// Reads a feed to its end, whose server names its charset or does not. An offer that names no currency is in `currency`, like an order that
/// names none.
pub(crate) async fn read<S>(chunks: S, charset: Option<String>, currency: Currency) -> Result<Catalogue, FeedError>
where
    S: Stream<Item = Result<Bytes, FeedError>> + Unpin,
{
    let mut reader = NsReader::from_reader(Text::new(chunks, charset));
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    // One `&` that is not escaped says nothing of the other offers; with one in it no text is a price.
    config.allow_dangling_amp = true;
    let mut buffer = Vec::new();
    let mut walk = Walk {
        currency,
        catalogue: Catalogue::default(),
        depth: 0,
        on_path: 0,
        ended: false,
        vocabulary: Vocabulary::None,
        draft: None,
        field: None,
        last: None,
    };
    loop {
        buffer.clear();
        let step = match reader.read_resolved_event_into_async(&mut buffer).await {
            Ok((namespace, event)) => walk.step(&event, &namespace),
            Err(error) => match reader.get_mut().take_failure() {
                Some(FeedError::Bomb(bomb)) => Err(FeedError::Bomb(bomb)),
                Some(failure) => return Err(failure),
                None => Err(malformed(&error)),
            },
        };
        let step = match step {
            Ok(ControlFlow::Break(())) => walk.end(),
            Ok(ControlFlow::Continue(())) => continue,
            Err(cause) => Err(cause),
        };
        return match step {
            Ok(()) => Ok(walk.catalogue),
            Err(cause) => Err(FeedError::At { cause: Box::new(cause), line: reader.get_mut().line(), offer: walk.place() }),
        };
    }
}

fn malformed(error: &Error) -> FeedError {
    FeedError::Malformed(error.to_string())
}

/// An element of an offer whose text counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Price,
    Currency,
}

/// An offer while it is read.
#[derive(Default)]
struct Draft {
    id: Option<ItemId>,
    /// What the id was if it cannot be one.
    wrong_id: Option<String>,
    group: Option<ItemId>,
    price: Option<String>,
    from: bool,
    currency: Option<String>,
}

impl Draft {
    fn take(&mut self, field: Field, text: &str) {
        let value = match field {
            Field::Price => &mut self.price,
            Field::Currency => &mut self.currency,
        };
        let value = value.get_or_insert_default();
        let fits = value.len() + text.len() <= MAX_VALUE;
        // No price has this letter.
        value.push_str(if fits { text } else { "…" });
    }

    /// The offer, or what is wrong with it.
    fn judge(&self, shop: Currency) -> Result<Offer<'_>, (Reason, String)> {
        let Some(id) = &self.id else {
            return Err((Reason::NoId, self.wrong_id.clone().unwrap_or_default()));
        };
        let said = |what: &str| format!("{id}: {what}");
        let currency = self.currency.as_deref().map(str::trim).unwrap_or_default();
        // RUR is the rouble's code from before 1998, which YML still takes.
        let same = currency.is_empty()
            || currency.eq_ignore_ascii_case("RUR") && shop == Currency::Rub
            || Currency::parse(currency) == Ok(shop);
        let price = self.price.as_deref().map(str::trim).unwrap_or_default();
        if price.is_empty() {
            Err((Reason::NoPrice, id.to_string()))
        } else if self.from {
            Err((Reason::From, said(price)))
        } else if !same {
            Err((Reason::Currency, said(currency)))
        } else {
            match Decimal::parse_written(price, shop) {
                Ok(price) if price.hundredths() == 0 => Err((Reason::OnRequest, id.to_string())),
                Ok(price) => Ok(Offer { id, group: self.group.as_ref(), price }),
                Err(MoneyError::Currency) => Err((Reason::Currency, said(price))),
                Err(_) => Err((Reason::Unreadable, said(price))),
            }
        }
    }
}

/// Where in the document it is, and what came so far.
struct Walk {
    currency: Currency,
    catalogue: Catalogue,
    /// How many elements are open.
    depth: usize,
    /// How many of them are those of [`PATH`].
    on_path: usize,
    /// The one root element is closed.
    ended: bool,
    /// The root's namespace. What is in another one, like a `<g:price>`, is another vocabulary's.
    vocabulary: Vocabulary,
    draft: Option<Draft>,
    field: Option<Field>,
    /// The id of the offer that was read last.
    last: Option<String>,
}

/// Where an element's name comes from.
#[derive(Clone, PartialEq, Eq)]
enum Vocabulary {
    /// It says no namespace.
    None,
    Named(Vec<u8>),
    /// Its prefix is not defined.
    Unknown,
}

impl Vocabulary {
    fn of(namespace: &ResolveResult<'_>) -> Self {
        match namespace {
            ResolveResult::Unbound => Self::None,
            ResolveResult::Bound(Namespace(name)) => Self::Named(name.to_vec()),
            ResolveResult::Unknown(_) => Self::Unknown,
        }
    }
}

impl Walk {
    /// Takes the next piece of the document; breaks at its end.
    fn step(&mut self, event: &Event<'_>, namespace: &ResolveResult<'_>) -> Result<ControlFlow<()>, FeedError> {
        match event {
            Event::Start(element) => self.open(element, namespace)?,
            Event::End(_) => self.close()?,
            Event::Text(text) => self.text(&text.decode().map_err(|error| malformed(&error.into()))?),
            Event::CData(text) => self.text(&text.decode().map_err(|error| malformed(&error.into()))?),
            Event::GeneralRef(reference) => self.reference(reference),
            // `<!DOCTYPE yml_catalog SYSTEM "shops.dtd">` is usual, and is not fetched. Definitions of its own have no use.
            Event::DocType(text) if text.contains(&b'[') => return Err(FeedError::Bomb("definitions of its own in its DOCTYPE")),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    }

    fn open(&mut self, element: &BytesStart<'_>, namespace: &ResolveResult<'_>) -> Result<(), FeedError> {
        let name = element.local_name();
        if self.ended || (self.depth == 0 && name.as_ref() != PATH[0]) {
            return Err(FeedError::NotAFeed("its one root element must be yml_catalog"));
        }
        if self.depth >= MAX_DEPTH {
            return Err(FeedError::Bomb("elements more than 1000 deep in each other"));
        }
        let vocabulary = Vocabulary::of(namespace);
        if self.depth == 0 {
            self.vocabulary = vocabulary.clone();
        }
        let is_ours = vocabulary == self.vocabulary && vocabulary != Vocabulary::Unknown;
        let name = if is_ours { name.as_ref() } else { b"" };
        if self.depth == self.on_path && PATH.get(self.on_path) == Some(&name) {
            self.on_path += 1;
            if self.on_path == PATH.len() {
                self.draft = Some(draft(element));
            }
        } else if self.depth == PATH.len()
            && let Some(draft) = &mut self.draft
        {
            self.field = match name {
                b"price" => Some(Field::Price),
                b"currencyId" => Some(Field::Currency),
                _ => None,
            };
            if let Some(field) = self.field {
                draft.begin(field, element);
            }
        } else if let Some((field, draft)) = self.field.zip(self.draft.as_mut()) {
            // No amount is made of elements.
            draft.take(field, "<");
        }
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<(), FeedError> {
        self.depth = self.depth.saturating_sub(1);
        self.on_path = self.on_path.min(self.depth);
        self.ended = self.depth == 0;
        if self.depth == PATH.len() {
            self.field = None;
        } else if self.depth + 1 == PATH.len()
            && let Some(draft) = self.draft.take()
        {
            self.last = draft.name();
            return match draft.judge(self.currency) {
                Ok(offer) => self.catalogue.add(&offer),
                Err((reason, shown)) => self.catalogue.refuse(reason, &shown, draft.group.as_ref()),
            };
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some((field, draft)) = self.field.zip(self.draft.as_mut()) {
            draft.take(field, text);
        }
    }

    /// `&#49;` is a 1; what a name stands for is not looked up, and no amount has one.
    fn reference(&mut self, reference: &BytesRef<'_>) {
        let character = reference.resolve_char_ref().ok().flatten();
        self.text(character.unwrap_or('&').encode_utf8(&mut [0; 4]));
    }

    fn end(&self) -> Result<(), FeedError> {
        if !self.ended {
            return Err(FeedError::Malformed(if self.depth == 0 { "it is empty" } else { "it is cut off" }.to_owned()));
        }
        if self.catalogue.seen() == 0 {
            return Err(FeedError::NotAFeed("it has no offers"));
        }
        Ok(())
    }

    /// Where this is, for the reader of the log.
    fn place(&self) -> String {
        let shown = |id: &String| id.chars().take(SHOWN).collect::<String>();
        match (self.draft.as_ref().map(Draft::name), &self.last) {
            (Some(Some(id)), _) => format!("in offer {}", shown(&id)),
            (Some(None), _) => "in an offer without an id".to_owned(),
            (None, Some(id)) => format!("after offer {}", shown(id)),
            (None, None) => "before the first offer".to_owned(),
        }
    }
}

impl Draft {
    fn name(&self) -> Option<String> {
        self.id.as_ref().map(ToString::to_string).or_else(|| self.wrong_id.clone())
    }

    /// An element begins whose text counts. With a second one of its kind nothing is certain.
    fn begin(&mut self, field: Field, element: &BytesStart<'_>) {
        let again = match field {
            Field::Price => self.price.is_some(),
            Field::Currency => self.currency.is_some(),
        };
        self.take(field, if again { " and " } else { "" });
        if field == Field::Price {
            let are_read =
                each_attribute(element, |name, value| self.from |= name == b"from" && !value.is_some_and(|value| is_no(&value)));
            self.from |= !are_read;
        }
    }
}

/// The price is that, and not only where it begins. What says neither is no certain price.
fn is_no(from: &str) -> bool {
    matches!(from.trim().to_ascii_lowercase().as_str(), "false" | "0" | "no" | "")
}

fn draft(element: &BytesStart<'_>) -> Draft {
    let mut draft = Draft::default();
    let are_read = each_attribute(element, |name, value| match name {
        b"id" => {
            let value = value.unwrap_or_default();
            // U+FFFD stands for what could not be read.
            draft.id = ItemId::parse(&value).ok().filter(|id| !id.as_str().contains(LOST));
            draft.wrong_id = Some(value);
        }
        b"group_id" => draft.group = value.and_then(|value| ItemId::parse(&value).ok()),
        _ => {}
    });
    if !are_read {
        // An attribute may have been swallowed by another one.
        draft.wrong_id = draft.name();
        draft.id = None;
    }
    draft
}

/// Gives every attribute and its value, which is none if it refers to something undefined. Not, and no more of them, if one of them cannot
/// be read.
fn each_attribute(element: &BytesStart<'_>, mut take: impl FnMut(&[u8], Option<String>)) -> bool {
    // Not checked for doubles, which takes ever longer the more there are: the last one counts.
    for attribute in element.attributes().with_checks(false) {
        let Ok(attribute) = attribute else { return false };
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        take(attribute.key.as_ref(), value.ok().map(std::borrow::Cow::into_owned));
    }
    true
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    /// What comes of a feed that arrives in pieces of that size.
    async fn came_of(bytes: &[u8], piece: usize) -> String {
        let pieces = bytes.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece)));
        match read(stream::iter(pieces), None, Currency::Rub).await {
            Ok(catalogue) => {
                let sorted = catalogue.sort();
                format!("{} of {}: {} {:?}", sorted.offers, sorted.seen, sorted.digest(), sorted.report())
            }
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn the_outcome_does_not_depend_on_how_the_bytes_arrive() {
        let long = "я &".repeat(60_000);
        let feed = |offers: &str| {
            format!("<yml_catalog><shop><offers>\n<offer id='a'><price>5</price></offer>{offers}</offers></shop></yml_catalog>")
        };
        for text in [
            feed(""),
            feed(&format!("<offer id='b'><d>{long}</d><price>7</price></offer>")),
            feed(&format!("<offer id='b'><d><![CDATA[{long}]]></d><price>7</price></offer>")),
            feed(&format!("<offer id='b'><d x=\"{long}\"/><price>7</price></offer>")),
            feed(&format!("<offer id='b'><!--{long}--><price>7</price></offer>")),
            feed(&format!("<offer id='{long}'><price>7</price></offer>")),
            feed(&format!("<offer id='b'><price>7{long}</price></offer>")),
            feed(&format!("<offer {}>", "x".repeat(200_000))),
            feed(&"<p>".repeat(1_200)),
            feed("<offer id='b'><price>7</prise></offer>"),
            feed("\n\n<offer id='b'>\n<price>7</price>"),
        ] {
            let whole = came_of(text.as_bytes(), text.len()).await;
            for piece in [1, 7, 4096, 65_536] {
                assert_eq!(came_of(text.as_bytes(), piece).await, whole, "pieces of {piece}: {}", &text[..80]);
            }
        }
    }
}
