//! The shop's product feed (YML), by which IMSHOP and others know its prices.

use bytes::Bytes;
use sha1::{Digest as _, Sha1};

use crate::answer::Answer;
use crate::request::Request;

/// The catalogue of a shop that sells what the demo's customer buys.
const CATALOGUE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE yml_catalog SYSTEM "shops.dtd">
<yml_catalog date="2026-11-22 08:00">
  <shop>
    <name>Магазин песочницы</name>
    <currencies><currency id="RUB" rate="1"/></currencies>
    <categories><category id="1">Посуда</category></categories>
    <offers>
      <offer id="kettle-1" available="true">
        <name>Чайник</name><price>4990</price><currencyId>RUB</currencyId><categoryId>1</categoryId>
      </offer>
      <offer id="cup-7" group_id="cup" available="true">
        <name>Пиала</name><price>350.00</price><currencyId>RUB</currencyId><categoryId>1</categoryId>
      </offer>
      <offer id="cup-8" group_id="cup" available="false">
        <name>Пиала синяя</name><price>350.00</price><currencyId>RUB</currencyId><categoryId>1</categoryId>
      </offer>
    </offers>
  </shop>
</yml_catalog>
"#;

/// The feed as it is served now, and what it is called.
pub(crate) struct Feed(Bytes, &'static str);

impl Default for Feed {
    fn default() -> Self {
        Self(Bytes::from_static(CATALOGUE.as_bytes()), "application/xml")
    }
}

impl Feed {
    pub(crate) fn set(&mut self, feed: Bytes, content_type: &'static str) {
        (self.0, self.1) = (feed, content_type);
    }

    /// The feed, or 304 for a reader that has this version.
    pub(crate) fn serve(&self, request: &Request) -> Answer {
        let etag = format!("\"{}\"", hex::encode(Sha1::digest(&self.0)));
        let answer = if request.header("if-none-match") == Some(etag.as_str()) {
            Answer::not_modified()
        } else {
            Answer::file(self.1, self.0.clone())
        };
        answer.tagged(etag)
    }
}
