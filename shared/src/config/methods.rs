//! The ways to pay that a shop offers: `infra/config/payments.toml`.

use crate::env::parse_url;
use crate::ids::MethodId;
use crate::imshop::payments::PaymentType;
use crate::payment::Provider;

/// One way to pay, as operations configure it (`infra/config/payments.toml`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// The id that IMSHOP sends back as `paymentMethodId`.
    pub id: MethodId,
    /// The name that the customer reads.
    pub title: String,
    /// A line below the name.
    pub description: Option<String>,
    /// What kind of payment the app shows.
    pub kind: PaymentType,
    /// Who takes the money; none for payment on delivery.
    pub provider: Option<Provider>,
    /// Percent off the delivery, 0 to 100.
    pub delivery_discount: Option<u8>,
    /// IMSHOP's `autoVerification`.
    pub auto_verification: Option<bool>,
    /// The picture beside the name.
    pub icon: Option<Icon>,
}

/// The picture beside a way to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Icon {
    /// The address of a picture.
    Url(String),
    /// A picture built into the app.
    BuiltIn(String),
}

/// The pictures built into the app (document "IMSHOP payments", `iconId`).
const BUILT_IN_ICONS: [&str; 11] = [
    "icon-card",
    "icon-yandex-card",
    "icon-sbp",
    "icon-split",
    "icon-podeli",
    "icon-dolyami",
    "icon-sber",
    "icon-t-bank",
    "icon-vtb",
    "icon-alfa",
    "icon-cash",
];

/// The ways to pay, in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Methods(Vec<Method>);

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct MethodsFile {
    #[serde(default)]
    method: Vec<MethodEntry>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MethodEntry {
    id: String,
    title: String,
    description: Option<String>,
    r#type: PaymentType,
    provider: Option<Provider>,
    delivery_discount: Option<u8>,
    auto_verification: Option<bool>,
    icon: Option<String>,
    icon_id: Option<String>,
}

impl Methods {
    /// Reads `payments.toml`. An error names the method, the field and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: MethodsFile = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut methods: Vec<Method> = Vec::with_capacity(file.method.len());
        for (index, entry) in file.method.into_iter().enumerate() {
            let place = format!("method {} (id \"{}\")", index + 1, entry.id);
            let method = entry.check().map_err(|problem| format!("{place}: {problem}"))?;
            if methods.iter().any(|other| other.id == method.id) {
                return Err(format!("{place}: id is used twice; every method needs its own"));
            }
            methods.push(method);
        }
        if methods.is_empty() {
            return Err("no [[method]] in it; a shop needs at least one way to pay".to_owned());
        }
        Ok(Self(methods))
    }

    /// The ways to pay, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Method> {
        self.0.iter()
    }

    /// The method that IMSHOP means: its exact id, else without a leading `webhook/`.
    #[must_use]
    pub fn find(&self, id: &MethodId) -> Option<&Method> {
        let by = |wanted: &str| self.0.iter().find(|method| method.id.as_str() == wanted);
        by(id.as_str()).or_else(|| by(id.without_prefix()?))
    }
}

impl MethodEntry {
    fn check(self) -> Result<Method, String> {
        let id = MethodId::parse(&self.id).map_err(|error| format!("id {error}"))?;
        let title = not_blank("title", self.title)?;
        let description = self.description.map(|text| not_blank("description", text)).transpose()?;
        if self.delivery_discount.is_some_and(|percent| percent > 100) {
            return Err("deliveryDiscount must be a whole number from 0 to 100".to_owned());
        }
        let online = matches!(self.r#type, PaymentType::Card | PaymentType::ApplePay | PaymentType::GooglePay);
        if self.provider.is_some() && !online {
            return Err("provider must be left out for payment on delivery (type cash or card_on_delivery)".to_owned());
        }
        if self.provider.is_none() && online {
            return Err("provider must be set for an online payment (type card, iOS or android)".to_owned());
        }
        if self.provider == Some(Provider::Mokka) && self.r#type != PaymentType::Card {
            return Err("type must be card for provider mokka".to_owned());
        }
        let icon = match (self.icon, self.icon_id) {
            (Some(_), Some(_)) => return Err("icon and iconId exclude each other: keep one".to_owned()),
            (Some(url), None) => Some(Icon::Url(parse_url(&url).map_err(|error| format!("icon {error}")).map(|_| url)?)),
            (None, Some(id)) if BUILT_IN_ICONS.contains(&id.as_str()) => Some(Icon::BuiltIn(id)),
            (None, Some(_)) => return Err(format!("iconId must be one of {}", BUILT_IN_ICONS.join(", "))),
            (None, None) => None,
        };
        Ok(Method {
            id,
            title,
            description,
            kind: self.r#type,
            provider: self.provider,
            delivery_discount: self.delivery_discount,
            auto_verification: self.auto_verification,
            icon,
        })
    }
}

fn not_blank(field: &str, text: String) -> Result<String, String> {
    if text.trim().is_empty() { Err(format!("{field} must not be empty")) } else { Ok(text) }
}
