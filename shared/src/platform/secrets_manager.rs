//! The stage's secrets: one JSON document in AWS Secrets Manager (`GetSecretValue`), which every function reads by itself.
//!
//! Signed and sent by what is in the binary anyway, the HTTP client and the SDK's signer; the SDK's own client of Secrets
//! Manager would come with a connection pool and a serializer of its own for one call.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::platform::aws::{Account, url_suffix};
use crate::platform::clock::{Clock, Deadline};
use crate::platform::env::{Env, parse_url};
use crate::platform::outbound::{Http, System, Target};

/// What the document may set beside [the gateways' keys](gateway_secret), and nothing else: a setting of the template has one place.
/// `StageSecrets` in template.yaml describes them.
pub const NAMES: [&str; 26] = [
    "IMSHOP_KEY",
    "SHOP_KEY",
    "SHOP_PUSH_KEY",
    "SHOP_FORMS_SECRET",
    "MOKKA_SECRET",
    "SMSPRO_KEY",
    "INTERNAL_SECRET",
    "BACK_OFFICE_KEYS",
    "IMSHOP_PAYMENT_STATUS_URL",
    "IMSHOP_ORDER_STATUS_URL",
    "SHOP_ORDERS_SECRET",
    "SHOP_EVENTS_URL",
    "SHOP_EVENTS_SECRET",
    "MOKKA_LIMIT_SECRET",
    "SMSPRO_REPORT_SECRET",
    "SMSPRO_LOGIN",
    "SMSPRO_PASSWORD",
    "IMSHOP_KEY_NEXT",
    "SHOP_PUSH_KEY_NEXT",
    "SHOP_ORDERS_SECRET_NEXT",
    "SHOP_EVENTS_SECRET_NEXT",
    "SHOP_FORMS_SECRET_NEXT",
    "SMSPRO_REPORT_SECRET_NEXT",
    "MOKKA_SECRET_NEXT",
    "MOKKA_LIMIT_SECRET_NEXT",
    "INTERNAL_SECRET_PREVIOUS",
];

/// What the name of a payment gateway's secret begins and ends with.
const OF_GATEWAY: (&str, &str) = ("GATEWAY_", "_SECRET");

/// The name of a payment gateway's secret: its own in capitals, with underscores for hyphens.
#[must_use]
pub fn gateway_secret(gateway: &str) -> String {
    let (begin, end) = OF_GATEWAY;
    format!("{begin}{}{end}", gateway.replace('-', "_").to_uppercase())
}

/// Whether the document may set it: one of [`NAMES`], or a payment gateway's key or next key. Which gateways there are is not asked: the
/// key of one may come before its section.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    NAMES.contains(&name) || is_of_gateway(name)
}

fn is_of_gateway(name: &str) -> bool {
    let (begin, end) = OF_GATEWAY;
    let of = name.strip_suffix("_NEXT").unwrap_or(name).strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
    of.is_some_and(|gateway| {
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        gateway.len() <= 24 && gateway.starts_with(|first: char| first.is_ascii_uppercase()) && gateway.bytes().all(plain)
    })
}

/// One attempt. Secrets Manager answers in a few milliseconds.
const ATTEMPT: Duration = Duration::from_secs(1);
/// All attempts of one look.
const LOOK: Duration = Duration::from_secs(3);

/// Where the document is, and how to ask for it.
#[derive(Clone)]
pub struct SecretsDocument {
    arn: String,
    url: Url,
    account: Account,
    http: Http,
    clock: Clock,
}

/// The document's keys and their values. Prints no value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, String>);

/// Why the document could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretsDocumentError {
    /// No answer; temporary.
    #[error("Secrets Manager does not answer: {0}")]
    Unavailable(String),
    /// Secrets Manager does not hand it out: not there, not allowed, throttled.
    #[error("Secrets Manager answers {status} {kind}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// Its name for the error.
        kind: String,
    },
    /// It is not what it has to be. What it is stays unsaid.
    #[error("the document must be a JSON object whose values are all texts")]
    Unreadable,
    /// The request could not be signed.
    #[error("the request for the document could not be signed: {0}")]
    Unsigned(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    secret_string: String,
}

#[derive(Default, Deserialize)]
struct Trouble {
    #[serde(rename = "__type", default)]
    kind: String,
}

impl SecretsDocument {
    /// Reads `SECRETS_ARN`, `SECRETS_ENDPOINT` (this machine only) and the account. Without `SECRETS_ARN` there is none: the
    /// secrets are in the environment.
    pub fn from_env(env: &mut Env, http: Http, clock: Clock) -> Option<Self> {
        let arn = env.optional("SECRETS_ARN")?;
        let account = Account::from_env(env);
        let url = match env.optional_url("SECRETS_ENDPOINT") {
            Some(url) => Some(url),
            None => {
                env.parsed("AWS_REGION", |region| parse_url(&format!("https://secretsmanager.{region}.{}/", url_suffix(region))))
            }
        };
        Some(Self { arn, url: url?, account: account?, http, clock })
    }

    /// Its ARN, for messages.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The current version. What may pass by itself is tried again within three seconds.
    pub async fn read(&self) -> Result<Values, SecretsDocumentError> {
        let deadline = Deadline::within(LOOK);
        loop {
            match self.ask(deadline).await {
                Err(error) if error.is_temporary() && deadline.allows(ATTEMPT).is_some() => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                answered => return answered,
            }
        }
    }

