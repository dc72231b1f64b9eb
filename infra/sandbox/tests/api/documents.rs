//! The documents for people say what is there: alarms have a section for operations, metrics a place on the dashboard, threats
//! their tests. And the template gives no function more than it names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use shared::payments::explain::Situation;
use shared::platform::metrics;
use yaml_rust2::{Yaml, YamlLoader};

const TEMPLATE: &str = include_str!("../../../../template.yaml");
const OPERATIONS: &str = include_str!("../../../docs/OPERATIONS.md");
const THREATS: &str = include_str!("../../../docs/THREATS.md");
const READINGS: &str = include_str!("../../../docs/READINGS.md");

/// What the functions measure is kept under, `METRICS_NAMESPACE`.
const NAMESPACE: &str = "imshop-webhooks/${Stage}";

/// The alarms of the template by their names.
fn alarms(template: &Yaml) -> Vec<(&str, &Yaml)> {
    let resources = template["Resources"].as_hash().unwrap().iter();
    let alarms = resources.filter(|(_, resource)| resource["Type"].as_str() == Some("AWS::CloudWatch::Alarm"));
    let alarms: Vec<_> = alarms.map(|(id, alarm)| (id.as_str().unwrap(), &alarm["Properties"])).collect();
    assert!(alarms.len() > 8, "{alarms:?}");
    alarms
}

#[test]
fn alarms_and_watched_metrics_are_the_same_set() {
    let template = YamlLoader::load_from_str(TEMPLATE).unwrap().remove(0);
    let mut watched = BTreeSet::new();
    for (id, alarm) in alarms(&template) {
        let calculated = alarm["Metrics"].as_vec().into_iter().flatten().map(|part| &part["MetricStat"]["Metric"]);
        for metric in std::iter::once(alarm).chain(calculated).filter(|metric| metric["Namespace"].as_str() == Some(NAMESPACE)) {
            let name = metric["MetricName"].as_str().unwrap();
            assert!(metrics::WATCHED.contains(&name), "{id}: nobody keeps {name} for alarms");
            assert!(metric["Dimensions"].is_badvalue(), "{id}: {name} is kept without dimensions");
            watched.insert(name);
        }
    }
    assert_eq!(watched, BTreeSet::from(metrics::WATCHED), "what no alarm looks at need not be kept");
    assert!(watched.len() <= 10, "ten metrics are free");
}

fn alarm<'a>(template: &'a Yaml, name: &str) -> &'a Yaml {
    let found = &template["Resources"][name];
    assert_eq!(found["Type"].as_str(), Some("AWS::CloudWatch::Alarm"), "{name}");
    &found["Properties"]
}

#[test]
fn the_alarm_on_wrong_keys_of_the_back_office_goes_off_first() {
    let template = YamlLoader::load_from_str(TEMPLATE).unwrap().remove(0);
    let read = |name: &str, metric: &str| {
        let alarm = alarm(&template, name);
        assert_eq!((alarm["MetricName"].as_str(), alarm["Statistic"].as_str()), (Some(metric), Some("Sum")));
        (alarm["Threshold"].as_i64().unwrap(), alarm["Period"].as_i64().unwrap())
    };
    let (public, back_office) =
        (read("KeysRefusedAlarm", "KeysRefused"), read("BackOfficeKeysRefusedAlarm", "BackOfficeKeysRefused"));
    assert!(back_office.0 < public.0 && back_office.1 == public.1, "{back_office:?} {public:?}");
    assert!(back_office.0 > 1, "one is a slip of the keyboard");
}

#[test]
fn a_storm_of_refusals_is_an_alarm_on_the_apis_own_metric() {
    let template = YamlLoader::load_from_str(TEMPLATE).unwrap().remove(0);
    let alarm = alarm(&template, "ApiStormAlarm");
    let of = (alarm["Namespace"].as_str(), alarm["MetricName"].as_str(), alarm["Statistic"].as_str());
    assert_eq!(of, (Some("AWS/ApiGateway"), Some("4XXError"), Some("Sum")), "which is kept without a price");
    let (threshold, seconds) = (alarm["Threshold"].as_i64().unwrap(), alarm["Period"].as_i64().unwrap());
    let throttling = template["Parameters"]["CodesThrottlingRate"]["Default"].as_i64().unwrap();
    assert!(threshold < throttling * seconds, "who uses up the lowest throttling has to be refused more often than that");
}

