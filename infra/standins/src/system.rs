//! The outside systems and their methods: one table that routing, recording and faults share.

use std::fmt;

use serde::Serialize;

/// Where one of a system's methods is.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// The HTTP method that it takes.
    pub(crate) verb: &'static str,
    /// Below the system's own prefix; `{id}` stands for any one segment.
    pub(crate) path: &'static str,
}

impl Route {
    const fn post(method: &'static str, path: &'static str) -> Self {
        Self { method, verb: "POST", path }
    }

    const fn get(method: &'static str, path: &'static str) -> Self {
        Self { method, verb: "GET", path }
    }

    /// Whether a path below the prefix is this one.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        let (said, known): (Vec<_>, Vec<_>) = (path.split('/').collect(), self.path.split('/').collect());
        let same = |(said, known): (&&str, &&str)| said == known || (*known == "{id}" && !said.is_empty());
        said.len() == known.len() && said.iter().zip(&known).all(same)
    }
}

const MOKKA: &[Route] = &[
    Route::post("registration", "/factoring/v1/limit/auth"),
    Route::post("limit", "/api/external/v1/client/limit"),
    Route::post("checkout", "/factoring/v1/precheck/auth"),
    Route::post("schedule", "/factoring/v1/schedule"),
    Route::post("status", "/factoring/v1/status"),
    Route::post("change", "/factoring/v1/precheck/change"),
    Route::post("cancel", "/factoring/v1/precheck/cancel"),
    Route::post("finish", "/factoring/v1/precheck/finish"),
    Route::post("return", "/factoring/v1/return"),
];

const YOOKASSA: &[Route] = &[
    Route::post("create", "/v3/payments"),
    Route::get("get", "/v3/payments"),
    Route::get("get", "/v3/payments/{id}"),
    Route::post("capture", "/v3/payments/{id}/capture"),
    Route::post("cancel", "/v3/payments/{id}/cancel"),
    Route::post("refund", "/v3/refunds"),
    Route::get("get", "/v3/refunds"),
    Route::get("get", "/v3/refunds/{id}"),
    Route::post("receipt", "/v3/receipts"),
    Route::get("get", "/v3/receipts"),
    Route::get("get", "/v3/receipts/{id}"),
    Route::get("me", "/v3/me"),
];

const SMSPRO: &[Route] =
    &[Route::post("send", "/api/otp/send"), Route::post("verify", "/api/otp/verify"), Route::post("dr", "/api/dr")];

const SHOP: &[Route] = &[
    Route::post("orders", "/orders"),
    Route::post("events", "/events"),
    Route::post("forms", "/forms"),
    Route::get("feed", "/feed.yml"),
];

const IMSHOP: &[Route] = &[Route::post("payment_status", "/payment_status"), Route::post("order_status", "/order_status")];

/// One of the outside systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// Mokka API Factoring: instalments.
    Mokka,
    /// YooKassa API v3: cards, SBP and `SberPay`.
    Yookassa,
    /// Nikita SMSPRO: one-time codes by SMS.
    Smspro,
    /// The shop's own backend.
    Shop,
    /// IMSHOP's status URLs.
    Imshop,
}

impl System {
    /// Every system.
    pub const ALL: [Self; 5] = [Self::Mokka, Self::Yookassa, Self::Smspro, Self::Shop, Self::Imshop];

    /// The name used in paths, records and faults.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mokka => "mokka",
            Self::Yookassa => "yookassa",
            Self::Smspro => "smspro",
            Self::Shop => "shop",
            Self::Imshop => "imshop",
        }
    }

    /// The system of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.name() == name)
    }

    /// The names of its methods.
    pub fn methods(self) -> impl Iterator<Item = &'static str> {
        let routes = self.routes();
        let first = |(index, route): &(usize, &Route)| routes[..*index].iter().all(|earlier| earlier.method != route.method);
        routes.iter().enumerate().filter(first).map(|(_, route)| route.method)
    }

    /// Where its methods are. A method may be at several paths.
    pub(crate) fn routes(self) -> &'static [Route] {
        match self {
            Self::Mokka => MOKKA,
            Self::Yookassa => YOOKASSA,
            Self::Smspro => SMSPRO,
            Self::Shop => SHOP,
            Self::Imshop => IMSHOP,
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
