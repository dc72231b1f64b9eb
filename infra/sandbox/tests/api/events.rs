use std::path::Path;
use std::time::Duration;

use testkit::settings::WITH_CARDS;
use testkit::{TestEnvironment, event_file};

/// Every file of `events/`, in the order of the table in `events/README.md`, gets the status that the table says.
#[tokio::test]
async fn every_event_is_answered_as_its_table_says() {
    let environment = TestEnvironment::start().await;
    // As in the sandbox, in which people try them.
    let mut settings = environment.env();
    settings.insert("PAYMENTS_CONFIG".to_owned(), WITH_CARDS.to_owned());
    let functions = sandbox::functions::build(&settings, &environment.platform()).unwrap();
    let table = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/README.md")).unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split(" | ").map(|cell| cell.trim_matches(['|', ' ', '`'])).collect())
        .collect();
    assert!(rows.len() >= 28, "{rows:?}");
    for row in rows {
        let (file, function, status) = (row[0], row[1], row[2]);
        let event = event_file(file.strip_suffix(".json").unwrap());
        if status == "-" {
            // Not called over HTTP: it succeeds or fails.
            functions.work(function, event, Duration::from_mins(1)).await.unwrap();
            continue;
        }
        let answer = functions.invoke(function, event, lambda_runtime::Context::default()).await.unwrap();
        assert_eq!(answer["statusCode"].to_string(), status, "{file}: {answer}");
    }
}
