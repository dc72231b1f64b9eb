//! How the customer confirms a payment: on a page, or by a link that the bank's app opens.

use url::Url;

use super::fields::Fields;
use super::methods::YookassaMethod;
use super::refusal::Refusal;

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
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Redirect => "redirect",
            Self::Embedded => "embedded",
            Self::Qr => "qr",
            Self::MobileApplication => "mobile_application",
        }
    }
}

/// How a payment by `method` can be confirmed. Of a token nothing is left to confirm.
fn ways(method: YookassaMethod) -> &'static [Way] {
    match method {
        YookassaMethod::BankCard | YookassaMethod::YooMoney => &[Way::Redirect, Way::Embedded],
        YookassaMethod::Sbp => &[Way::Qr, Way::Redirect],
        YookassaMethod::SberPay => &[Way::Redirect, Way::MobileApplication],
        YookassaMethod::ApplePay => &[],
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
    let ways = method.map_or(&[Way::Redirect, Way::Embedded][..], ways);
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
