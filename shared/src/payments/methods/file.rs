//! `payments.toml` as it is written. What each value may be is checked as it is read; [`Method`] is what comes out.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use time::UtcOffset;
use toml::Spanned;

use super::condition::Condition;
use super::gateways::GatewaySections;
use super::method::{CustomerPhone, Icon, Limit, Method, Variant, Widget};
use crate::payments::imshop::payments::PaymentType;
use crate::payments::payment::{GatewayName, PaymentMeans};
use crate::platform::clock::MOSCOW;
use crate::platform::config::{Mistake, filled, maybe_filled, table, tables, text};
use crate::platform::env::parse_url;
use crate::platform::ids::MethodId;

/// The ways to pay that a shop offers in its IMSHOP app, in the order in which they are shown.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Ways to pay", extend("required" = ["method"]))]
pub(super) struct File {
    /// What the shop's clocks show, for windows of time: hours and minutes ahead of UTC.
    #[serde(default = "moscow", deserialize_with = "offset")]
    #[schemars(default = "moscow_text", schema_with = "offset_schema")]
    pub(super) utc_offset: UtcOffset,
    /// The field of the request that holds the customer's phone, for shops whose ids of customers are phones.
    pub(super) customer_phone: Option<CustomerPhone>,
    /// The payment gateways beside mokka, each under a name of its own.
    #[serde(default)]
    pub(super) gateways: GatewaySections,
    /// A way to pay.
    #[serde(default, deserialize_with = "methods")]
    #[schemars(with = "Vec<MethodTable>", length(min = 1))]
    method: Vec<Written>,
}

/// A way to pay, and where in the file it says what the gateways decide about.
struct Written {
    method: Method,
    kind_at: usize,
    provider_at: usize,
}

impl File {
    /// The ways to pay, each held against the gateways, which may come after it in the file.
    pub(super) fn methods(&mut self, text: &str) -> Result<Vec<Method>, Mistake> {
        let written = std::mem::take(&mut self.method).into_iter().enumerate();
        let checked = written.map(|(index, Written { method, kind_at, provider_at })| {
            let mistake = |at, field, problem| Mistake::at(text, at, format!("field `method[{index}].{field}`: {problem}"));
            if let Some(provider) = &method.provider {
                let section = self.gateways.check(provider).map_err(|problem| mistake(provider_at, "provider", problem))?;
                let taken = section.map_or(Ok(()), |section| section.kind.takes(method.kind));
                taken.map_err(|problem| mistake(kind_at, "type", problem.to_owned()))?;
            }
            Ok(method)
        });
        checked.collect()
    }
}

/// A way to pay.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Method", transform = exclusions)]
struct MethodTable {
    /// What IMSHOP sends back when the customer has chosen.
    #[serde(deserialize_with = "id")]
    #[schemars(with = "String", regex(pattern = r"\S"), length(max = 200))]
    id: MethodId,
    /// The name that the customer reads.
    #[serde(deserialize_with = "filled")]
    #[schemars(regex(pattern = r"\S"))]
    title: String,
    /// A line below the name.
    #[serde(default, deserialize_with = "maybe_filled")]
    #[schemars(regex(pattern = r"\S"))]
    description: Option<String>,
    /// What kind of payment the app shows.
    #[schemars(with = "PaymentType")]
    r#type: Spanned<PaymentType>,
    /// The gateway that takes the money of an online payment: mokka, or one of `[gateways]`. Left out for payment on delivery.
    #[schemars(with = "Option<GatewayName>")]
    provider: Option<Spanned<GatewayName>>,
    /// What the customer pays with at a card gateway; a card, if left out.
    means: Option<PaymentMeans>,
    /// Whether the money is held first and captured later; so it is, if left out, but for SBP, which holds nothing. Not for provider
    /// mokka, which always holds.
    two_stage: Option<bool>,
    /// Percent off the delivery.
    #[serde(default, deserialize_with = "percent")]
    #[schemars(range(min = 0, max = 100))]
    delivery_discount: Option<u8>,
    /// As agreed with IMSHOP.
    auto_verification: Option<bool>,
    /// The address of a picture.
    #[serde(default, deserialize_with = "address")]
    #[schemars(regex(pattern = "^http"))]
    icon: Option<String>,
    /// A picture built into the app.
    icon_id: Option<BuiltIn>,
    /// When it is offered; always, if left out. What cannot be known counts as offered.
    when: Option<Condition>,
    /// Other texts under a condition; the first that holds is taken.
    #[serde(default)]
    text: Vec<Variant>,
    /// The plan of instalments below it. Only for provider mokka; none, if left out.
    widget: Option<Widget>,
    /// What Mokka's limit of a customer whose phone is known does to it. Only for provider mokka.
    #[serde(default)]
    limit: Limit,
}

