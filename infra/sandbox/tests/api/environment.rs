//! Every function has exactly the settings that its code reads: the template gives all of them and no other, and the document of
//! secrets what it describes.

use std::collections::BTreeSet;

use emulators::template::{TEMPLATE, Template, is_not_given};
use sandbox::functions::Everything;
use shared::platform::env::Env;
use shared::platform::secrets_manager;
use testkit::settings::WITH_CARDS;
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
            if secrets_manager::is_secret(&name) {
                secrets.push(name);
            } else if !is_not_given(&name) {
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
    let [gateway, next] = ["GATEWAY_{NAME}_SECRET of each gateway in payments.toml", "GATEWAY_{NAME}_SECRET_NEXT"];
    assert!(description.contains(gateway) && description.contains(next), "{description}");
    let description = description.replace(gateway, "").replace(next, "");
    let words = description.split(|letter: char| !(letter.is_ascii_uppercase() || letter == '_'));
    let described: BTreeSet<_> = words.filter(|word| word.contains('_')).collect();
    assert_eq!(described, BTreeSet::from(secrets_manager::NAMES));
    let mut read = BTreeSet::new();
    for function in Template::read(TEMPLATE).unwrap().environments.keys() {
        read.extend(sandbox::settings::reads(function).await.unwrap());
    }
    for name in secrets_manager::NAMES.into_iter().chain(["GATEWAY_YOOKASSA_SECRET", "GATEWAY_YOOKASSA_SECRET_NEXT"]) {
        assert!(read.contains(name), "no function reads {name}");
    }
}

#[tokio::test]
async fn function_that_takes_payments_needs_a_gateways_key_and_the_installations_name() {
    let environment = TestEnvironment::start().await;
    let mut readers = BTreeSet::new();
    for made in Everything::functions() {
        let name = made.name();
        let built = |changes: &[(&str, &str)]| {
            let mut settings = environment.env();
            settings.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            let env = Env::from_map(settings);
            let reads = env.reads();
            (made.build_of(env, environment.platform()).err().map(|error| error.to_string()).unwrap_or_default(), reads.names())
        };
        let none = [("GATEWAY_YOOKASSA_SECRET", ""), ("INSTALLATION", "")];
        assert_eq!(built(&none).0, "", "{name} without a card gateway");
        let cards = ("PAYMENTS_CONFIG", WITH_CARDS);
        let (said, read) = built(&[cards]);
        assert_eq!(said, "", "{name}");
        if !read.contains("GATEWAY_YOOKASSA_SECRET") {
            continue;
        }
        readers.insert(name.to_owned());
        let (said, _) = built(&[none[0], none[1], cards]);
        for missing in ["GATEWAY_YOOKASSA_SECRET", "INSTALLATION"] {
            assert!(said.contains(&format!("{missing}: must be set and not empty")), "{name}: {said}");
        }
        let long = "x".repeat(201);
        for wrong in ["two words", "магазин", &long] {
            let (said, _) = built(&[("INSTALLATION", wrong), cards]);
            assert!(
                said.contains("INSTALLATION: must be 1 to 200 Latin letters, digits, hyphens, underscores or dots"),
                "{name}: {said}"
            );
        }
        let (said, _) = built(&[("GATEWAY_YOOKASSA_BASE_URL", "http://elsewhere.example/"), cards]);
        assert!(said.contains("GATEWAY_YOOKASSA_BASE_URL: must begin with https://"), "{name}: {said}");
    }
    assert_eq!(readers, ["acquiring", "back-office", "card-callback", "mokka-callback", "reconcile"].map(str::to_owned).into());
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
