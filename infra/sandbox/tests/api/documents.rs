//! The documents for people say what is there: alarms have a section in the runbook, threats have their tests. And the template
//! gives no function more than it names.

use std::fs;
use std::path::Path;

use yaml_rust2::{Yaml, YamlLoader};

const TEMPLATE: &str = include_str!("../../../../template.yaml");
const RUNBOOK: &str = include_str!("../../../RUNBOOK.md");
const THREATS: &str = include_str!("../../../THREATS.md");

#[test]
fn every_alarm_has_a_section_in_the_runbook_and_no_other_is_named() {
    let template = YamlLoader::load_from_str(TEMPLATE).unwrap().remove(0);
    let resources = template["Resources"].as_hash().unwrap();
    let alarms = resources.iter().filter(|(_, resource)| resource["Type"].as_str() == Some("AWS::CloudWatch::Alarm"));
    let alarms: Vec<_> = alarms.map(|(id, _)| id.as_str().unwrap()).collect();
    assert!(alarms.len() > 8, "{alarms:?}");
    for alarm in &alarms {
        assert!(RUNBOOK.contains(&format!("`{alarm}`")), "the runbook does not say what to do when {alarm} goes off");
    }
    for name in RUNBOOK.split('`').skip(1).step_by(2).filter(|name| name.ends_with("Alarm")) {
        assert!(alarms.contains(&name), "the runbook explains {name}, which does not exist");
    }
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
    let rows = THREATS.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| border"));
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
