//! The documents for people say what is there: alarms have a section in the runbook, threats have their tests.

use std::fs;
use std::path::Path;

use yaml_rust2::YamlLoader;

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
