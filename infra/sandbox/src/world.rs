//! The sandbox as a person runs it: everything started, on fixed or free ports.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::Clock;
use shared::env::{ConfigError, Env};
use shared::runtime::World as Outside;
use standins::{Options, StandIns};
use tokio::net::TcpListener;

use crate::dynamodb::{self, DynamoDbError};
use crate::functions::Functions;
use crate::gateway;
use crate::settings::{Addresses, environment};
use crate::template::{TEMPLATE, Template, TemplateError};

/// Where `cargo lambda watch` serves the functions when the sandbox does not.
pub const CARGO_LAMBDA: &str = "http://127.0.0.1:9000";

/// The ports; 0 is any free one.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// The functions' gateway; none with `--providers-only`.
    pub gateway: Option<u16>,
    /// DynamoDB.
    pub dynamodb: u16,
    /// The stand-ins.
    pub providers: u16,
}

/// What runs.
pub struct Sandbox {
    /// Where its parts listen.
    pub addresses: Addresses,
    /// Whether the functions run here.
    pub serves_functions: bool,
}

/// The sandbox could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken.
    #[error("port {port} is taken ({cause}): end what listens there, or choose another with --{option} (0 = any free one)")]
    Port {
        /// Which.
        port: u16,
        /// The option that sets it.
        option: &'static str,
        /// Why not.
        cause: std::io::Error,
    },
    /// The template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The database.
    #[error(transparent)]
    DynamoDb(#[from] DynamoDbError),
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The HTTP client.
    #[error("no HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

impl Sandbox {
    /// Starts everything.
    pub async fn start(ports: Ports, data: Option<PathBuf>) -> Result<Self, StartError> {
        let template = Template::read(TEMPLATE)?;
        let clock = Clock::system();
        let gateway_listener = match ports.gateway {
            Some(port) => Some(listen(port, "gateway-port").await?),
            None => None,
        };
        let dynamodb_listener = listen(ports.dynamodb, "dynamodb-port").await?;
        let standins =
            StandIns::start(listen(ports.providers, "providers-port").await?, Options::default(), standin_clock(&clock));
        let addresses = Addresses {
            gateway: gateway_listener.as_ref().map_or_else(|| CARGO_LAMBDA.to_owned(), address),
            dynamodb: address(&dynamodb_listener),
            providers: standins.base_url(),
        };
        let settings = environment(&addresses);
        let mut env = Env::from_map(settings.clone());
        let client = shared::store::client_from_env(&mut env);
        let client = env.finish(client)?;
        dynamodb::start(dynamodb_listener, data.as_deref(), clock.clone(), &client, &template.tables).await?;
        let serves_functions = gateway_listener.is_some();
        if let Some(listener) = gateway_listener {
            let outside = Outside { clock, random: shared::clock::Random::System, http: shared::outbound::client()? };
            gateway::start(listener, template, Functions::build(&settings, &outside)?);
        }
        Ok(Self { addresses, serves_functions })
    }

    /// The line that says that it serves, for programs.
    #[must_use]
    pub fn ready_line(&self) -> String {
        let Addresses { gateway, dynamodb, providers } = &self.addresses;
        let mut ready = json!({"dynamodb": dynamodb, "providers": providers});
        if self.serves_functions {
            ready["gateway"] = Value::String(gateway.clone());
        }
        format!("READY {ready}")
    }

    /// The functions' settings as a file for `cargo lambda watch --env-file`.
    #[must_use]
    pub fn env_file(&self) -> String {
        let lines: Vec<_> = environment(&self.addresses).iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        format!("{}\n", lines.join("\n"))
    }
}

/// The sandbox's clock as the stand-ins read and move it.
pub(crate) fn standin_clock(clock: &Clock) -> standins::Clock {
    let (read, moved) = (clock.clone(), clock.clone());
    standins::Clock::new(
        move || read.now().utc(),
        move |seconds| moved.advance(Duration::from_secs(u64::try_from(seconds).unwrap_or(0))),
    )
}

async fn listen(port: u16, option: &'static str) -> Result<TcpListener, StartError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|cause| StartError::Port { port, option, cause })
}

fn address(listener: &TcpListener) -> String {
    listener.local_addr().map(|address| format!("http://{address}")).unwrap_or_default()
}
