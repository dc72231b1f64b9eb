//! All ways to pay of a shop, and which of them a cart is offered.

use std::collections::BTreeMap;
use std::fmt;

use time::UtcOffset;

use super::facts::Facts;
use super::file;
use super::gateways::{GatewaySection, GatewaySections};
use super::method::{CustomerPhone, Method, Offer};
use crate::payments::imshop::payments::Request;
use crate::payments::payment::{GatewayName, PaymentMeans};
use crate::platform::config::{Mistake, read};
use crate::platform::ids::MethodId;
use crate::platform::phone::Phone;

/// The ways to pay, in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Methods {
    list: Vec<Method>,
    gateways: GatewaySections,
    utc_offset: UtcOffset,
    customer_phone: Option<CustomerPhone>,
}

impl Methods {
    /// Reads `payments.toml`.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let mut file: file::File = read(text)?;
        let list = file.methods(text)?;
        if list.is_empty() {
            let problem = "no [[method]] in it; a shop needs at least one way to pay".to_owned();
            return Err(Mistake { line: 1, column: 1, problem });
        }
        Ok(Self { list, gateways: file.gateways, utc_offset: file.utc_offset, customer_phone: file.customer_phone })
    }

    /// The file's JSON Schema, for editors.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        file::schema().to_value()
    }

    /// The ways to pay, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Method> {
        self.list.iter()
    }

    /// The gateways beside Mokka, by their names.
    #[must_use]
    pub fn gateways(&self) -> &BTreeMap<GatewayName, GatewaySection> {
        self.gateways.by_name()
    }

    /// The method that IMSHOP means: its exact id, else without a leading `webhook/`.
    #[must_use]
    pub fn find(&self, id: &MethodId) -> Option<&Method> {
        let by = |wanted: &str| self.iter().find(|method| method.id.as_str() == wanted);
        by(id.as_str()).or_else(|| by(id.without_prefix()?))
    }

    /// How far the shop's clocks are ahead of UTC.
    #[must_use]
    pub fn utc_offset(&self) -> UtcOffset {
        self.utc_offset
    }

    /// The ways to pay that a cart has, in order.
    #[must_use]
    pub fn offered(&self, facts: &Facts) -> Vec<Offer<'_>> {
        self.iter().filter(|method| method.could_be_offered(facts)).map(|method| method.offer(facts)).collect()
    }

    /// Whether what a cart is offered can depend on its amount, which is not known.
    #[must_use]
    pub fn needs_amount(&self, facts: &Facts) -> bool {
        facts.amount.is_unknown() && self.iter().any(|method| method.could_be_offered(facts) && method.needs_amount(facts))
    }

    /// The customer's phone, if a request says it.
    #[must_use]
    pub fn customer_phone(&self, request: &Request) -> Option<Phone> {
        let id = self.customer_phone.and(request.external_user_id.as_ref()).and_then(|id| id.0.as_ref());
        id.and_then(|id| Phone::parse(id.as_str()).ok()).or_else(|| request.phone.clone())
    }
}

/// The methods in order, each with the condition under which it is offered, and the gateways beside Mokka, for a person to read.
impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, method) in self.iter().enumerate() {
            let provider = method.provider.as_ref().map_or("on delivery", GatewayName::as_str);
            let at_once = if method.provider.is_some() && !method.two_stage { ", captured at once" } else { "" };
            let means = if method.means == PaymentMeans::Card { "" } else { method.means.name() };
            let by = if means.is_empty() { "" } else { " by " };
            write!(f, "{}. {} «{}», {provider}{by}{means}{at_once}: ", index + 1, method.id, method.title)?;
            match &method.when {
                Some(when) => writeln!(f, "when {when}")?,
                None => writeln!(f, "always")?,
            }
            for variant in &method.variants {
                let texts = [variant.title.as_deref(), variant.description.as_deref()].into_iter().flatten();
                writeln!(f, "   says «{}» when {}", texts.collect::<Vec<_>>().join("», «"), variant.when)?;
            }
        }
        for (name, gateway) in self.gateways() {
            writeln!(f, "Gateway {name}: {gateway}")?;
        }
        Ok(())
    }
}
