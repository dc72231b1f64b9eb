//! The YML format (`yml_catalog/shop/offers/offer`), read while it arrives. Of an offer only its id, its product, its price and
//! its currency are looked at. Nothing that XML can refer to is expanded or fetched.

use std::ops::ControlFlow;

use bytes::Bytes;
use futures_util::Stream;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Error, Reader, XmlVersion};
use shared::ids::ItemId;
use shared::money::{Currency, Decimal};

use crate::catalogue::{Catalogue, Offer, Reason};
use crate::error::FeedError;
use crate::text::Text;

/// Where the offers are.
const PATH: [&[u8]; 4] = [b"yml_catalog", b"shop", b"offers", b"offer"];
/// How deep elements may be in each other.
const MAX_DEPTH: usize = 32;
/// How many attributes one element may have.
const MAX_ATTRIBUTES: usize = 64;
/// How much of a price or a currency is kept: more than any of them has.
const MAX_VALUE: usize = 64;

/// Reads a feed to its end. An offer that names no currency is in `currency`, like an order that names none.
pub(crate) async fn read<S>(chunks: S, currency: Currency) -> Result<Catalogue, FeedError>
where
    S: Stream<Item = Result<Bytes, FeedError>> + Unpin,
{
    let mut reader = Reader::from_reader(Text::new(chunks));
    reader.config_mut().expand_empty_elements = true;
    let mut buffer = Vec::new();
    let mut walk =
        Walk { currency, catalogue: Catalogue::default(), depth: 0, on_path: 0, ended: false, draft: None, field: None };
    loop {
        buffer.clear();
        reader.get_mut().next_event();
        let step = match reader.read_event_into_async(&mut buffer).await {
            Ok(event) => walk.step(&event)?,
            Err(error) => return Err(reader.get_mut().take_failure().unwrap_or_else(|| malformed(&error))),
        };
        if step.is_break() {
            return walk.end();
        }
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
        if value.len() <= MAX_VALUE {
            value.push_str(text);
        }
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
            let price = Decimal::parse(price).map_err(|_| (Reason::Unreadable, said(price)))?;
            Ok(Offer { id, group: self.group.as_ref(), price })
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
    draft: Option<Draft>,
    field: Option<Field>,
}

impl Walk {
    /// Takes the next piece of the document; breaks at its end.
    fn step(&mut self, event: &Event<'_>) -> Result<ControlFlow<()>, FeedError> {
        match event {
            Event::Start(element) => self.open(element)?,
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

    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), FeedError> {
        let name = element.local_name();
        let name = name.as_ref();
        if self.ended || (self.depth == 0 && name != PATH[0]) {
            return Err(FeedError::NotAFeed("its one root element must be yml_catalog"));
        }
        if self.depth >= MAX_DEPTH {
            return Err(FeedError::Bomb("elements more than 32 deep in each other"));
        }
        if self.depth == self.on_path && PATH.get(self.on_path) == Some(&name) {
            self.on_path += 1;
            if self.on_path == PATH.len() {
                self.draft = Some(draft(element)?);
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
                draft.begin(field, element)?;
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

    fn end(self) -> Result<Catalogue, FeedError> {
        if !self.ended {
            return Err(FeedError::Malformed(if self.depth == 0 { "it is empty" } else { "it is cut off" }.to_owned()));
        }
        if self.catalogue.seen() == 0 {
            return Err(FeedError::NotAFeed("it has no offers"));
        }
        Ok(self.catalogue)
    }
}

impl Draft {
    /// An element begins whose text counts. With a second one of its kind nothing is certain.
    fn begin(&mut self, field: Field, element: &BytesStart<'_>) -> Result<(), FeedError> {
        let again = match field {
            Field::Price => self.price.is_some(),
            Field::Currency => self.currency.is_some(),
        };
        self.take(field, if again { " and " } else { "" });
        if field == Field::Price {
            each_attribute(element, |name, value| {
                self.from |= name == b"from" && value.is_none_or(|value| value.trim() == "true");
            })?;
        }
        Ok(())
    }
}

fn draft(element: &BytesStart<'_>) -> Result<Draft, FeedError> {
    let mut draft = Draft::default();
    each_attribute(element, |name, value| match name {
        b"id" => {
            let value = value.unwrap_or_default();
            // U+FFFD stands for what could not be read.
            draft.id = ItemId::parse(&value).ok().filter(|id| !id.as_str().contains('\u{fffd}'));
            draft.wrong_id = Some(value);
        }
        b"group_id" => draft.group = value.and_then(|value| ItemId::parse(&value).ok()),
        _ => {}
    })?;
    Ok(draft)
}

/// Gives every attribute and its value, which is none if it refers to what nobody defined.
fn each_attribute(element: &BytesStart<'_>, mut take: impl FnMut(&[u8], Option<String>)) -> Result<(), FeedError> {
    // Not checked for doubles, which takes ever longer the more there are: the last one counts.
    for (number, attribute) in element.attributes().with_checks(false).enumerate() {
        if number >= MAX_ATTRIBUTES {
            return Err(FeedError::Bomb("an element with more than 64 attributes"));
        }
        let attribute = attribute.map_err(|error| malformed(&error.into()))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        take(attribute.key.as_ref(), value.ok().map(std::borrow::Cow::into_owned));
    }
    Ok(())
}
