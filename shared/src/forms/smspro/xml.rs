//! The little XML that SMSPRO speaks: read whole, as a tree of a few small elements.
//!
//! Refused before anything of it counts: a document type, so nothing can be defined, and nothing expands. What is nested deeper than any
//! report is not built, and a reference to an entity that XML itself does not have is a character that no report has. What is read is
//! limited in bytes by who reads it. What counts in a report is ASCII, so bytes that are not in the encoding that they name are read as
//! far as they are ASCII; and names count without their namespace.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use crate::platform::decoding::{self, Headers};

/// How deep elements may be in each other; a report has four levels.
const MAX_DEPTH: usize = 8;
/// An element with its text and its children; attributes carry nothing here.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: String,
    text: String,
    children: Vec<Element>,
}

/// Why a document is refused. Never quotes it: it may name a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is not well-formed, or has more than one root.
    #[error("must be one well-formed XML document")]
    Xml,
    /// It has a document type.
    #[error("must not have a document type")]
    DocumentType,
    /// It is not what it should be.
    #[error("{0}")]
    Other(&'static str),
}

impl Element {
    /// Reads a document.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let text = decoding::text(bytes, Headers::default(), bytes.len()).unwrap_or_else(|_| String::from_utf8_lossy(bytes));
        let mut reader = Reader::from_str(&text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        let mut tree = Tree::default();
        loop {
            match reader.read_event().map_err(|_| Malformed::Xml)? {
                Event::Start(element) => tree.open(String::from_utf8_lossy(element.local_name().as_ref()).into_owned())?,
                Event::End(_) => tree.close()?,
                Event::Text(text) => tree.text(&text.decode().map_err(|_| Malformed::Xml)?)?,
                Event::CData(text) => tree.text(&text.decode().map_err(|_| Malformed::Xml)?)?,
                Event::GeneralRef(reference) => tree.text(character(&reference).encode_utf8(&mut [0; 4]))?,
                Event::DocType(_) => return Err(Malformed::DocumentType),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof => return tree.root.filter(|_| tree.open.is_empty()).ok_or(Malformed::Xml),
            }
        }
    }

    /// The children of that name.
    pub(super) fn all(&self, name: &'static str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the one child of that name.
    pub(super) fn text_of(&self, name: &'static str) -> Option<&str> {
        let mut found = self.all(name);
        let child = found.next().filter(|child| child.children.is_empty())?;
        found.next().is_none().then(|| child.text.trim())
    }
}

fn character(reference: &BytesRef<'_>) -> char {
    let name: &[u8] = reference;
    match name {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        _ => reference.resolve_char_ref().ok().flatten().unwrap_or('\u{fffd}'),
    }
}

/// The elements that are open, and the root once it is closed.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    /// How many are open that are too deep to be built.
    too_deep: usize,
}

impl Tree {
    fn open(&mut self, name: String) -> Result<(), Malformed> {
        if self.root.is_some() {
            return Err(Malformed::Xml);
        }
        if self.open.len() >= MAX_DEPTH {
            self.too_deep += 1;
        } else {
            self.open.push(Element { name, text: String::new(), children: Vec::new() });
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Malformed> {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return Ok(());
        }
        let closed = self.open.pop().ok_or(Malformed::Xml)?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(closed),
            None => self.root = Some(closed),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Malformed> {
        match self.open.last_mut() {
            Some(_) if self.too_deep > 0 => {}
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(Malformed::Xml),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_document_is_read_whatever_its_dress() {
        for text in [
            "<a><b>1</b></a>",
            "\u{feff}<?xml version='1.0' encoding=\"windows-1251\"?>\n<!-- c --><a x='y'>\n <b> 1 </b></a>\n",
            "<a><b><![CDATA[1]]></b><c/></a>",
            "<p:a xmlns:p='urn:p'><p:b>&#49;</p:b></p:a>",
            "<p:a><q:b>1</q:b><c>x & y</c></p:a>",
        ] {
            let root = Element::parse(text.as_bytes()).unwrap();
            assert_eq!((root.name.as_str(), root.text_of("b")), ("a", Some("1")), "{text}");
        }
        let root = Element::parse(b"<a><b>&amp;&lt;&gt;&quot;&apos;</b></a>").unwrap();
        assert_eq!(root.text_of("b"), Some("&<>\"'"));
        let deep = format!("<a>{}{}<b>1</b></a>", "<c>".repeat(9000), "</c>".repeat(9000));
        assert_eq!(Element::parse(deep.as_bytes()).unwrap().text_of("b"), Some("1"), "what is too deep is not built");
        assert_eq!(Element::parse(b"<a><b>&c;</b></a>").unwrap().text_of("b"), Some("\u{fffd}"));
        assert_eq!(Element::parse(b"<a><b>&#x110000;</b></a>").unwrap().text_of("b"), Some("\u{fffd}"));
        // Not UTF-8: what is not ASCII does not count.
        assert_eq!(Element::parse(b"<a>\xcf\xf0<b>1</b></a>").unwrap().text_of("b"), Some("1"));
    }

    #[test]
    fn what_could_grow_or_is_no_document_is_refused() {
        let laughs = "<!DOCTYPE a [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><a>&b;</a>";
        for (text, wanted) in [
            (laughs, Malformed::DocumentType),
            ("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", Malformed::DocumentType),
            ("", Malformed::Xml),
            ("text", Malformed::Xml),
            ("<a>", Malformed::Xml),
            ("<a></b>", Malformed::Xml),
            ("<a/><a/>", Malformed::Xml),
            ("<a/>text", Malformed::Xml),
            ("</a>", Malformed::Xml),
            ("\u{1f}\u{8b}\u{8}\u{0}", Malformed::Xml),
            ("{\"a\":1}", Malformed::Xml),
        ] {
            assert_eq!(Element::parse(text.as_bytes()).unwrap_err(), wanted, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[<>/a-c&;!\\[\\] ]{0,60}") {
            drop(Element::parse(&bytes));
            drop(Element::parse(text.as_bytes()));
        }
    }
}
