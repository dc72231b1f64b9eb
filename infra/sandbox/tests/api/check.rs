//! `check-config` and `schema`, run as programs.

use std::path::Path;
use std::process::Command;

use testkit::settings::CONFIG;

/// Exit code, what was printed, and what was complained of.
fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sandbox")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn right_files_are_described_in_words() {
    let files = ["payments.toml", "forms.toml", "examples/kyrgyzstan.toml", "examples/russia.toml"];
    let (code, out, complaints) = run(Path::new(CONFIG), &[&["check-config"][..], &files[..]].concat());
    assert_eq!((code, complaints.as_str()), (Some(0), ""));
    for wanted in [
        "payments.toml: right. Ways to pay: 2, clocks at UTC+03:00\n1. cash «Наличными при получении», on delivery: always\n",
        "forms.toml: right. Forms: 2\n- callback, with a code by SMS\n- feedback, without a code by SMS\n",
        "examples/kyrgyzstan.toml: right. Ways to pay: 4, clocks at UTC+06:00\n1. cash «Наличными при получении», on delivery: when the country is KG, ",
        "7. invoice «По счёту для организаций», on delivery: when a company buys, the bonuses spent are at most 0\n",
    ] {
        assert!(out.contains(wanted), "{wanted}\n{out}");
    }
}

fn forms() -> String {
    std::fs::read_to_string(format!("{CONFIG}/forms.toml")).unwrap()
}

/// The first line of the shipped forms.toml that begins like that, counted from 1.
fn line_of(begin: &str) -> usize {
    forms().lines().position(|line| line.starts_with(begin)).unwrap() + 1
}

#[test]
fn config_mistake_is_reported_with_its_place_and_the_rest_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let method = "[[method]]\nid = \"a\"\ntitle = \"A\"\ntype = \"cash\"\n";
    write("payments.toml", &format!("{method}when = {{ amount = {{ min = 2, max = 1 }} }}\n"));
    write("payments-good.toml", method);
    write("forms.toml", &forms().replace("= 60", "= 5"));
    write("broken.toml", "[[method]\n");
    let (code, out, complaints) =
        run(folder.path(), &["check-config", "payments.toml", "forms.toml", "payments-good.toml", "broken.toml", "gone.toml"]);
    assert_eq!(
        (code, out.as_str()),
        (Some(1), "payments-good.toml: right. Ways to pay: 1, clocks at UTC+03:00\n1. a «A», on delivery: always\n")
    );
    let complaints: Vec<_> = complaints.lines().collect();
    let cool_down = line_of("cool_down_seconds = ");
    for (line, wanted) in complaints.iter().zip([
        "payments.toml:5:19: field `method[0].when.amount`: min must not exceed max",
        &format!("forms.toml:{cool_down}:21: field `limits.cool_down_seconds`: must be a whole number from 10 to 3600"),
        "broken.toml:1:10: ",
        "gone.toml: cannot be read: ",
    ]) {
        assert!(line.starts_with(wanted), "{wanted}\n{line}");
    }
    assert_eq!(complaints.len(), 4, "{complaints:?}");
}

#[test]
fn the_kind_of_a_file_is_its_names_or_what_one_says() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(format!("{CONFIG}/forms.toml"), folder.path().join("other.toml")).unwrap();
    let (code, _, complaints) = run(folder.path(), &["check-config", "other.toml"]);
    let wanted = format!("other.toml:{}:2: field `conversion`: unknown field", line_of("[conversion]"));
    assert!(code == Some(1) && complaints.starts_with(&wanted), "{complaints}");
    assert_eq!(run(folder.path(), &["check-config", "--kind", "forms", "other.toml"]).0, Some(0));
    assert_ne!(run(folder.path(), &["check-config"]).0, Some(0), "no file is no check");
}

#[test]
fn the_schema_is_printed_as_it_is_stored() {
    let (code, out, _) = run(Path::new(CONFIG), &["schema"]);
    assert_eq!((code, out), (Some(0), std::fs::read_to_string(format!("{CONFIG}/payments.schema.json")).unwrap()));
}
