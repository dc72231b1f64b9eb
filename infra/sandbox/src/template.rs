//! What the sandbox needs to know of `template.yaml`: the routes and the tables, read from the file that is deployed.

use yaml_rust2::{Yaml, YamlLoader};

/// The template as it was when the sandbox was built.
pub const TEMPLATE: &str = include_str!("../../../template.yaml");

/// Routes and tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// In the order of the template.
    pub routes: Vec<Route>,
    /// In the order of the template.
    pub tables: Vec<Table>,
}

/// A path of the API and the function behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `/v1/orders/{orderUuid}`.
    pub path: String,
    /// The name of the function's binary.
    pub function: String,
}

/// A table with the key `pk`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name, without the stage.
    pub name: String,
    /// The attribute after whose time items go away.
    pub ttl_attribute: Option<String>,
}

/// The template says something that the sandbox does not understand.
#[derive(Debug, thiserror::Error)]
#[error("template.yaml: {0}")]
pub struct TemplateError(String);

impl Template {
    /// Reads the template.
    pub fn read(text: &str) -> Result<Self, TemplateError> {
        let documents = YamlLoader::load_from_str(text).map_err(|error| TemplateError(error.to_string()))?;
        let resources = documents.first().and_then(|document| document["Resources"].as_hash());
        let resources = resources.ok_or_else(|| TemplateError("no Resources".to_owned()))?;
        let mut routes = Vec::new();
        let mut tables = Vec::new();
        for (id, resource) in resources {
            let id = id.as_str().unwrap_or_default();
            match resource["Type"].as_str() {
                Some("AWS::Serverless::Function") => routes.extend(function_routes(id, resource)?),
                Some("AWS::DynamoDB::Table") => tables.push(table(id, resource)?),
                _ => {}
            }
        }
        Ok(Self { routes, tables })
    }

    /// The route of a path, with the values of its parameters. Literal segments win over parameters.
    #[must_use]
    pub fn route(&self, path: &str) -> Option<(&Route, Vec<(String, String)>)> {
        let matches = self.routes.iter().filter_map(|route| Some((route, parameters(&route.path, path)?)));
        matches.min_by_key(|(_, parameters)| parameters.len())
    }
}

fn function_routes(id: &str, resource: &Yaml) -> Result<Vec<Route>, TemplateError> {
    let binary = resource["Metadata"]["BuildProperties"]["Binary"].as_str();
    let function = binary.ok_or_else(|| TemplateError(format!("{id} has no Metadata.BuildProperties.Binary")))?;
    let Some(events) = resource["Properties"]["Events"].as_hash() else { return Ok(Vec::new()) };
    let api = events.values().filter(|event| event["Type"].as_str() == Some("Api"));
    let routes = api.map(|event| {
        let path = event["Properties"]["Path"].as_str();
        let path = path.ok_or_else(|| TemplateError(format!("an Api event of {id} has no Path")))?;
        // The functions answer wrong methods themselves; a template that narrows a route would hide that here.
        match event["Properties"]["Method"].as_str() {
            Some("ANY") => Ok(Route { path: path.to_owned(), function: function.to_owned() }),
            _ => Err(TemplateError(format!("the route {path} of {id} must have Method ANY"))),
        }
    });
    routes.collect()
}

fn table(id: &str, resource: &Yaml) -> Result<Table, TemplateError> {
    let properties = &resource["Properties"];
    let name = properties["TableName"].as_str().and_then(|name| name.strip_suffix("-${Stage}"));
    let name = name.ok_or_else(|| TemplateError(format!("{id} must have a TableName that ends in -${{Stage}}")))?;
    let keys = properties["KeySchema"].as_vec().map(Vec::as_slice).unwrap_or_default();
    match keys {
        [key] if key["AttributeName"].as_str() == Some("pk") => {}
        _ => return Err(TemplateError(format!("{id} must have the single key pk"))),
    }
    let ttl_attribute = properties["TimeToLiveSpecification"]["AttributeName"].as_str().map(str::to_owned);
    Ok(Table { name: name.to_owned(), ttl_attribute })
}

fn parameters(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
    let segments = |text: &str| text.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (pattern, path) = (segments(pattern), segments(path));
    if pattern.len() != path.len() {
        return None;
    }
    let mut parameters = Vec::new();
    for (expected, actual) in pattern.into_iter().zip(path) {
        match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => parameters.push((name.to_owned(), actual)),
            None if expected == actual => {}
            None => return None,
        }
    }
    Some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deployed_template_has_the_routes_and_tables_of_the_house() {
        let template = Template::read(TEMPLATE).unwrap();
        let routes: Vec<_> = template.routes.iter().map(|route| format!("{} {}", route.path, route.function)).collect();
        assert_eq!(
            routes,
            [
                "/v1/orders orders",
                "/v1/orders/{orderUuid} orders",
                "/v1/payments payments",
                "/v1/acquiring acquiring",
                "/v1/forms/otp form-otp",
                "/v1/forms form-otp",
                "/v1/mokka/callback/{paymentId}/{token} mokka-callback",
                "/v1/mokka/return/{paymentId} mokka-callback",
                "/v1/mokka/return/{paymentId}/{result} mokka-callback",
            ]
        );
        let tables: Vec<_> = template.tables.iter().map(|table| (table.name.as_str(), table.ttl_attribute.as_deref())).collect();
        assert_eq!(tables, [("order-holds", None), ("otp-tokens", Some("expires_at"))]);
    }

    #[test]
    fn cargo_lambda_watches_the_same_paths() {
        let manifest = include_str!("../../../Cargo.toml");
        let router = manifest.split("[workspace.metadata.lambda.watch.router]").nth(1).unwrap();
        let served: Vec<_> = router.lines().filter_map(|line| line.split_once(" = ")).collect();
        let wanted = Template::read(TEMPLATE).unwrap().routes;
        let wanted: Vec<_> =
            wanted.iter().map(|route| (format!("\"{}\"", route.path), format!("\"{}\"", route.function))).collect();
        assert_eq!(served, wanted.iter().map(|(path, name)| (path.as_str(), name.as_str())).collect::<Vec<_>>());
    }

    #[test]
    fn literal_segments_win_over_parameters() {
        let route = |path: &str, function: &str| Route { path: path.to_owned(), function: function.to_owned() };
        let template = Template { routes: vec![route("/v1/{any}", "a"), route("/v1/fixed", "b")], tables: Vec::new() };
        assert_eq!(template.route("/v1/fixed").unwrap().0.function, "b");
        assert_eq!(template.route("/v1/x").unwrap().1, [("any".to_owned(), "x".to_owned())]);
        assert!(template.route("/v1").is_none());
    }
}