/// The queries and the metrics of the dashboard's widgets: metrics by namespace and name.
fn dashboard(template: &Yaml) -> (Vec<String>, Vec<(String, String)>) {
    let body = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"].as_str().unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let widgets: Vec<_> = body["widgets"].as_array().unwrap().iter().map(|widget| widget["properties"].clone()).collect();
    let mut titles = widgets.iter().filter_map(|widget| widget["title"].as_str());
    assert_eq!(titles.next(), Some("Captured"), "the money is on top");
    let queries = widgets.iter().filter_map(|widget| widget["query"].as_str()).map(str::to_owned).collect();
    let metrics = widgets.iter().filter_map(|widget| widget["metrics"].as_array()).flatten().map(|metric| {
        let part = |index: usize| metric[index].as_str().unwrap().to_owned();
        (part(0), part(1))
    });
    (queries, metrics.collect())
}

#[test]
fn the_dashboard_shows_everything_that_is_measured_and_nothing_else() {
    let template = YamlLoader::load_from_str(TEMPLATE).unwrap().remove(0);
    let (queries, shown) = dashboard(&template);
    let counted = queries.join("\n");
    for metric in metrics::ALL {
        assert!(
            counted.contains(&format!("{})", metric.name)) || shown.iter().any(|(_, name)| name == metric.name),
            "{}",
            metric.name
        );
    }
    let (ours, others): (Vec<_>, Vec<_>) = shown.iter().partition(|(namespace, _)| namespace == NAMESPACE);
    let ours: BTreeSet<_> = ours.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(ours, BTreeSet::from(metrics::WATCHED), "what CloudWatch keeps in any case");
    assert!(others.iter().all(|(namespace, _)| namespace.starts_with("AWS/")), "{others:?}");
    assert!(shown.len() <= 50, "fifty metrics of a dashboard are free: {}", shown.len());
}

/// The fields that a query of CloudWatch Logs Insights counts by.
fn fields(query: &str) -> BTreeSet<&str> {
    let words = query.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.ends_with("Function"));
    words
        .filter(|word| {
            word.starts_with(|letter: char| letter.is_ascii_uppercase()) && word.contains(|letter: char| letter.is_lowercase())
        })
        .collect()
}

#[test]
fn documented_queries_name_existing_metrics_and_functions() {
    let template = YamlLoader::load_from_str(TEMPLATE).unwrap().remove(0);
    let (queries, _) = dashboard(&template);
    let of_operations = OPERATIONS.lines().filter(|line| line.starts_with("logs ") && line.contains("ispresent("));
    let mut asked = 0;
    for query in queries.iter().map(String::as_str).chain(of_operations) {
        for name in query.split(['{', '}', ' ']).filter(|word| word.ends_with("Function")) {
            let name = name.trim_start_matches('$');
            assert!(!template["Resources"][name].is_badvalue(), "there is no {name}: {query}");
        }
        for field in fields(query) {
            let measured = metrics::ALL.iter().any(|metric| metric.name == field) || metrics::WATCHED.contains(&field);
            assert!(measured, "nobody measures {field}: {query}");
            asked += 1;
        }
    }
    assert!(asked > 30, "{asked}");
}

#[test]
fn every_alarm_leads_to_sections_that_name_it_and_no_other_is_named() {
    let template = YamlLoader::load_from_str(TEMPLATE).unwrap().remove(0);
    let alarms: BTreeSet<_> = alarms(&template).into_iter().map(|(id, _)| id).collect();
    let (_, table) = OPERATIONS.split_once("| alarm | section |\n|---|---|\n").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let mut led = BTreeSet::new();
    for row in table.lines() {
        let [_, name, sections, _] = row.split('|').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let name = name.trim().trim_matches('`');
        for title in sections.split('[').skip(1).map(|rest| rest.split(']').next().unwrap()) {
            let (_, section) = OPERATIONS.split_once(&format!("\n## {title}\n")).unwrap_or_else(|| panic!("no section {title}"));
            let section = section.split("\n## ").next().unwrap();
            assert!(section.contains(&format!("`{name}`")), "the section {title} does not name {name}");
        }
        led.insert(name);
    }
    assert_eq!(led, alarms, "the table of alarms and the template");
    for name in OPERATIONS.split('`').skip(1).step_by(2).filter(|name| name.ends_with("Alarm")) {
        assert!(alarms.contains(&name), "{name} is explained, which does not exist");
    }
}

