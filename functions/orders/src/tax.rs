//! What a fiscal receipt says of a line, in the shop's words: those of its answer, else those of the item that IMSHOP sent.

use shared::payments::imshop::orders::Item;
use shared::payments::payment::{LineTax, TaxWord, TaxWordError};
use shared::platform::ids::OrderUuid;
use shared::platform::wire::{Lenient, Said};

/// An item, and where it is.
#[derive(Clone, Copy)]
pub(crate) struct ItemAt<'a> {
    pub(crate) item: &'a Item,
    index: usize,
    document: &'static str,
}

impl<'a> ItemAt<'a> {
    /// The items of a document, in their order.
    pub(crate) fn all(items: &'a [Item], document: &'static str) -> impl Iterator<Item = Self> {
        items.iter().enumerate().map(move |(index, item)| Self { item, index, document })
    }
}

/// The words of an order that are there and cannot be read: their number, and where the first is.
#[derive(Default)]
pub(crate) struct Unreadable {
    count: usize,
    first: Option<(&'static str, String)>,
}

impl Unreadable {
    fn note(&mut self, at: ItemAt<'_>, field: &str) {
        self.count += 1;
        self.first.get_or_insert_with(|| (at.document, format!("items[{}].{field}", at.index)));
    }

    /// Says what is left out. Never what was there instead of a word.
    pub(crate) fn log(self, uuid: &OrderUuid) {
        let Some((document, field)) = self.first else { return };
        tracing::warn!(
            order_uuid = %uuid,
            document,
            field,
            unreadable = self.count,
            problem = %TaxWordError,
            "a word for fiscal receipts cannot be read and is left out"
        );
    }
}

/// The words of a line. One that cannot be read is as good as none: the order stands without it.
pub(crate) fn of_line(at: ItemAt<'_>, twin: Option<ItemAt<'_>>, unreadable: &mut Unreadable) -> LineTax {
    let mut word = |field, said: fn(&Item) -> &Said<TaxWord>| {
        [Some(at), twin].into_iter().flatten().find_map(|at| {
            let Lenient(word) = said(at.item).as_ref()?;
            if word.is_none() {
                unreadable.note(at, field);
            }
            word.clone()
        })
    };
    LineTax {
        vat: word("vat", |item| &item.vat),
        subject: word("subject", |item| &item.subject),
        mode: word("mode", |item| &item.mode),
    }
}
