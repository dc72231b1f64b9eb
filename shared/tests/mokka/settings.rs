//! The settings of the second store: both or neither.

use std::collections::BTreeMap;

use shared::payments::gateway::mokka::MokkaGateway;
use shared::platform::clock::Clock;
use shared::platform::env::Env;
use shared::platform::metrics::Metrics;
use shared::platform::outbound::Http;

/// What is wrong with the settings, if these are added.
fn problems(more: &[(&str, &str)]) -> String {
    let base = [
        ("MOKKA_BASE_URL", "https://mokka.example"),
        ("MOKKA_STORE_ID", "72"),
        ("MOKKA_SECRET", "first-secret"),
        ("SHOP_NAME", "Shop"),
    ];
    let values: BTreeMap<String, String> =
        base.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut env = Env::from_map(values);
    let gateway = MokkaGateway::from_env(&mut env, Http::new(Metrics::default()).unwrap(), Clock::system());
    env.finish(gateway).map_or_else(|error| error.to_string(), |_| String::new())
}

#[test]
fn a_second_store_needs_its_number_and_its_secret() {
    let (id, secret) = (("MOKKA_LIMIT_STORE_ID", "73"), ("MOKKA_LIMIT_SECRET", "second-secret"));
    assert_eq!(problems(&[]), "");
    assert_eq!(problems(&[id, secret]), "");
    assert_eq!(problems(&[("MOKKA_LIMIT_STORE_ID", ""), ("MOKKA_LIMIT_SECRET", " ")]), "", "empty is absent");
    for (more, named, secret) in [
        (vec![id], "MOKKA_LIMIT_SECRET: must be set, because MOKKA_LIMIT_STORE_ID is", ""),
        (vec![secret], "MOKKA_LIMIT_STORE_ID: must be set, because MOKKA_LIMIT_SECRET is", "second-secret"),
        (vec![("MOKKA_LIMIT_STORE_ID", "73a"), secret], "MOKKA_LIMIT_STORE_ID: must be the store's number", "second-secret"),
    ] {
        let problems = problems(&more);
        assert!(problems.ends_with(&format!("\n  {named}")), "{problems}");
        assert!(secret.is_empty() || !problems.contains(secret), "{problems}");
    }
}
