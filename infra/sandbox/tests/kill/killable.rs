//! The sandbox as a process of its own on a folder that outlives it, and around it what outlives it too: the stand-ins, their
//! clock, and the border.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use shared::platform::clock::Clock;
use shared::platform::env::Env;
use standins::{Decision, Options, StandIns};
use tempfile::TempDir;
use testkit::settings::{CASHIER_KEY, IMSHOP_KEY, OPERATOR_KEY};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use url::Url;

use crate::border::Border;

/// No answer: the process died.
#[derive(Debug)]
pub(crate) struct Gone;

/// What an HTTP call came to.
pub(crate) type Called = Result<(u16, Value), Gone>;

/// A process and its surroundings.
pub(crate) struct KillableSandbox {
    pub(crate) border: Border,
    pub(crate) standins: StandIns,
    clock: Clock,
    http: Client,
    folder: TempDir,
    settings: Vec<String>,
    providers: String,
    to_database: watch::Sender<Option<String>>,
    process: Option<Process>,
    orders: AtomicU32,
}

struct Process {
    child: Child,
    api_gateway: String,
    control: String,
    database: aws_sdk_dynamodb::Client,
}

impl Drop for KillableSandbox {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
    }
}

impl KillableSandbox {
    /// Starts everything, with some of the functions' settings changed.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let clock = Clock::starting_at(testkit::clock::beginning());
        let standin_clock = testkit::clock::for_standins(&clock);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = Options { record_calls: false, ..Options::default() };
        let standins = StandIns::start(listener, options, standin_clock);
        let border = Border::new();
        let (database, to_database) = border.line().await;
        let (providers, to_providers) = border.line().await;
        to_providers.send_replace(Some(standins.base_url()));
        // The line lives as long as its end is held, so that it never leads nowhere.
        tokio::spawn(async move { to_providers.closed().await });
        let changed = settings.iter().map(|(name, value)| format!("{name}={value}"));
        let settings = std::iter::once(format!("DYNAMODB_ENDPOINT={database}")).chain(changed).collect();
        let http = shared::platform::outbound::client().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let orders = AtomicU32::new(0);
        let mut sandbox = Self { border, standins, clock, http, folder, settings, providers, to_database, process: None, orders };
        sandbox.run().await;
        sandbox
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Starts the process at the time that its surroundings have.
    pub(crate) async fn run(&mut self) {
        let now = self.clock.now().plus(Duration::from_secs(1)).rfc3339();
        let log = std::fs::File::options().create(true).append(true).open(self.log()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox"));
        command.args(["--gateway-port", "0", "--dynamodb-port", "0", "--providers-port", "0"]);
        command.args(["--at", &now, "--providers-url", &self.providers]).arg("--data").arg(self.folder.path());
        command.args(self.settings.iter().flat_map(|setting| ["--set", setting.as_str()]));
        let mut child = command.stdout(Stdio::piped()).stderr(log).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = loop {
            let line = lines.next_line().await.unwrap().expect("the sandbox says that it is ready");
            if let Some(ready) = line.strip_prefix("READY ") {
                break serde_json::from_str::<Value>(ready).unwrap();
            }
        };
        let address = |name: &str| ready[name].as_str().unwrap().to_owned();
        let settings = [
            ("DYNAMODB_ENDPOINT", address("dynamodb")),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "sandbox".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "sandbox".to_owned()),
        ];
        let mut env = Env::from_map(settings.map(|(name, value)| (name.to_owned(), value)).into());
        let database = shared::platform::dynamodb::client_from_env(&mut env).unwrap();
        self.to_database.send_replace(Some(address("dynamodb")));
        self.process = Some(Process { child, api_gateway: address("gateway"), control: address("control"), database });
    }