/// The pictures built into the app (document "IMSHOP payments", `iconId`).
#[derive(Clone, Copy, Deserialize, JsonSchema)]
enum BuiltIn {
    #[serde(rename = "icon-card")]
    Card,
    #[serde(rename = "icon-yandex-card")]
    YandexCard,
    #[serde(rename = "icon-sbp")]
    Sbp,
    #[serde(rename = "icon-split")]
    Split,
    #[serde(rename = "icon-podeli")]
    Podeli,
    #[serde(rename = "icon-dolyami")]
    Dolyami,
    #[serde(rename = "icon-sber")]
    Sber,
    #[serde(rename = "icon-t-bank")]
    TBank,
    #[serde(rename = "icon-vtb")]
    Vtb,
    #[serde(rename = "icon-alfa")]
    Alfa,
    #[serde(rename = "icon-cash")]
    Cash,
}

impl BuiltIn {
    fn name(self) -> &'static str {
        match self {
            Self::Card => "icon-card",
            Self::YandexCard => "icon-yandex-card",
            Self::Sbp => "icon-sbp",
            Self::Split => "icon-split",
            Self::Podeli => "icon-podeli",
            Self::Dolyami => "icon-dolyami",
            Self::Sber => "icon-sber",
            Self::TBank => "icon-t-bank",
            Self::Vtb => "icon-vtb",
            Self::Alfa => "icon-alfa",
            Self::Cash => "icon-cash",
        }
    }
}

/// Other texts for a way to pay when a condition holds; at least one of `title` and `description`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Variant", extend("anyOf" = [{"required": ["title"]}, {"required": ["description"]}]))]
struct VariantTable {
    /// When. What cannot be known does not change a text.
    when: Condition,
    /// The name instead of the method's.
    #[serde(default, deserialize_with = "maybe_filled")]
    #[schemars(regex(pattern = r"\S"))]
    title: Option<String>,
    /// The line below it instead of the method's.
    #[serde(default, deserialize_with = "maybe_filled")]
    #[schemars(regex(pattern = r"\S"))]
    description: Option<String>,
}

impl<'de> Deserialize<'de> for Variant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        table(deserializer, |VariantTable { when, title, description }| {
            let empty = title.is_none() && description.is_none();
            if empty { Err("must have title, description or both".to_owned()) } else { Ok(Self { when, title, description }) }
        })
    }
}

impl JsonSchema for Variant {
    fn schema_name() -> Cow<'static, str> {
        VariantTable::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        VariantTable::json_schema(generator)
    }
}

fn methods<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Written>, D::Error> {
    tables(deserializer, MethodTable::check)
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MethodId, D::Error> {
    text(deserializer, MethodId::parse)
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer, |url| parse_url(url).map(|_| Some(url.to_owned())))
}

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let percent = u8::try_from(i64::deserialize(deserializer)?).ok().filter(|percent| *percent <= 100);
    percent.map(Some).ok_or_else(|| serde::de::Error::custom("must be a whole number from 0 to 100"))
}

fn moscow() -> UtcOffset {
    MOSCOW
}

fn moscow_text() -> String {
    "+03:00".to_owned()
}

/// Reads `+06:00`, at most fourteen hours either way.
fn offset<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UtcOffset, D::Error> {
    text(deserializer, |text| read_offset(text).ok_or("must be like \"+06:00\", from -14:00 to +14:00"))
}

fn read_offset(text: &str) -> Option<UtcOffset> {
    let (sign, digits) = text.strip_prefix('+').map(|digits| (1, digits)).or_else(|| Some((-1, text.strip_prefix('-')?)))?;
    let (hours, minutes) = digits.split_once(':')?;
    let number = |part: &str| part.parse::<i8>().ok().filter(|_| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()));
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let right = minutes < 60 && (hours < 14 || (hours, minutes) == (14, 0));
    right.then(|| UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()).flatten()
}

fn offset_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": "^[+-](0[0-9]|1[0-3]):[0-5][0-9]$|^[+-]14:00$"})
}

fn is_online(kind: PaymentType) -> bool {
    match kind {
        PaymentType::Card | PaymentType::ApplePay | PaymentType::GooglePay => true,
        PaymentType::Cash | PaymentType::CardOnDelivery => false,
    }
}

