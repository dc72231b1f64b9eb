//! The outside systems and their methods: one table that routing, recording and faults share.

use std::fmt;

use hyper::Method;
use serde::Serialize;

/// One of the outside systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// Mokka API Factoring: instalments.
    Mokka,
    /// Nikita SMSPRO: one-time codes by SMS.
    Smspro,
    /// The shop's own backend.
    Shop,
    /// IMSHOP's status URLs.
    Imshop,
}

impl System {
    /// Every system.
    pub const ALL: [Self; 4] = [Self::Mokka, Self::Smspro, Self::Shop, Self::Imshop];

    /// The name used in paths, records and faults.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mokka => "mokka",
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
        self.routes().iter().map(|(method, _)| *method)
    }

    /// The HTTP method that one of its methods takes.
    pub(crate) fn verb(method: &str) -> Method {
        if method == "feed" { Method::GET } else { Method::POST }
    }

    /// Method and path (below the system's own prefix).
    pub(crate) fn routes(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Mokka => &[
                ("registration", "/factoring/v1/limit/auth"),
                ("limit", "/api/external/v1/client/limit"),
                ("checkout", "/factoring/v1/precheck/auth"),
                ("schedule", "/factoring/v1/schedule"),
                ("status", "/factoring/v1/status"),
                ("change", "/factoring/v1/precheck/change"),
                ("cancel", "/factoring/v1/precheck/cancel"),
                ("finish", "/factoring/v1/precheck/finish"),
                ("return", "/factoring/v1/return"),
            ],
            Self::Smspro => &[("send", "/api/otp/send"), ("verify", "/api/otp/verify"), ("dr", "/api/dr")],
            Self::Shop => &[("orders", "/orders"), ("events", "/events"), ("forms", "/forms"), ("feed", "/feed.yml")],
            Self::Imshop => &[("payment_status", "/payment_status"), ("order_status", "/order_status")],
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
