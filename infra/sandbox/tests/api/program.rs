use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::running::{Sandbox, Setup};
use serde_json::{Value, json};

use crate::api_gateway::{FREE, post};

fn sandbox() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sandbox"))
}

/// What the program's READY line says.
fn ready(child: &mut Child) -> Value {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let ready = lines.find_map(|line| line.strip_prefix("READY ").map(str::to_owned));
    serde_json::from_str(&ready.unwrap()).unwrap()
}

#[test]
fn the_demo_exits_with_success_and_says_what_happened() {
    let output = sandbox().arg("--demo").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        text.trim_end()
            .ends_with("Done: paid in instalments, by card and by SBP, made up for, given back, captured on shipment; forms delivered; and abuse stopped."),
        "{text}"
    );
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "nothing went wrong between its lines");
}

#[test]
fn providers_only_sandbox_prints_addresses_and_writes_settings() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = sandbox()
        .args(["--providers-only", "--dynamodb-port", "0", "--providers-port", "0"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let ready = ready(&mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(ready.get("gateway").is_none());
    let settings = std::fs::read_to_string(folder.path().join(".env.sandbox")).unwrap();
    for wanted in [
        format!("DYNAMODB_ENDPOINT=\"{}\"", ready["dynamodb"].as_str().unwrap()),
        format!("MOKKA_BASE_URL=\"{}/mokka\"", ready["providers"].as_str().unwrap()),
    ] {
        assert!(settings.lines().any(|line| line == wanted), "{wanted}\n{settings}");
    }
}

/// A sandbox with its data in a folder and the outside systems elsewhere.
fn start(folder: &Path, providers: &str) -> (Child, String, String) {
    let mut child = sandbox()
        .args(["--gateway-port", "0", "--dynamodb-port", "0", "--providers-port", "0", "--providers-url", providers, "--data"])
        .arg(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ready = ready(&mut child);
    let text = |name: &str| ready[name].as_str().unwrap().to_owned();
    assert_eq!(text("providers"), providers);
    (child, text("gateway"), text("control"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_sandbox_resolves_its_payment_and_publishes() {
    let outside = Sandbox::start(Setup::new(FREE)).await.unwrap();
    let providers = outside.addresses.providers.clone();
    let folder = tempfile::tempdir().unwrap();
    let key = Some("imshop-demo-key");

    let (mut child, api_gateway, _) = start(folder.path(), &providers);
    let order = json!({"orders": [{"uuid": "u", "items": [{"id": "1", "name": "Чай", "quantity": 2}]}]});
    let (_, placed) = post(format!("{api_gateway}/v1/orders"), key, order).await;
    let create = json!({"command": "create", "paymentMethodId": "mokka", "orderUuid": "u", "orderId": placed["orders"][0]["id"]});
    let (_, created) = post(format!("{api_gateway}/v1/acquiring"), key, create).await;
    let payment = created["paymentId"].as_str().unwrap_or_else(|| panic!("{created}")).to_owned();
    child.kill().unwrap();
    child.wait().unwrap();

    let decide = json!({"decision": "approved", "callback": false});
    post(format!("{providers}/control/mokka/{payment}/decide"), None, decide).await;
    let (mut child, _, control) = start(folder.path(), &providers);
    post(format!("{control}/control/clock"), None, json!({"advance_s": 3600})).await;
    let (status, report) = post(format!("{control}/control/tick"), None, json!({})).await;
    assert!(status == 200 && report["due"] == json!(1), "{report}");
    // Reconcile or the stream, whichever is first.
    let until = Instant::now() + Duration::from_secs(30);
    let told = loop {
        let told = reqwest::get(format!("{providers}/control/imshop")).await.unwrap().text().await.unwrap();
        if told.contains(&payment) || Instant::now() > until {
            break told;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(told.contains(&payment) && told.contains("\"paymentCaptured\":true"), "{told}");
}