    async fn ask(&self, deadline: Deadline) -> Result<Values, SecretsDocumentError> {
        let request = RequestBuilder::from_parts(self.http.client().clone(), self.signed()?);
        let target = Target { system: System::Aws, method: "secrets" };
        let answer = self.http.send(target, request, ATTEMPT, deadline).await;
        let mut answer = answer.map_err(|error| SecretsDocumentError::Unavailable(error.to_string()))?;
        if answer.status != StatusCode::OK {
            let Trouble { kind } = serde_json::from_slice(&answer.body).unwrap_or_default();
            return Err(SecretsDocumentError::Refused { status: answer.status, kind });
        }
        answer.call.done();
        // serde's messages quote what they do not like, so they go no further.
        let found: Found = serde_json::from_slice(&answer.body).map_err(|_| SecretsDocumentError::Unreadable)?;
        serde_json::from_str(&found.secret_string).map(Values::of).map_err(|_| SecretsDocumentError::Unreadable)
    }

    fn signed(&self) -> Result<reqwest::Request, SecretsDocumentError> {
        let unsigned = |error: &dyn fmt::Display| SecretsDocumentError::Unsigned(error.to_string());
        let body = json!({"SecretId": self.arn}).to_string();
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "secretsmanager.GetSecretValue")];
        let identity = self.account.credentials.clone().into();
        let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(self.clock.now().millis()).unwrap_or(0));
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.account.region.as_ref())
            .name("secretsmanager")
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unsigned(&error))?
            .into();
        let signable = SignableRequest::new("POST", self.url.as_str(), headers.into_iter(), SignableBody::Bytes(body.as_bytes()))
            .map_err(|error| unsigned(&error))?;
        let (signature, _) = sign(signable, &params).map_err(|error| unsigned(&error))?.into_parts();
        let request =
            headers.into_iter().fold(self.http.post(self.url.clone()), |request, (name, value)| request.header(name, value));
        let (added, _) = signature.into_parts();
        let request = added.iter().fold(request, |request, header| request.header(header.name(), header.value()));
        request.body(body).build().map_err(|error| unsigned(&error.without_url()))
    }
}

impl SecretsDocumentError {
    /// Whether asking again may help.
    fn is_temporary(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Refused { status, kind } => status.is_server_error() || kind.contains("Throttling"),
            Self::Unreadable | Self::Unsigned(_) => false,
        }
    }
}

impl Values {
    /// What the document may set. A name that it may not is no reason not to start, and is not said: it may be a key in the wrong place.
    fn of(mut all: BTreeMap<String, String>) -> Self {
        let found = all.len();
        all.retain(|name, _| is_secret(name));
        if all.len() < found {
            tracing::warn!(
                names = found - all.len(),
                "the document of secrets has names that it does not describe; they set nothing"
            );
        }
        Self(all)
    }

    /// The values by their keys.
    pub(crate) fn by_key(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::metrics::Metrics;

    #[test]
    fn secret_of_any_gateway_may_be_set_and_nothing_that_only_looks_like_one() {
        assert_eq!(gateway_secret("yookassa"), "GATEWAY_YOOKASSA_SECRET");
        assert_eq!(gateway_secret("shop-2"), "GATEWAY_SHOP_2_SECRET");
        for gateway in ["a", "yookassa", "shop-2", "a--", "secret-next", "abcdefghijklmnopqrstuvwx"] {
            let name = gateway_secret(gateway);
            assert!(is_secret(&name) && is_secret(&format!("{name}_NEXT")), "{name}");
        }
        for name in [
            "GATEWAY_SECRET",
            "GATEWAY__SECRET",
            "GATEWAY_A_SECRETS",
            "GATEWAY_A_SECRET_NEXT_NEXT",
            "GATEWAY_A_BASE_URL",
            "GATEWAY_a_SECRET",
            "GATEWAY_2_SECRET",
            "GATEWAY_A.B_SECRET",
            "XGATEWAY_A_SECRET",
            "GATEWAY_ABCDEFGHIJKLMNOPQRSTUVWXY_SECRET",
        ] {
            assert!(!is_secret(name), "{name}");
        }
        assert!(is_secret("IMSHOP_KEY") && !is_secret("LOG_LEVEL"));
        let document = [("GATEWAY_A_SECRET", "1"), ("GATEWAY_A_SECRETS", "2"), ("SHOP_KEY", "3")];
        let values = Values::of(document.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert_eq!(values.by_key().keys().collect::<Vec<_>>(), ["GATEWAY_A_SECRET", "SHOP_KEY"]);
    }

    #[test]
    fn the_document_is_asked_for_in_the_partition_of_its_region() {
        for (region, address) in [
            ("eu-central-1", "https://secretsmanager.eu-central-1.amazonaws.com/"),
            ("cn-north-1", "https://secretsmanager.cn-north-1.amazonaws.com.cn/"),
        ] {
            let settings =
                [("SECRETS_ARN", "arn"), ("AWS_REGION", region), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "key")];
            let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let http = Http::new(Metrics::default()).unwrap();
            let document = SecretsDocument::from_env(&mut Env::from_map(settings.into()), http, Clock::system()).unwrap();
            assert_eq!(document.url.as_str(), address);
        }
    }
}
