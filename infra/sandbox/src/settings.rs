//! The page of settings, `infra/docs/SETTINGS.md`: what each variable means is said here; which functions read it, which values they
//! take, whether they start without it and what sets it on AWS is found out from the functions and the template.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use emulators::functions::Function;
use emulators::template::{TEMPLATE, is_not_given};
use shared::platform::env::Env;
use shared::platform::secrets_manager;
use testkit::settings::WITH_CARDS;
use testkit::{Cast as _, TestEnvironment};
use yaml_rust2::{Yaml, YamlLoader};

use crate::functions::Everything;

pub const PAGE: &str = "infra/docs/SETTINGS.md";
/// What every function reads before its handler is built.
const AT_START: [&str; 4] = ["LOG_LEVEL", "METRICS", "METRICS_NAMESPACE", "EXTRA_CA_FILE"];
/// What every function with secrets reads before that.
const OF_SECRETS: [&str; 3] = ["SECRETS_ARN", "SECRETS_REFRESH_SECONDS", "SECRETS_ENDPOINT"];
/// What Lambda sets by itself.
const OF_LAMBDA: &str = "AWS_";

/// A variable: its name, what holds without it (empty: a function that reads it does not start), what it means.
type Setting = (&'static str, &'static str, &'static str);

/// What stands in a row for the name of any gateway, and the gateway by which the row is found out.
const ANY_GATEWAY: (&str, &str) = ("{NAME}", "YOOKASSA");

/// Every variable by its subject. The second value of a key that may change (`…_NEXT`) stands in the row of the key.
const SETTINGS: [(&str, &[Setting]); 11] = [
    (
        "IMSHOP",
        &[
            (
                "IMSHOP_KEY",
                "",
                "what IMSHOP presents: `Authorization: Bearer`, header `key`, or body field `key`; at least 24 characters, as all keys of \
                 public endpoints",
            ),
            ("IMSHOP_PAYMENT_STATUS_URL", "off", "where IMSHOP is told what became of a payment"),
            ("IMSHOP_ORDER_STATUS_URL", "off", "where IMSHOP is told the status of an order"),
            (
                "IMSHOP_PAYMENT_STATUS",
                "on if its address is there",
                "`on`: the function does not start without the address; `off`: nothing is sent",
            ),
            ("IMSHOP_ORDER_STATUS", "on if its address is there", "the same of orders"),
            ("IMSHOP_CODE_PAID", "`paid`", "the shop's code of this order status, as IMSHOP knows it"),
            ("IMSHOP_CODE_FAILED", "`payment_failed`", "the same"),
            ("IMSHOP_CODE_PARTIALLY_REFUNDED", "`partially_refunded`", "the same"),
            ("IMSHOP_CODE_REFUNDED", "`refunded`", "the same"),
        ],
    ),
    (
        "The shop",
        &[
            ("SHOP_NAME", "", "the seller on the sales document"),
            ("SHOP_ORDERS_URL", "", "the shop's own order system"),
            ("SHOP_KEY", "", "what we present there as `Authorization: Bearer`"),
            (
                "SHOP_ORDERS_SECRET",
                "orders go unsigned",
                "what [orders](SHOP.md#1-take-orders) for the shop are signed with, beside the key",
            ),
            ("SHOP_PUSH_KEY", "", "what the shop presents to `PUT /v1/orders/{orderUuid}`"),
            (
                "SHOP_PRICE_INCLUDES_DELIVERY",
                "`true`",
                "whether `price` in the shop's answer contains `deliveryPrice`; `false`: both are charged",
            ),
            (
                "DEFAULT_CURRENCY",
                "`RUB`",
                "currency of an order that names none, of the prices in a cart and in the product feed, and of the amounts in `payments.toml`",
            ),
            (
                "ORDER_PERSON_DAYS",
                "`90`",
                "for how many days after the shop last named the customer an order [knows them](DATA.md); what the shop repeats of an order \
                 that is paid moves nothing; longer while an attempt is open",
            ),
            ("SHOP_FORMS_URL", "needed if a form goes there", "where [forms](SHOP.md#2-take-forms) for the shop go"),
            ("SHOP_FORMS_SECRET", "needed with it", "what they are signed with"),
            ("SHOP_EVENTS_URL", "off", "where the shop's own system hears [what became of payments](SHOP.md)"),
            ("SHOP_EVENTS_SECRET", "needed with it", "what these events are signed with"),
            (
                "SHOP_EVENTS",
                "on if its address is there",
                "`on`: the function does not start without address and secret; `off`: nothing is sent",
            ),
            (
                "BACK_OFFICE_KEYS",
                "",
                "`name:role:key`, separated by commas; roles `read`, `operate`, `refund`, each with the rights of the one before; keys of at \
                 least 24 characters; a name may have two keys while one is changed. `name:refund:5000:key` gives back no more than 5,000 of \
                 the shop's currency in a day alone",
            ),
        ],
    ),
    (
        "Mokka",
        &[
            ("MOKKA_BASE_URL", "", "`https://r.revo.ru`; the demo is `https://backend.demo.revoup.ru`"),
            (
                "MOKKA_STORE_ID",
                "",
                "the store's number. The function `payments` needs Mokka's settings only if a way to pay has a widget or a limit",
            ),
            ("MOKKA_SECRET", "", "the store's secret"),
            ("MOKKA_SIGNATURE_ORDER", "`auto`", "`body_secret`, `secret_body`, or `auto`: find out"),
            (
                "MOKKA_FINISH",
                "`on_hold`",
                "`on_hold`: capture as soon as the hold is confirmed; `on_shipment`: a hold counts as paid, and the back office captures it",
            ),
            ("MOKKA_CURRENCY", "`RUB`", "currency of Mokka's amounts; its protocol names none"),
            ("MOKKA_FORM_HOURS", "`24`", "how long the customer has for Mokka's form"),
            (
                "MOKKA_HOLD_HOURS",
                "`336`",
                "with `on_shipment`: how long the money is held for goods that ship later; Mokka has one `valid_till` for both ends, so a \
                 confirmed hold is changed to this one",
            ),
            ("MOKKA_LIMIT_STORE_ID", "the store above", "a store of its own for limits and registrations"),
            ("MOKKA_LIMIT_SECRET", "the store above", "its secret: both or neither"),
            (
                "MOKKA_PARTNER_UID",
                "none",
                "what Mokka names the shop in the address of its form for a limit, which the back office then gives away with a limit",
            ),
        ],
    ),
    (
        "Card gateways",
        &[
            (
                "GATEWAY_{NAME}_SECRET",
                "",
                "the secret key of the [gateway](WAYS-TO-PAY.md#card-gateways) of that name in `payments.toml`; the name in capitals, underscores \
                 for hyphens",
            ),
            (
                "GATEWAY_{NAME}_BASE_URL",
                "what its section says",
                "the address of its provider, where that is another one on this machine",
            ),
            (
                "INSTALLATION",
                "needed with a card gateway",
                "what tells this installation's payments from those of others that share the account at a provider",
            ),
        ],
    ),
    (
        "Ways to pay and prices",
        &[
            ("PAYMENTS_CONFIG", "`/opt/payments.toml`", "the [ways to pay](WAYS-TO-PAY.md) and their gateways"),
            ("PAYMENTS_BUDGET_MS", "`700`", "how many milliseconds the list waits for Mokka before it goes without the widget"),
            ("PRICE_FEED_URL", "off", "the shop's product feed, `https://…` or `s3://bucket/key`"),
            ("PRICE_FEED_MAX_BAD_PERCENT", "`10`", "with more bad offers in a hundred the whole feed is refused"),
            ("PRICES_MAX_AGE_HOURS", "`48`", "how long prices count after the feed was last seen"),
        ],
    ),
    (
        "Forms and codes by SMS",
        &[
            ("FORMS_CONFIG", "`/opt/forms.toml`", "[forms, limits](FORMS.md), and when too few codes are entered"),
            ("SMSPRO_BASE_URL", "needed; in sms-watch only with a login", "`https://smspro.nikita.kg`"),
            ("SMSPRO_KEY", "", "the API key from SMSPRO's cabinet"),
            (
                "SMSPRO_REPORT_SECRET",
                "no report is taken",
                "the last part of the address to which SMSPRO pushes reports; at least 24 characters",
            ),
            (
                "SMSPRO_REPORTS",
                "on if its secret is there",
                "`on`: sms-reports does not start without the secret; `off`: no report is taken",
            ),
            ("SMSPRO_LOGIN", "none is asked for", "the cabinet's login, to ask for reports that were not pushed"),
            ("SMSPRO_PASSWORD", "none is asked for", "its password: both or neither"),
            (
                "SMSPRO_PULL",
                "on if its login is there",
                "`on`: sms-watch does not start without login and password; `off`: no report is asked for",
            ),
        ],
    ),
    (
        "The poll schedule",
        &[
            (
                "RECONCILE_AT_ONCE",
                "`32`",
                "how many payments a run polls together; it begins with 4, and with fewer after the provider has asked for less (429)",
            ),
            ("ATTENTION_AFTER_MINUTES", "`60`", "how long a payment may stay unresolved before it is put into manual review"),
            (
                "AUDIT_AFTER_DAYS",
                "`1,7,30`",
                "after how many days a captured payment is polled once more for what was done in the provider's cabinet; `none`: never",
            ),
        ],
    ),
    (
        "Addresses, tokens and keys of our own",
        &[
            ("PUBLIC_BASE_URL", "the API's own address", "what Mokka and browsers reach us at, up to `/v1`"),
            ("INTERNAL_SECRET", "", "at least 32 characters; callback tokens and the keys of challenges are derived from it"),
            ("INTERNAL_SECRET_PREVIOUS", "none", "the one before it, which finds older forms"),
            (
                "WEAK_KEYS",
                "none",
                "`allowed`: keys of public endpoints may have fewer than 24 characters. Only the sandbox says so",
            ),
            (
                "EXTRA_CA_FILE",
                "`/opt/extra-ca.pem`, if it is there",
                "certificates (PEM) of authorities that are trusted besides those compiled in; on AWS the file `infra/config/extra-ca.pem`",
            ),
        ],
    ),
    (
        "Tables, queues, buckets",
        &[
            ("ORDERS_TABLE", "", "orders and payments"),
            ("OTP_TABLE", "", "codes, limits and SMS"),
            ("FORMS_TABLE", "", "what customers handed in"),
            ("FORM_PHOTOS_BUCKET", "", "its photos"),
            ("QUOTES_TABLE", "", "what is shown and never charged: prices of the product feed, Mokka's schedules of the day"),
            ("ORDERS_QUEUE_URL", "", "accepted orders that the table did not take"),
            ("FORMS_QUEUE_URL", "needed if a form goes to the shop", "forms on their way to the shop"),
        ],
    ),
    (
        "Logs and metrics",
        &[
            (
                "LOG_LEVEL",
                "`info`",
                "`error`, `warn`, `info`, `debug`, `trace`. Only this project's lines; never bodies, phones, codes or keys",
            ),
            ("METRICS", "`basic`", "what CloudWatch keeps of what is measured: `basic`, what alarms look at; `full`, everything"),
            ("METRICS_NAMESPACE", "`imshop-webhooks`", "what CloudWatch keeps the metrics under"),
        ],
    ),
    (
        "AWS",
        &[
            (
                "SECRETS_ARN",
                "the environment",
                "the Secrets Manager document with what is marked 🔑; without it that is read from the environment",
            ),
            ("SECRETS_REFRESH_SECONDS", "`300`", "how often it is read again, 1 to 3600"),
            ("SECRETS_ENDPOINT", "AWS's", "another Secrets Manager, on this machine"),
            ("AWS_REGION", "", "the region of everything"),
            ("AWS_ACCESS_KEY_ID", "", "of the function's role"),
            ("AWS_SECRET_ACCESS_KEY", "", "of the function's role"),
            ("AWS_SESSION_TOKEN", "none", "of the function's role"),
            ("DYNAMODB_ENDPOINT", "AWS's", "the sandbox's DynamoDB"),
            ("S3_ENDPOINT", "AWS's", "the sandbox's S3"),
            ("SQS_ENDPOINT", "AWS's", "the sandbox's SQS"),
        ],
    ),
];

const HEAD: &str = "# Settings

<!-- Written by `cargo run -p sandbox -- settings --write`; what is said of a setting stands in infra/sandbox/src/settings.rs. -->

Every variable that the functions read. On AWS `template.yaml` sets them, most by a parameter of `samconfig.toml`; what is marked 🔑 is in
the stage's [secrets document](OPERATIONS.md#secrets), elsewhere in the environment. `…_NEXT` is the second valid value while a key
[changes](OPERATIONS.md#changing-secrets). **needed**: a function that reads it does not start without it; its log names every variable that
is wrong. In the sandbox: `cargo run -p sandbox -- --set MOKKA_FINISH=on_shipment`.

Forms, limits and ways to pay are no variables: [FORMS.md](FORMS.md), [WAYS-TO-PAY.md](WAYS-TO-PAY.md).
";

/// The page could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A function is not built with everything set.
    #[error("{function}: {cause}")]
    Function {
        /// Which.
        function: String,
        /// Why.
        cause: shared::platform::env::ConfigError,
    },
    #[error("template.yaml cannot be read")]
    Template,
    /// The page.
    #[error("{PAGE}: {0}")]
    File(#[from] std::io::Error),
}

/// The name of a variable by which its row is found out: of those that any gateway has, one gateway's.
fn one(name: &str) -> String {
    let (any, gateway) = ANY_GATEWAY;
    name.replace(any, gateway)
}

/// The names in the rows of the page, each once; those that each gateway has with `{NAME}` for the gateway's.
#[must_use]
pub fn names() -> BTreeSet<String> {
    let rows = SETTINGS.iter().flat_map(|(_, settings)| settings.iter());
    rows.flat_map(|(name, ..)| std::iter::once((*name).to_owned()).chain(next(name))).collect()
}

/// The default of each variable, as the page says it.
pub fn defaults() -> impl Iterator<Item = (&'static str, &'static str)> {
    SETTINGS.iter().flat_map(|(_, settings)| settings.iter()).map(|(name, default, _)| (*name, *default))
}

/// The second value of a key that may change.
fn next(name: &str) -> Option<String> {
    Some(format!("{name}_NEXT")).filter(|next| secrets_manager::is_secret(&one(next)))
}

/// What a function reads when everything that can be on is on. Both handlers of a function with two count.
pub async fn reads(function: &str) -> Result<BTreeSet<String>, SettingsError> {
    let environment = TestEnvironment::start().await;
    let mut read = BTreeSet::new();
    for made in Everything::functions().iter().filter(|made| made.name() == function) {
        read.extend(start(made, &environment, everything(&environment))?);
    }
    Ok(read)
}

/// Prints the page, or writes it into its place below `folder`.
pub async fn print(folder: Option<&Path>, out: &mut impl Write) -> Result<(), SettingsError> {
    let page = page().await?;
    match folder {
        Some(folder) => std::fs::write(folder.join(PAGE), page)?,
        None => out.write_all(page.as_bytes())?,
    }
    Ok(())
}

/// The page as the functions and the template are now.
pub async fn page() -> Result<String, SettingsError> {
    let found = Found::out().await?;
    let template = YamlLoader::load_from_str(TEMPLATE).map_err(|_| SettingsError::Template)?;
    let template = template.first().ok_or(SettingsError::Template)?;
    let mut page = HEAD.to_owned();
    for (subject, settings) in SETTINGS {
        page.extend([
            "\n## ",
            subject,
            "\n\n| variable | what | without it | must be | set on AWS by | read by |\n|---|---|---|---|---|---|\n",
        ]);
        for (name, default, what) in settings {
            let next = next(name).map(|next| format!(", `{next}`")).unwrap_or_default();
            let read = one(name);
            let key = if secrets_manager::is_secret(&read) { " 🔑" } else { "" };
            let default = if default.is_empty() { "**needed**" } else { default };
            let takes = found.takes.get(&read).map(String::as_str).unwrap_or_default();
            let (source, readers) = (source(template, &read), found.readers(&read));
            let variable = format!("`{name}`{next}{key}");
            for cell in [variable.as_str(), what, default, takes, &source, &readers] {
                page.extend(["| ", cell, " "]);
            }
            page.push_str("|\n");
        }
    }
    Ok(page)
}

/// What the functions tell of their settings.
struct Found {
    /// The functions in the order of the page.
    functions: BTreeSet<String>,
    /// Who reads each variable.
    read_by: BTreeMap<String, BTreeSet<String>>,
    /// What a variable that is wrong must be.
    takes: BTreeMap<String, String>,
}

impl Found {
    async fn out() -> Result<Self, SettingsError> {
        let environment = TestEnvironment::start().await;
        let mut found = Self { functions: BTreeSet::new(), read_by: BTreeMap::new(), takes: BTreeMap::new() };
        for made in Everything::functions() {
            let function = made.name().to_owned();
            found.functions.insert(function.clone());
            let read = start(&made, &environment, everything(&environment))?;
            let secrets = read.iter().any(|name| secrets_manager::is_secret(name));
            let before = AT_START.iter().chain(OF_SECRETS.iter().filter(|_| secrets)).map(|name| (*name).to_owned());
            for name in read.iter().cloned().chain(before) {
                found.read_by.entry(name).or_default().insert(function.clone());
            }
            for name in read {
                let mut wrong = everything(&environment);
                wrong.insert(name.clone(), "?".to_owned());
                let said = problem(&made, &environment, wrong, &name);
                if let Some(takes) =
                    said.as_deref().and_then(|said| said.strip_prefix("must be ")).filter(|takes| is_plain(takes))
                {
                    found.takes.insert(name, takes.to_owned());
                }
            }
        }
        Ok(found)
    }

    fn readers(&self, name: &str) -> String {
        let none = BTreeSet::new();
        let by = self.read_by.get(name).unwrap_or(&none);
        let others: Vec<_> = self.functions.difference(by).map(String::as_str).collect();
        match others[..] {
            [] => "all".to_owned(),
            [other] => format!("all but {other}"),
            _ => by.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
        }
    }
}

/// Whether a text says which values there are; what the reader of an address or a file complains of does not.
fn is_plain(takes: &str) -> bool {
    !takes.contains("URL") && !takes.contains(':') && !takes.starts_with("set") && !takes.starts_with("the ")
}

/// The settings with everything on that can be on.
fn everything(environment: &TestEnvironment) -> BTreeMap<String, String> {
    let mut settings = environment.env();
    let on = [
        ("MOKKA_LIMIT_STORE_ID", "73"),
        ("MOKKA_LIMIT_SECRET", "secret"),
        ("MOKKA_FINISH", "on_shipment"),
        ("PRICE_FEED_URL", "s3://shop/feed.yml"),
        ("PAYMENTS_CONFIG", WITH_CARDS),
    ];
    settings.extend(on.map(|(name, value)| (name.to_owned(), value.to_owned())));
    settings
}

/// What a function reads at its start.
fn start(
    made: &Function,
    environment: &TestEnvironment,
    settings: BTreeMap<String, String>,
) -> Result<BTreeSet<String>, SettingsError> {
    let env = Env::from_map(settings);
    let reads = env.reads();
    match made.build_of(env, environment.platform()) {
        Ok(_) => Ok(reads.names()),
        Err(cause) => Err(SettingsError::Function { function: made.name().to_owned(), cause }),
    }
}

/// What a function says of a variable when it does not start.
fn problem(made: &Function, environment: &TestEnvironment, settings: BTreeMap<String, String>, name: &str) -> Option<String> {
    let refused = made.build_of(Env::from_map(settings), environment.platform()).err()?.to_string();
    let said = refused.lines().find_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix(": "))?;
    Some(said.to_owned())
}

/// Whether a function that reads a variable does not start without it, when everything else is on.
pub async fn is_missed(name: &str) -> bool {
    let name = &one(name);
    let environment = TestEnvironment::start().await;
    Everything::functions().iter().any(|made| {
        let mut settings = everything(&environment);
        settings.remove(name);
        problem(made, &environment, settings, name).is_some_and(|said| said.starts_with("must be set"))
    })
}

/// What sets a variable on AWS.
fn source(template: &Yaml, name: &str) -> String {
    if secrets_manager::is_secret(name) {
        return "the secrets document".to_owned();
    }
    if name.starts_with(OF_LAMBDA) {
        return "Lambda".to_owned();
    }
    if is_not_given(name) {
        return "nothing".to_owned();
    }
    let everywhere = &template["Globals"]["Function"]["Environment"]["Variables"][name];
    let own = template["Resources"]
        .as_hash()
        .into_iter()
        .flatten()
        .map(|(_, resource)| &resource["Properties"]["Environment"]["Variables"][name]);
    let value = std::iter::once(everywhere).chain(own).find(|value| !value.is_badvalue());
    let texts = value.into_iter().flat_map(texts);
    let parameter = texts.into_iter().find(|text| !template["Parameters"][*text].is_badvalue());
    match (value, parameter) {
        (_, Some(parameter)) => format!("`{parameter}`"),
        (Some(_), None) => "the stack itself".to_owned(),
        (None, None) => "nothing".to_owned(),
    }
}

/// The strings of a scalar or a list: a conditional value (`!If`) with both of its sides.
fn texts(value: &Yaml) -> Vec<&str> {
    let list = value.as_vec().into_iter().flatten().flat_map(texts);
    value.as_str().into_iter().chain(list).collect()
}
