//! Every function has exactly the settings that its code reads: the template gives all of them and no other, and the document of
//! secrets what it describes.

use std::collections::BTreeSet;

use emulators::template::{NOT_GIVEN, TEMPLATE, Template};
use sandbox::functions::Everything;
use shared::platform::env::Env;
use shared::platform::secrets_manager;
use testkit::{Cast as _, TestEnvironment};
use yaml_rust2::YamlLoader;

/// What every function reads before it builds what its handler needs.
const AT_START: [&str; 3] = ["LOG_LEVEL", "METRICS", "METRICS_NAMESPACE"];
/// What opens an endpoint that the whole world can call.
const PUBLIC_KEYS: [&str; 6] =
    ["IMSHOP_KEY", "IMSHOP_KEY_NEXT", "SHOP_PUSH_KEY", "SHOP_PUSH_KEY_NEXT", "SMSPRO_REPORT_SECRET", "SMSPRO_REPORT_SECRET_NEXT"];
/// Names of earlier releases, which are read only to say what they are called now.
const RETIRED: [&str; 1] = ["MOKKA_VALID_HOURS"];

#[tokio::test]
async fn template_sets_exactly_the_settings_that_each_function_reads() {
    let template = Template::read(TEMPLATE).unwrap();
    for (function, given) in &template.environments {
        let (mut secrets, mut settings) = (Vec::new(), BTreeSet::from(AT_START.map(str::to_owned)));
        for name in sandbox::settings::reads(function).await.unwrap().into_iter().filter(|name| !RETIRED.contains(&name.as_str()))
        {
            if secrets_manager::NAMES.contains(&name.as_str()) {
                secrets.push(name);
            } else if !NOT_GIVEN.contains(&name.as_str()) {
                settings.insert(name);
            }
        }
        if !secrets.is_empty() {
            settings.insert("SECRETS_ARN".to_owned());
        }
        assert_eq!(given, &settings, "{function}: what the template gives, and what its code reads");
    }
}

#[tokio::test]
async fn every_secret_name_is_documented_and_read() {
    let template = YamlLoader::load_from_str(TEMPLATE).unwrap().remove(0);
    let description = template["Resources"]["StageSecrets"]["Properties"]["Description"].as_str().unwrap();
    let words = description.split(|letter: char| !(letter.is_ascii_uppercase() || letter == '_'));
    let described: BTreeSet<_> = words.filter(|word| word.contains('_')).collect();
    assert_eq!(described, BTreeSet::from(secrets_manager::NAMES));
    let mut read = BTreeSet::new();
    for function in Template::read(TEMPLATE).unwrap().environments.keys() {
        read.extend(sandbox::settings::reads(function).await.unwrap());
    }
    for name in secrets_manager::NAMES {
        assert!(read.contains(name), "no function reads {name}");
    }
}

#[tokio::test]
async fn a_key_that_everybody_may_try_is_too_short_below_24_characters() {
    let environment = TestEnvironment::start().await;
    let (short, long) = ("k".repeat(23), "k".repeat(24));
    for made in Everything::functions() {
        let name = made.name();
        let built = |key: &str, value: &str| {
            let mut settings = environment.env();
            settings.remove("WEAK_KEYS");
            for known in PUBLIC_KEYS {
                settings.insert(known.to_owned(), long.clone());
            }
            settings.insert(key.to_owned(), value.to_owned());
            let env = Env::from_map(settings);
            let reads = env.reads();
            (made.build_of(env, environment.platform()).err().map(|error| error.to_string()), reads.names())
        };
        assert_eq!(built(PUBLIC_KEYS[0], &long).0, None, "{name}");
        for key in PUBLIC_KEYS {
            let (refused, read) = built(key, &short);
            if read.contains(key) {
                let error = refused.unwrap_or_default();
                assert!(error.contains(&format!("{key}: must have at least 24 characters")), "{name}: {error}");
                assert!(!error.contains(&short), "{name}: {error}");
            } else {
                assert_eq!(refused, None, "{name}");
            }
        }
    }
}
