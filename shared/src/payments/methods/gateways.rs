//! The gateways of `payments.toml`, beside Mokka, which needs no section.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer};
use url::Url;

use super::receipt::ReceiptSection;
use crate::payments::imshop::payments::PaymentType;
use crate::payments::payment::{GatewayName, Policy};
use crate::platform::config::{Mistake, list, read, table, text};
use crate::platform::env::parse_url;
use crate::platform::secrets_manager::gateway_secret;

/// The addresses from which YooKassa sends notifications (its document "Notifications", "IP addresses").
const YOOKASSA_SENDERS: [&str; 7] =
    ["185.71.76.0/27", "185.71.77.0/27", "77.75.153.0/25", "77.75.154.128/25", "77.75.156.11", "77.75.156.35", "2a02:5180::/32"];
/// The longest number of a shop that is believed.
const MAX_SHOP_ID: usize = 20;

/// The name of the secret that opens a gateway's account; during a rotation the next one is `{name}_NEXT`.
#[must_use]
pub fn secret_name(gateway: &GatewayName) -> String {
    gateway_secret(gateway.as_str())
}

/// A payment gateway: a shop's account at a payment provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewaySection {
    /// Which provider it is.
    pub kind: GatewayKind,
    /// The number of the shop at the provider.
    pub shop_id: String,
    /// The address of the provider's API.
    pub base_url: Url,
    /// When a hold is captured.
    pub finish: Policy,
    /// Where notifications may come from.
    pub sources: Vec<IpNet>,
    /// How fiscal receipts are made; none are without it.
    pub receipt: Option<ReceiptSection>,
}

/// A payment gateway: a shop's account at a payment provider.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Gateway")]
struct GatewayTable {
    /// Which provider it is.
    kind: GatewayKind,
    /// The number of the shop at the provider.
    #[serde(deserialize_with = "shop_id")]
    #[schemars(regex(pattern = "^[0-9]{1,20}$"))]
    shop_id: String,
    /// The address of the provider's API; the one that everybody uses, if left out.
    #[serde(default, deserialize_with = "base_url")]
    #[schemars(with = "Option<String>", regex(pattern = "^http"))]
    base_url: Option<Url>,
    /// When a hold is captured.
    #[serde(default)]
    finish: Finish,
    /// The networks and addresses from which notifications are taken; the provider's own, if left out.
    #[serde(default, deserialize_with = "sources")]
    #[schemars(with = "Option<Vec<Network>>", length(min = 1))]
    sources: Option<Vec<IpNet>>,
    /// Fiscal receipts; none are sent, if left out.
    receipt: Option<ReceiptSection>,
}

impl<'de> Deserialize<'de> for GatewaySection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        table(deserializer, |GatewayTable { kind, shop_id, base_url, finish, sources, receipt }| {
            let base_url = base_url.map_or_else(|| parse_url(kind.api()), Ok)?;
            let own = || kind.senders().iter().map(|sender| network(sender)).collect();
            let sources = sources.map_or_else(own, Ok)?;
            Ok(Self { kind, shop_id, base_url, finish: finish.into(), sources, receipt })
        })
    }
}

impl JsonSchema for GatewaySection {
    fn schema_name() -> Cow<'static, str> {
        GatewayTable::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        GatewayTable::json_schema(generator)
    }
}

/// In words, for a person.
impl fmt::Display for GatewaySection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, shop_id, base_url, finish, sources, receipt } = self;
        let finish = match finish {
            Policy::OnHold => "a hold is captured at once",
            Policy::OnShipment => "a hold is captured when the goods ship",
        };
        write!(f, "{kind}, shop {shop_id}, {base_url}; {finish}; notifications from ")?;
        for (index, source) in sources.iter().enumerate() {
            let is_one = source.prefix_len() == source.max_prefix_len();
            let between = if index == 0 { "" } else { ", " };
            if is_one { write!(f, "{between}{}", source.addr())? } else { write!(f, "{between}{source}")? }
        }
        match receipt {
            Some(receipt) => write!(f, "; {receipt}"),
            None => f.write_str("; no receipts"),
        }
    }
}

/// The payment providers whose gateways need a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GatewayKind {
    /// YooKassa, API v3.
    Yookassa,
}

