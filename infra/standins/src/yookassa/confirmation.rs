//! How the customer confirms a payment: on a page, or by a link that the bank's app opens.

use serde_json::{Value, json};
use url::Url;

use super::fields::Fields;
use super::methods::YookassaMethod;
use super::payment::Payment;
use super::refusal::Refusal;
use super::setting::Setting;

/// Where the customer confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// On a page.
    Redirect,
    /// In a part of the shop's own page.
    Embedded,
    /// In the bank's app, by a link that the shop shows as a code.
    Qr,
    /// In the bank's app, which is on the same phone.
    MobileApplication,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Redirect => "redirect",
            Self::Embedded => "embedded",
            Self::Qr => "qr",
            Self::MobileApplication => "mobile_application",
        }
    }
}

/// How the customer confirms.
#[derive(Clone, Debug)]
pub(super) struct Confirmation {
    pub(super) way: Way,
    pub(super) return_url: Option<String>,
    /// Whether every card is confirmed at its bank.
    pub(super) enforce: bool,
}

/// What the shop asks for; `method` is the way to pay that it has chosen, if it has.
pub(super) fn read(body: &Fields<'_>, method: Option<YookassaMethod>) -> Result<Confirmation, Refusal> {
    let confirmation = body.required("confirmation", body.object("confirmation")?)?;
    confirmation.only(&["type", "return_url", "locale", "enforce"])?;
    let ways = method.map_or(&[Way::Redirect, Way::Embedded][..], YookassaMethod::ways);
    let names: Vec<_> = ways.iter().map(|way| way.name()).collect();
    let name = confirmation.required("type", confirmation.one_of("type", &names)?)?;
    let way = confirmation.required("type", ways.iter().copied().find(|way| way.name() == name))?;
    confirmation.one_of("locale", &["ru_RU", "en_US"])?;
    let enforce = confirmation.flag("enforce")?.unwrap_or(false);
    let return_url = confirmation.text("return_url", 2048)?;
    let is_right = if way == Way::MobileApplication { is_app_or_web } else { is_web };
    if let Some(wrong) = return_url.filter(|url| !is_right(url)) {
        return Err(Refusal::at("confirmation.return_url", format!("{wrong} is no address to return to")));
    }
    if matches!(way, Way::Redirect | Way::MobileApplication) {
        confirmation.required("return_url", return_url)?;
    }
    Ok(Confirmation { way, return_url: return_url.map(str::to_owned), enforce })
}

/// The page has a link to it, so a script would be no address.
fn is_web(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// A bank's app can return to another app as well, by a link of its own.
fn is_app_or_web(url: &str) -> bool {
    let of_browsers = ["javascript", "data", "vbscript", "file", "blob", "about", "view-source"];
    Url::parse(url).is_ok_and(|url| !of_browsers.contains(&url.scheme()))
}

/// As the API shows it while the customer may use it.
pub(super) fn shown(payment: &Payment, how: &Confirmation, setting: &Setting<'_>) -> Value {
    let mut shown = json!({ "type": how.way.name() });
    match how.way {
        Way::Embedded => shown["confirmation_token"] = json!(format!("ct-{}", payment.token)),
        Way::Qr => shown["confirmation_data"] = json!(sbp_link(payment)),
        Way::MobileApplication => shown["confirmation_url"] = json!(sberpay_link(payment)),
        Way::Redirect => {
            shown["confirmation_url"] = json!(setting.page_url(&payment.token));
            if let Some(return_url) = &how.return_url {
                shown["return_url"] = json!(return_url);
            }
            if how.enforce {
                shown["enforce"] = json!(true);
            }
        }
    }
    shown
}

/// The link that the bank's app opens, in the form of the Faster Payments System: the bank is `YooMoney`, the sum is in kopecks.
pub(super) fn sbp_link(payment: &Payment) -> String {
    let link = format!("https://qr.nspk.ru/{}?type=02&bank=100000000004&sum={}&cur=RUB", payment.token, payment.amount.0);
    format!("{link}&crc={:04X}", crc(link.as_bytes()))
}

/// The link that opens `SberPay` in the bank's app.
fn sberpay_link(payment: &Payment) -> String {
    format!("sberpay://invoicing/v2?bankInvoiceId={}&operationType=App2App", payment.token)
}

/// CRC-16 of the polynomial 0x1021, from 0xFFFF.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 })
    })
}