impl MethodTable {
    fn check(self, before: &[Written]) -> Result<Written, String> {
        if before.iter().any(|Written { method, .. }| method.id == self.id) {
            return Err("id is used twice; every method needs its own".to_owned());
        }
        let kind = *self.r#type.get_ref();
        let provider = self.provider.as_ref().map(Spanned::get_ref);
        let means = self.means.unwrap_or_default();
        let is_mokka = provider.is_some_and(GatewayName::is_mokka);
        match provider {
            Some(_) if !is_online(kind) => {
                return Err("provider must be left out for payment on delivery (type cash or card_on_delivery)".to_owned());
            }
            None if is_online(kind) => {
                return Err("provider must be set for an online payment (type card, iOS or android)".to_owned());
            }
            Some(_) if is_mokka && kind != PaymentType::Card => {
                return Err("type must be card for provider mokka".to_owned());
            }
            Some(_) if is_mokka && self.two_stage.is_some() => {
                return Err("twoStage must be left out for provider mokka, which always holds first".to_owned());
            }
            Some(_) if is_mokka && self.means.is_some() => {
                return Err("means must be left out for provider mokka, which has one".to_owned());
            }
            None if self.means.is_some() => {
                return Err("means must be left out for payment on delivery (type cash or card_on_delivery)".to_owned());
            }
            Some(_) if self.two_stage == Some(true) && !means.holds() => {
                return Err("twoStage must be left out or false for means sbp and sbp_page: SBP holds no money".to_owned());
            }
            None if self.two_stage.is_some() => {
                return Err("twoStage must be left out for payment on delivery (type cash or card_on_delivery)".to_owned());
            }
            Some(_) | None if !is_mokka && (self.widget.is_some() || self.limit != Limit::Off) => {
                return Err("widget and limit need provider mokka".to_owned());
            }
            Some(_) | None => {}
        }
        let icon = match (self.icon, self.icon_id) {
            (Some(_), Some(_)) => return Err("icon and iconId exclude each other: keep one".to_owned()),
            (Some(url), None) => Some(Icon::Url(url)),
            (None, Some(id)) => Some(Icon::BuiltIn(id.name().to_owned())),
            (None, None) => None,
        };
        let kind_at = self.r#type.span().start;
        let provider_at = self.provider.as_ref().map_or(kind_at, |provider| provider.span().start);
        let method = Method {
            id: self.id,
            title: self.title,
            description: self.description,
            kind,
            means,
            two_stage: self.two_stage.unwrap_or(self.provider.is_some() && means.holds()),
            provider: self.provider.map(Spanned::into_inner),
            delivery_discount: self.delivery_discount,
            auto_verification: self.auto_verification,
            icon,
            when: self.when,
            variants: self.text,
            widget: self.widget,
            limit: self.limit,
        };
        Ok(Written { method, kind_at, provider_at })
    }
}

/// What [`MethodTable::check`] asks of several fields at once. Which gateways there are is not for a schema to say.
fn exclusions(schema: &mut Schema) {
    schema.insert(
        "allOf".to_owned(),
        serde_json::json!([
            {"not": {"required": ["icon", "iconId"]}},
            {
                "if": {"required": ["type"], "properties": {"type": {"enum": ["cash", "card_on_delivery"]}}},
                "then": {"not": {"anyOf": [{"required": ["provider"]}, {"required": ["twoStage"]}, {"required": ["means"]}]}},
                "else": {"required": ["provider"], "properties": {"type": {"const": "card"}}}
            },
            {
                "if": {"required": ["provider"], "properties": {"provider": {"const": GatewayName::MOKKA.as_str()}}},
                "then": {"not": {"anyOf": [{"required": ["twoStage"]}, {"required": ["means"]}]}},
                "else": {"not": {"anyOf": [
                    {"required": ["widget"]},
                    {"required": ["limit"], "properties": {"limit": {"not": {"const": "off"}}}}
                ]}}
            },
            {
                "if": {"required": ["means"], "properties": {"means": {"enum": ["sbp", "sbp_page"]}}},
                "then": {"properties": {"twoStage": {"const": false}}}
            }
        ]),
    );
}

/// TOML knows no null: what may be left out is only left out.
#[derive(Clone)]
struct WithoutNull;

impl Transform for WithoutNull {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(fields) = schema.as_object_mut() {
            fields.retain(|name, value| name != "default" || !value.is_null());
            if let Some(serde_json::Value::Array(types)) = fields.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    fields.insert("type".to_owned(), only);
                }
            }
            if let Some(serde_json::Value::Array(choices)) = fields.get_mut("anyOf") {
                choices.retain(|choice| *choice != serde_json::json!({"type": "null"}));
                if let [only] = choices.as_slice() {
                    let only = only.clone();
                    fields.remove("anyOf");
                    fields.insert("allOf".to_owned(), serde_json::json!([only]));
                }
            }
        }
        transform_subschemas(self, schema);
    }
}

/// The JSON Schema of `payments.toml`, for editors.
pub(super) fn schema() -> Schema {
    SchemaSettings::draft07().with_transform(WithoutNull).into_generator().into_root_schema_for::<File>()
}