    /// Ends the process as the kernel does it, without a word.
    pub(crate) async fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.child.kill().await.unwrap();
        }
        self.to_database.send_replace(None);
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("the process runs")
    }

    async fn call(&self, request: RequestBuilder) -> Called {
        let answer = request.send().await.map_err(|_| Gone)?;
        let (status, body) = (answer.status().as_u16(), answer.bytes().await.map_err(|_| Gone)?);
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Called {
        let request = self.http.post(format!("{}{path}", self.process().api_gateway));
        self.call(request.bearer_auth(key).header("content-type", "application/json").body(body.to_string())).await
    }

    /// The uuid of a new order.
    pub(crate) fn new_order(&self) -> String {
        format!("order-{}", self.orders.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// IMSHOP places the order; the shop's id of it.
    pub(crate) async fn order(&self, uuid: &str) -> Result<String, Gone> {
        let items = json!([{"id": "i-1", "configurationId": "sku-1", "privateId": "p-1", "name": "Чайник", "quantity": 2}]);
        let order = json!({"uuid": uuid, "name": "Тест", "phone": "+7 888 001-02-03", "deliveryPrice": 250, "items": items});
        let (status, answer) = self.post("/v1/orders", IMSHOP_KEY, &json!({"orders": [order]})).await?;
        assert_eq!((status, &answer["orders"][0]["success"]), (200, &json!(true)), "{answer}");
        Ok(answer["orders"][0]["id"].as_str().unwrap().to_owned())
    }

    /// IMSHOP's `create`.
    pub(crate) async fn create(&self, method: &str, uuid: &str, id: &str) -> Called {
        let body = json!({"command": "create", "paymentMethodId": method, "orderUuid": uuid, "orderId": id,
            "returnUrl": "imshop://payment/failed"});
        self.post("/v1/acquiring", IMSHOP_KEY, &body).await
    }

    /// IMSHOP's `capture`.
    pub(crate) async fn capture(&self, method: &str, payment: &str) -> Called {
        let body = json!({"command": "capture", "paymentMethodId": method, "paymentId": payment});
        self.post("/v1/acquiring", IMSHOP_KEY, &body).await
    }

    /// The customer agrees on Mokka's form.
    pub(crate) async fn approve(&self, payment: &str) {
        self.standins.decide(payment, Decision::Approved, false, 1).await.unwrap();
    }

    /// Mokka's callback, to wherever the API gateway is now.
    pub(crate) async fn callback(&self, payment: &str) -> Called {
        let order = self.standins.mokka_order(payment).unwrap();
        let url = Url::parse(&order.callback_url).unwrap();
        self.post(url.path(), "none", &json!({"order_id": payment, "decision": "approved", "amount": order.amount})).await
    }

    /// A card gateway's notification.
    pub(crate) async fn notify(&self, body: &Value) -> Called {
        self.post("/v1/cards/yookassa", "none", body).await
    }

    /// The back office acts on a payment.
    pub(crate) async fn operate(&self, payment: &str, action: &str, body: &Value) -> Called {
        self.post(&format!("/v1/back-office/payments/{payment}/{action}"), OPERATOR_KEY, body).await
    }

    /// The back office gives money back.
    pub(crate) async fn refund(&self, payment: &str, key: &str, body: &Value) -> Called {
        let url = format!("{}/v1/back-office/payments/{payment}/refunds", self.process().api_gateway);
        let request = self.http.post(url).bearer_auth(CASHIER_KEY).header("idempotency-key", key);
        self.call(request.header("content-type", "application/json").body(body.to_string())).await
    }

    /// A person's word on a refund.
    pub(crate) async fn answer_for_refund(&self, payment: &str, number: usize, made: bool) -> Called {
        let path = format!("/v1/back-office/payments/{payment}/refunds/{number}/outcome");
        self.post(&path, CASHIER_KEY, &json!({ "made": made })).await
    }

    /// The time of the surroundings.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now().millis()
    }

    /// Lets time pass for everything.
    pub(crate) async fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        if let Some(process) = &self.process {
            let request =
                self.http.post(format!("{}/control/clock", process.control)).body(json!({"advance_s": seconds}).to_string());
            assert_eq!(self.call(request).await.unwrap().0, 200);
        }
    }

    /// The schedule's next minute; reconcile's report.
    pub(crate) async fn tick(&self) -> Value {
        let request = self.http.post(format!("{}/control/tick", self.process().control)).body("");
        let (status, report) = self.call(request).await.unwrap();
        assert_eq!(status, 200, "{report}");
        report
    }

    /// The stored payment.
    pub(crate) async fn payment(&self, id: &str) -> Option<Value> {
        let key = AttributeValue::S(format!("payment#{id}"));
        let read = self.process().database.get_item().table_name("order-holds").key("pk", key).consistent_read(true);
        let item = read.send().await.unwrap().item?;
        Some(serde_dynamo::from_item(item).unwrap())
    }
}