impl GatewayKind {
    /// The address of its API.
    fn api(self) -> &'static str {
        match self {
            // For test shops, too.
            Self::Yookassa => "https://api.yookassa.ru/v3",
        }
    }

    /// Where its notifications come from.
    fn senders(self) -> &'static [&'static str] {
        match self {
            Self::Yookassa => &YOOKASSA_SENDERS,
        }
    }

    /// Whether an app's kind of payment can be paid there; if not, why.
    pub(super) fn takes(self, payment: PaymentType) -> Result<(), &'static str> {
        match (self, payment) {
            (Self::Yookassa, PaymentType::ApplePay) => Err("YooKassa takes no Apple Pay (type iOS) yet: type must be card"),
            // It is not in the description of its API any more, and IMSHOP does not send all that it took.
            (Self::Yookassa, PaymentType::GooglePay) => Err("YooKassa takes no Google Pay (type android): type must be card"),
            (Self::Yookassa, PaymentType::Card | PaymentType::Cash | PaymentType::CardOnDelivery) => Ok(()),
        }
    }
}

impl fmt::Display for GatewayKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yookassa => "YooKassa",
        })
    }
}

/// When a hold is captured.
#[derive(Clone, Copy, Default, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Finish {
    /// As soon as it is confirmed.
    #[default]
    OnHold,
    /// When the goods ship, by the back office; a hold counts as paid.
    OnShipment,
}

impl From<Finish> for Policy {
    fn from(finish: Finish) -> Self {
        match finish {
            Finish::OnHold => Self::OnHold,
            Finish::OnShipment => Self::OnShipment,
        }
    }
}

/// A network, or one address.
struct Network(IpNet);

fn network(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.into());
    }
    let network: IpNet =
        text.parse().map_err(|_| "must be a network like \"185.71.76.0/27\" or an address, IPv4 or IPv6".to_owned())?;
    let whole = network.trunc();
    // An address with a length may be meant as either of the two.
    if network == whole { Ok(network) } else { Err(format!("must be the network \"{whole}\", or an address without a length")) }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, network).map(Self)
    }
}

impl JsonSchema for Network {
    fn schema_name() -> Cow<'static, str> {
        "Network".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A network or an address, IPv4 or IPv6.",
            "type": "string",
            "pattern": "^[0-9a-fA-F.:]{2,45}(/[0-9]{1,3})?$"
        })
    }
}

fn shop_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer, |id| {
        let right = (1..=MAX_SHOP_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        if right { Ok(id.to_owned()) } else { Err("must be the shop's number, digits only") }
    })
}

fn base_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    text(deserializer, |url| parse_url(url).map(Some))
}

fn sources<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<IpNet>>, D::Error> {
    list(deserializer, |networks: Vec<Network>| match networks.as_slice() {
        [] => Err("must not be empty; leave it out for the provider's own".to_owned()),
        networks => Ok(Some(networks.iter().map(|Network(network)| *network).collect())),
    })
}

/// The gateways of a file, by their names: all that a function needs of it that offers no ways to pay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewaySections(BTreeMap<GatewayName, GatewaySection>);

impl GatewaySections {
    /// Reads the gateways of `payments.toml`, and nothing else of it.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        #[derive(serde::Deserialize)]
        struct File {
            #[serde(default)]
            gateways: GatewaySections,
        }
        read(text).map(|File { gateways }| gateways)
    }

    #[must_use]
    pub fn by_name(&self) -> &BTreeMap<GatewayName, GatewaySection> {
        &self.0
    }

    /// Why a way to pay cannot name this provider, or nothing.
    pub(super) fn check(&self, provider: &GatewayName) -> Result<Option<&GatewaySection>, String> {
        match self.0.get(provider) {
            None if !provider.is_mokka() => {
                let names: Vec<_> = std::iter::once(&GatewayName::MOKKA).chain(self.0.keys()).map(GatewayName::as_str).collect();
                Err(format!("{provider} is no gateway of this file; there is {}", names.join(", ")))
            }
            section => Ok(section),
        }
    }
}

impl IntoIterator for GatewaySections {
    type Item = (GatewayName, GatewaySection);
    type IntoIter = std::collections::btree_map::IntoIter<GatewayName, GatewaySection>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de> Deserialize<'de> for GatewaySections {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = GatewaySections;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("sections with a heading like [gateways.yookassa]")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<GatewaySections, A::Error> {
                let mut sections = BTreeMap::new();
                while let Some((SectionName(name), section)) = map.next_entry()? {
                    sections.insert(name, section);
                }
                Ok(GatewaySections(sections))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// The name of a gateway that has a section.
struct SectionName(GatewayName);

impl<'de> Deserialize<'de> for SectionName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, |name| {
            let name = GatewayName::parse(name).map_err(|error| error.to_string())?;
            if name.is_mokka() { Err("mokka has no section: its settings are variables".to_owned()) } else { Ok(Self(name)) }
        })
    }
}

impl JsonSchema for GatewaySections {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Gateways".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": {"allOf": [generator.subschema_for::<GatewayName>(), {"not": {"const": GatewayName::MOKKA.as_str()}}]},
            "additionalProperties": generator.subschema_for::<GatewaySection>()
        })
    }
}
