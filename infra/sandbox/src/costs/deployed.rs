//! What the template deploys, as far as it has a price.

use std::collections::BTreeMap;
use std::time::Duration;

use yaml_rust2::{Yaml, YamlLoader};

use super::error::CostsError;
use emulators::template::Template;

/// What costs something because it is there, and what its size decides.
#[derive(Clone, Debug, Default)]
pub struct Deployed {
    /// Megabytes of each function, by the name of its binary.
    pub memory_mb: BTreeMap<String, f64>,
    /// The functions that the clock calls, and from one call to the next.
    pub schedules: Vec<(String, Duration)>,
    /// Queues that Lambda asks for messages.
    pub polled: u32,
    /// Metrics that alarms look at.
    pub alarms: u32,
    /// Metrics made of log lines.
    pub log_metrics: u32,
    pub dashboards: u32,
    /// Documents in Secrets Manager.
    pub secrets: u32,
    /// Whether CloudWatch keeps everything that is measured, and not only what alarms look at.
    pub keeps_every_metric: bool,
    /// Days that logs are kept, without another word.
    pub log_days: f64,
}

impl Deployed {
    /// Reads the template.
    pub fn read(text: &str) -> Result<Self, CostsError> {
        let documents = YamlLoader::load_from_str(text).map_err(|error| CostsError::Template(error.to_string()))?;
        let document = documents.first().unwrap_or(&Yaml::BadValue);
        let memory = &document["Globals"]["Function"]["MemorySize"];
        let days = number(&document["Parameters"]["LogRetentionDays"]["Default"]);
        let keeps_every_metric = document["Parameters"]["Metrics"]["Default"].as_str() != Some("basic");
        let template = Template::read(text).map_err(|error| CostsError::Template(error.to_string()))?;
        let polled = u32::try_from(template.consumers.len()).unwrap_or(u32::MAX);
        let enabled = template.schedules.into_iter().filter(|schedule| schedule.enabled);
        let schedules = enabled.map(|schedule| (schedule.function, schedule.every)).collect();
        let mut deployed = Self {
            schedules,
            polled,
            keeps_every_metric,
            log_days: days.ok_or_else(|| missing("a default of LogRetentionDays"))?,
            ..Self::default()
        };
        for (_, resource) in document["Resources"].as_hash().into_iter().flatten() {
            let properties = &resource["Properties"];
            match resource["Type"].as_str() {
                Some("AWS::Serverless::Function") => {
                    let binary = resource["Metadata"]["BuildProperties"]["Binary"].as_str();
                    let binary = binary.ok_or_else(|| missing("the Binary of a function"))?;
                    let own = number(&properties["MemorySize"]).or_else(|| number(memory));
                    let own = own.ok_or_else(|| missing("the MemorySize of a function"))?;
                    deployed.memory_mb.insert(binary.to_owned(), own);
                }
                Some("AWS::CloudWatch::Alarm") => deployed.alarms += watched(properties),
                Some("AWS::Logs::MetricFilter") => deployed.log_metrics += 1,
                Some("AWS::CloudWatch::Dashboard") => deployed.dashboards += 1,
                Some("AWS::SecretsManager::Secret") => deployed.secrets += 1,
                _ => {}
            }
        }
        Ok(deployed)
    }
}

/// How many metrics an alarm looks at: its own, or those that it calculates with.
fn watched(alarm: &Yaml) -> u32 {
    let metrics = alarm["Metrics"].as_vec().into_iter().flatten().filter(|metric| !metric["MetricStat"].is_badvalue());
    u32::try_from(metrics.count()).unwrap_or(u32::MAX).max(1)
}

fn number(value: &Yaml) -> Option<f64> {
    value.as_i64().and_then(|number| u32::try_from(number).ok()).map(f64::from)
}

fn missing(what: &str) -> CostsError {
    CostsError::Template(format!("{what} is missing"))
}