/// The codes in the first column of the runbook's table of situations.
fn explained() -> BTreeSet<&'static str> {
    let (_, table) = OPERATIONS.split_once("| `explain.code` | it means | do |\n|---|---|---|\n").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    table.lines().flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_situation_is_a_row_of_the_runbook_and_a_word_of_the_openapi_document() {
    let codes: BTreeSet<_> = Situation::ALL.iter().map(|situation| situation.code()).collect();
    assert_eq!(explained(), codes);
    let document = YamlLoader::load_from_str(include_str!("../../../openapi.yaml")).unwrap().remove(0);
    let words = &document["components"]["schemas"]["Explanation"]["properties"]["code"]["enum"];
    assert_eq!(texts(words).into_iter().collect::<BTreeSet<_>>(), codes);
}

/// The strings of a scalar or a list; a conditional one (`!If`) with both of its sides.
fn texts(value: &Yaml) -> Vec<&str> {
    let list = value.as_vec().into_iter().flatten().flat_map(texts);
    value.as_str().into_iter().chain(list).collect()
}

#[test]
fn no_function_may_do_more_than_single_actions_on_named_things() {
    let template = YamlLoader::load_from_str(TEMPLATE).unwrap().remove(0);
    let resources = template["Resources"].as_hash().unwrap();
    let functions = resources.iter().filter(|(_, resource)| resource["Type"].as_str() == Some("AWS::Serverless::Function"));
    let mut statements = 0;
    for (id, function) in functions {
        let id = id.as_str().unwrap();
        let policies = function["Properties"]["Policies"].as_vec().unwrap_or_else(|| panic!("{id} has no policies of its own"));
        for statement in policies.iter().flat_map(|policy| policy["Statement"].as_vec().unwrap()) {
            let (actions, named) = (texts(&statement["Action"]), texts(&statement["Resource"]));
            if statement.as_hash().is_none() || actions.is_empty() {
                // `!If`: a list of the condition and its sides.
                assert!(statement.as_vec().is_some(), "{id}: {statement:?}");
                continue;
            }
            assert!(actions.iter().all(|action| !action.contains('*')), "{id} may do {actions:?}");
            let all = |resource: &&str| *resource == "*" || (resource.contains('*') && !resource.ends_with("/photos/*"));
            assert!(!named.iter().any(all), "{id} may do it to {named:?}");
            statements += 1;
        }
    }
    assert!(statements > 20, "{statements}");
}

#[test]
fn every_test_that_a_threat_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources = String::new();
    for folder in ["functions", "shared", "infra"] {
        collect(&root.join(folder), &mut sources);
    }
    let rows = THREATS.lines().chain(READINGS.lines()).filter(|line| line.starts_with("| ") && !line.starts_with("| border"));
    let mut named = 0;
    for row in rows {
        let shown_by = row.trim_end_matches('|').rsplit('|').next().unwrap();
        for test in shown_by.split('`').skip(1).step_by(2).filter(|name| !name.contains('/')) {
            assert!(sources.contains(&format!("fn {test}(")), "there is no test {test}");
            named += 1;
        }
    }
    assert!(named > 20, "{named}");
}

fn collect(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// The text of every source file of the functions and of what they share.
pub(crate) fn sources() -> String {
    let (root, mut all) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), String::new());
    collect(&root.join("shared/src"), &mut all);
    for function in fs::read_dir(root.join("functions")).unwrap() {
        collect(&function.unwrap().path().join("src"), &mut all);
    }
    all
}

#[test]
fn the_log_lines_that_are_explained_to_operations_exist() {
    let (sources, mut quoted) = (sources(), 0);
    for row in OPERATIONS.lines().filter_map(|line| line.strip_prefix("| log: ")) {
        let (lines, _) = row.split_once(" | ").unwrap();
        for line in lines.split('`').skip(1).step_by(2) {
            assert!(sources.contains(&format!("\"{line}")), "nobody logs `{line}`");
            quoted += 1;
        }
    }
    assert!(quoted > 8, "{quoted}");
}

/// What a person would search the log for: words in quotes, and no command.
#[test]
fn the_words_that_operations_search_for_are_in_the_code() {
    let (sources, mut quoted) = (sources(), 0);
    for words in OPERATIONS.lines().flat_map(|line| line.split('`').skip(1).step_by(2)) {
        let words = words.split(": ").next().unwrap();
        let is_text = words.starts_with(|first: char| first.is_ascii_lowercase())
            && words.chars().all(|letter| letter.is_ascii_alphabetic() || " ',;".contains(letter));
        let is_command = ["aws ", "cargo ", "logs "].iter().any(|command| words.starts_with(command));
        if is_text && !is_command && words.split(' ').count() >= 4 {
            assert!(sources.contains(words), "nothing says `{words}`");
            quoted += 1;
        }
    }
    assert!(quoted > 30, "{quoted}");
}
