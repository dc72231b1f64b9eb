use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

fn sandbox() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sandbox"))
}

#[test]
fn the_demo_exits_with_success_and_says_what_happened() {
    let output = sandbox().arg("--demo").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.trim_end().ends_with("Done: payment 1001-1 is captured, the form is stored."), "{text}");
}

#[test]
fn providers_alone_say_where_they_are_and_write_the_functions_settings() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = sandbox()
        .args(["--providers-only", "--dynamodb-port", "0", "--providers-port", "0"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let ready = lines.find_map(|line| line.strip_prefix("READY ").map(str::to_owned));
    child.kill().unwrap();
    child.wait().unwrap();
    let ready: Value = serde_json::from_str(&ready.unwrap()).unwrap();
    assert!(ready.get("gateway").is_none());
    let settings = std::fs::read_to_string(folder.path().join(".env.sandbox")).unwrap();
    for wanted in [
        format!("DYNAMODB_ENDPOINT=\"{}\"", ready["dynamodb"].as_str().unwrap()),
        format!("MOKKA_BASE_URL=\"{}/mokka\"", ready["providers"].as_str().unwrap()),
    ] {
        assert!(settings.lines().any(|line| line == wanted), "{wanted}\n{settings}");
    }
}
