//! What template.yaml promises of a deployment: a change goes live as a whole, an error takes it back, what is stored is encrypted,
//! and every answer of the API gateway is as guarded as ours.

use std::collections::BTreeSet;

use lambda_http::http::StatusCode;
use yaml_rust2::{Yaml, YamlLoader};

const TEMPLATE: &str = include_str!("../../../../template.yaml");

fn template() -> Yaml {
    YamlLoader::load_from_str(TEMPLATE).unwrap().remove(0)
}

/// The resources of a type, by their names.
fn of_type<'a>(template: &'a Yaml, kind: &str) -> Vec<(&'a str, &'a Yaml)> {
    let resources = template["Resources"].as_hash().unwrap().iter();
    let found: Vec<_> = resources.filter(|(_, resource)| resource["Type"].as_str() == Some(kind)).collect();
    assert!(!found.is_empty(), "there is no {kind}");
    found.into_iter().map(|(id, resource)| (id.as_str().unwrap(), &resource["Properties"])).collect()
}

/// Every text in it, at any depth.
fn texts(value: &Yaml) -> Vec<&str> {
    let listed = value.as_vec().into_iter().flatten().flat_map(texts);
    let named = value.as_hash().into_iter().flat_map(|map| map.values()).flat_map(texts);
    value.as_str().into_iter().chain(listed).chain(named).collect()
}

/// The parameters that a value is made of, those of its conditions among them, and the secrets' name, which their ARN is made of.
fn parameters<'a>(template: &'a Yaml, value: &'a Yaml) -> BTreeSet<&'a str> {
    let all = template["Parameters"].as_hash().unwrap().keys().map(|name| name.as_str().unwrap());
    let mut texts = texts(value);
    let conditions: Vec<_> = texts.iter().flat_map(|text| super::deployment::texts(&template["Conditions"][*text])).collect();
    texts.extend(conditions);
    let says = |name: &str| {
        let inside = format!("${{{name}}}");
        texts.iter().any(|text| *text == name || text.contains(&inside) || (name == "SecretsName" && *text == "StageSecrets.Id"))
    };
    all.filter(|name| says(name)).collect()
}

/// SAM publishes a version by what the template says and not by what its parameters say (serverless-application-model#3820).
#[test]
fn changed_setting_or_layer_publishes_a_version_of_its_functions() {
    let template = template();
    let everywhere = &template["Globals"]["Function"];
    assert_eq!(everywhere["AutoPublishAlias"].as_str(), Some("live"));
    assert_eq!(everywhere["AutoPublishAliasAllProperties"].as_bool(), Some(true));
    for (id, layer) in of_type(&template, "AWS::Serverless::LayerVersion") {
        assert_eq!(layer["PublishLambdaVersion"].as_bool(), Some(true), "{id}");
    }
    for (id, function) in of_type(&template, "AWS::Serverless::Function") {
        let mut settings = parameters(&template, &function["Environment"]);
        settings.extend(parameters(&template, &everywhere["Environment"]));
        // Another stage is another stack.
        settings.remove("Stage");
        assert!(settings.contains("LogLevel"), "{settings:?}");
        assert_eq!(parameters(&template, &function["VersionDescription"]), settings, "{id}: VersionDescription and Environment");
    }
}

#[test]
fn the_alarms_that_take_a_deployment_back_watch_every_function() {
    let template = template();
    let (mut customers, mut workers) = (BTreeSet::new(), BTreeSet::new());
    for (id, function) in of_type(&template, "AWS::Serverless::Function") {
        let called = function["Events"].as_hash().unwrap().values().any(|event| event["Type"].as_str() == Some("Api"));
        // Gradual by default is what an operator waits for.
        assert_eq!(function["DeploymentPreference"]["Enabled"].as_bool(), (!called).then_some(false), "{id}");
        if called {
            customers.insert(id)
        } else {
            workers.insert(id)
        };
    }
    let alarms = of_type(&template, "AWS::CloudWatch::Alarm");
    let watched = |alarm: &str| {
        let (_, alarm) = alarms.iter().find(|(id, _)| *id == alarm).unwrap_or_else(|| panic!("there is no {alarm}"));
        texts(alarm).into_iter().filter(|text| text.ends_with("Function")).collect::<BTreeSet<_>>()
    };
    assert_eq!(watched("FunctionErrorsAlarm"), customers);
    // It fails when the shop's server does, and has an alarm of its own.
    workers.remove("PriceFeedFunction");
    assert_eq!(watched("WorkerErrorsAlarm"), workers);
    let watching = texts(&template["Globals"]["Function"]["DeploymentPreference"]["Alarms"]);
    assert_eq!(watching, ["FunctionErrorsAlarm", "WorkerErrorsAlarm", "ApiErrorsAlarm", "ApiLatencyAlarm"]);
    assert!(watching.iter().all(|alarm| alarms.iter().any(|(id, _)| id == alarm)), "{watching:?}");
}

#[test]
fn own_kms_key_encrypts_all_stores_and_functions_get_no_more_rights() {
    let template = template();
    let stores =
        ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup"];
    for (id, store) in stores.iter().flat_map(|kind| of_type(&template, kind)) {
        assert!(texts(store).contains(&"KmsKeyArn"), "{id} is not encrypted with it");
    }
    let policies = of_type(&template, "AWS::IAM::Policy");
    let [(_, policy)] = policies.as_slice() else { panic!("{policies:?}") };
    let [statement] = policy["PolicyDocument"]["Statement"].as_vec().unwrap().as_slice() else { panic!("{policy:?}") };
    assert_eq!(texts(&statement["Action"]), ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]);
    assert_eq!(texts(&statement["Resource"]), ["KmsKeyArn"]);
    let roles: BTreeSet<_> = texts(&policy["Roles"]).into_iter().map(str::to_owned).collect();
    let functions = of_type(&template, "AWS::Serverless::Function");
    assert_eq!(roles, functions.iter().map(|(id, _)| format!("{id}Role")).collect());
}

#[test]
fn api_gateway_answers_carry_our_headers() {
    let ours = shared::platform::http::respond(StatusCode::OK, "application/json", "");
    let template = template();
    let answers = template["Resources"]["Api"]["Properties"]["GatewayResponses"].as_hash().unwrap();
    for kind in ["DEFAULT_4XX", "DEFAULT_5XX"] {
        assert!(answers.contains_key(&Yaml::from_str(kind)), "{kind}");
    }
    for (kind, answer) in answers {
        let headers = answer["ResponseParameters"]["Headers"].as_hash().unwrap_or_else(|| panic!("{kind:?} has no headers"));
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_str().unwrap().to_lowercase(), value.as_str().unwrap().trim_matches('\'').to_owned()));
        // Quotes inside quotes are more than API Gateway takes, and its answers are JSON.
        let wanted =
            ours.headers().iter().filter(|(name, _)| !["content-type", "content-security-policy"].contains(&name.as_str()));
        let wanted = wanted.map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()));
        assert_eq!(headers.collect::<BTreeSet<_>>(), wanted.collect(), "{kind:?}");
    }
}
