//! `cargo run -p sandbox`: the whole system on one machine.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use sandbox::running::{Ports, Sandbox, Setup};
use sandbox::{check, costs, demo};
use shared::platform::clock::{Clock, Timestamp};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts the whole system on this machine: API gateway and functions, an embedded DynamoDB, and stand-ins for Mokka, SMSPRO, the
/// shop and IMSHOP.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Play the main job, print what happens, and end.
    #[arg(long, conflicts_with = "providers_only")]
    demo: bool,
    /// Start everything but the functions and write .env.sandbox for `cargo lambda watch --env-file`.
    #[arg(long)]
    providers_only: bool,
    /// Keep the data in this folder (in memory without it).
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Port of the API gateway, 0 for any free one [default: 9000; any free one with --demo].
    #[arg(long, value_name = "PORT")]
    gateway_port: Option<u16>,
    /// Port of DynamoDB, 0 for any free one [default: 8000; any free one with --demo].
    #[arg(long, value_name = "PORT")]
    dynamodb_port: Option<u16>,
    /// Port of the stand-ins, 0 for any free one [default: 9001; any free one with --demo].
    #[arg(long, value_name = "PORT")]
    providers_port: Option<u16>,
    /// Let the functions use stand-ins that run elsewhere, such as those of another sandbox.
    #[arg(long, value_name = "URL")]
    providers_url: Option<String>,
    /// Give the functions another setting than the sandbox's, such as `MOKKA_FINISH=on_shipment`. May be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting, conflicts_with = "providers_only")]
    settings: Vec<(String, String)>,
    /// Forward each event of payments to this address as it came, to try a shop's own system beside the stand-in's.
    #[arg(long, value_name = "URL", value_parser = address, conflicts_with_all = ["demo", "providers_url"])]
    forward_shop_events: Option<String>,
    /// Start the clock this far ahead of the machine's: with --data, as far as it was moved before.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    ahead: u64,
    /// Start the clock at this moment, such as `2027-01-31T09:00:00Z` [default: the machine's time].
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    at: Option<Timestamp>,
}

#[derive(Subcommand)]
enum Command {
    /// Check the files that operations edit (payments.toml, forms.toml) as the functions will read them.
    CheckConfig {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// What they are for [default: told by the name; what has "forms" in it are forms].
        #[arg(long)]
        kind: Option<check::Kind>,
    },
    /// Print the JSON Schema of payments.toml, for editors.
    Schema,
    /// Print the page of the functions' settings, infra/docs/SETTINGS.md.
    Settings {
        /// Write it into its place instead.
        #[arg(long)]
        write: bool,
    },
    /// Count what the main job uses of AWS, and print what that costs by infra/costs/prices.toml.
    Costs {
        /// Write the tables into infra/docs/COSTS.md instead.
        #[arg(long)]
        write: bool,
        /// Measure the processor time of the programs in this folder instead, for prices.toml.
        #[cfg(target_os = "linux")]
        #[arg(long, value_name = "DIRECTORY", conflicts_with = "write")]
        measure: Option<PathBuf>,
    },
}

/// Runs a command; whether all is right.
async fn command(command: &Command) -> Result<bool, Box<dyn std::error::Error>> {
    match command {
        Command::CheckConfig { files, kind } => Ok(check::files(files, *kind, &mut io::stdout(), &mut io::stderr())?),
        #[cfg(target_os = "linux")]
        Command::Costs { measure: Some(folder), .. } => {
            costs::measure(folder, &mut io::stdout()).await?;
            Ok(true)
        }
        Command::Costs { write, .. } => {
            costs::print(write.then_some(Path::new(".")), &mut io::stdout()).await?;
            Ok(true)
        }
        Command::Settings { write } => {
            sandbox::settings::print(write.then_some(Path::new(".")), &mut io::stdout()).await?;
            Ok(true)
        }
        Command::Schema => {
            let schema = serde_json::to_string_pretty(&shared::payments::methods::Methods::schema())?;
            writeln!(io::stdout(), "{schema}")?;
            Ok(true)
        }
    }
}

fn moment(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::from_rfc3339(text).ok_or("must be a moment as RFC 3339 writes it, such as 2027-01-31T09:00:00Z")
}

fn address(text: &str) -> Result<String, String> {
    shared::platform::env::parse_url(text).map(String::from)
}

fn setting(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Some(chosen) => command(chosen).await,
        None => run(arguments).await.map(|()| true),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            drop(writeln!(io::stderr(), "sandbox: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    // The demo is for people: only what went wrong is logged between its lines.
    let level = if arguments.demo { LevelFilter::ERROR } else { LevelFilter::INFO };
    tracing_subscriber::registry().with(shared::platform::telemetry::layer(level, io::stderr)).try_init()?;
    let port = |chosen: Option<u16>, default| chosen.unwrap_or(if arguments.demo { 0 } else { default });
    let ports = Ports {
        api_gateway: (!arguments.providers_only).then(|| port(arguments.gateway_port, 9000)),
        dynamodb: port(arguments.dynamodb_port, 8000),
        providers: port(arguments.providers_port, 9001),
    };
    let Arguments { demo: is_demo, data, providers_url: providers, settings, forward_shop_events, ahead, at, .. } = arguments;
    let at = if is_demo { Some(demo::beginning(at.unwrap_or_else(|| Clock::system().now()))) } else { at };
    let sandbox =
        Sandbox::start(Setup { ports, data, providers, settings, at, forward_shop_events, ahead: Duration::from_secs(ahead) })
            .await?;
    let mut out = io::stdout();
    if is_demo {
        // The second shop captures when the goods ship, which is a setting of the whole installation.
        let free = Ports { api_gateway: Some(0), dynamodb: 0, providers: 0 };
        let settings = vec![("MOKKA_FINISH".to_owned(), "on_shipment".to_owned())];
        let on_shipment = Sandbox::start(Setup { settings, at, ..Setup::new(free) }).await?;
        return demo::play(&sandbox.addresses, &on_shipment.addresses, &mut out).await.map_err(Into::into);
    }
    if arguments.providers_only {
        std::fs::write(".env.sandbox", sandbox.env_file())?;
        writeln!(
            out,
            "The functions' settings are in .env.sandbox. Serve the functions with\n  cargo lambda watch --invoke-address 127.0.0.1 --env-file .env.sandbox"
        )?;
    } else {
        writeln!(out, "{}", demo::curl_lines(&sandbox.addresses))?;
    }
    writeln!(out, "{}", sandbox.ready_line())?;
    out.flush()?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}
