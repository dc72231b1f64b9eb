//! API Gateway on loopback: each HTTP request becomes the REST event that AWS would send, goes to the function through
//! `lambda_http`'s own adapter, and the function's response becomes the HTTP answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::functions::{Functions, context};
use crate::template::Template;

/// What API Gateway takes at most.
const MAX_BODY: usize = 10 * 1024 * 1024;
/// What Lambda takes at most, event and all.
const MAX_EVENT: usize = 6 * 1024 * 1024;
/// The functions' time-out in the template.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(15);

struct ApiGateway {
    template: Template,
    functions: Functions,
    domain: String,
}

/// Serves the routes of the template on the current runtime.
pub fn start(listener: TcpListener, template: Template, functions: Functions) {
    let domain = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
    let api_gateway = Arc::new(ApiGateway { template, functions, domain });
    let app = Router::new().fallback(pass).with_state(api_gateway);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(cause = %error, "the API gateway stopped");
        }
    });
}

async fn pass(State(api_gateway): State<Arc<ApiGateway>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "Слишком большой запрос.");
    };
    let path = parts.uri.path().to_owned();
    let Some((route, parameters)) = api_gateway.template.route(&path) else {
        return refusal(StatusCode::NOT_FOUND, "Неизвестный адрес.");
    };
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect::<Vec<_>>();
    let headers = parts.headers.iter();
    let headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let (body, base64) = encoded(&body, kind, &api_gateway.template.binary_media_types);
    let accepted = parts.headers.get(header::ACCEPT).and_then(|kinds| kinds.to_str().ok()).unwrap_or_default();
    let lets_bytes_through = is_binary(accepted.split(',').next().unwrap_or_default(), &api_gateway.template.binary_media_types);
    let mut event = rest_event(&Incoming {
        method: parts.method.as_str(),
        path: &path,
        query: &query,
        headers: &headers,
        body: body.as_deref(),
        base64,
        domain: &api_gateway.domain,
        stage: "sandbox",
    });
    event["resource"] = route.path.clone().into();
    event["requestContext"]["resourcePath"] = route.path.clone().into();
    event["pathParameters"] = parameters.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect::<Value>();
    // What the sandbox adds to a path is nothing: it stands for a custom domain.
    event["requestContext"]["path"] = path.into();
    if event.to_string().len() > MAX_EVENT {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "Слишком большой запрос.");
    }
    match api_gateway.functions.invoke(&route.function, event, context(FUNCTION_TIMEOUT)).await {
        Ok(response) => answer(&response, lets_bytes_through),
        Err(error) => {
            tracing::error!(cause = %error, "a function failed");
            refusal(StatusCode::BAD_GATEWAY, "Internal server error")
        }
    }
}

/// A body as the event has it, and whether that is base64. What is no binary media type the API gateway passes on as text,
/// whatever bytes it was.
fn encoded(body: &[u8], kind: &str, binary: &[String]) -> (Option<String>, bool) {
    if body.is_empty() {
        (None, false)
    } else if is_binary(kind, binary) {
        (Some(base64::engine::general_purpose::STANDARD.encode(body)), true)
    } else {
        (Some(String::from_utf8_lossy(body).into_owned()), false)
    }
}

/// Whether a media type is one of those.
fn is_binary(kind: &str, binary: &[String]) -> bool {
    binary.contains(&kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// The API gateway's own errors, as the template words them.
fn refusal(status: StatusCode, text: &str) -> Response {
    (status, axum::Json(json!({"success": false, "error": text, "message": text, "payments": [], "orders": []}))).into_response()
}

/// A function's answer. What it says in base64 becomes bytes again only for a request that accepts a binary media type first; any other gets
/// the base64 (API Gateway, "Binary media types for REST APIs").
fn answer(response: &Value, lets_bytes_through: bool) -> Response {
    let status = response["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::BAD_GATEWAY);
    let body = response["body"].as_str().unwrap_or_default().to_owned();
    let is_base64 = response["isBase64Encoded"].as_bool() == Some(true) && lets_bytes_through;
    let bytes = is_base64.then(|| base64::engine::general_purpose::STANDARD.decode(&body).ok()).flatten();
    let mut answer = Response::new(bytes.map_or_else(|| Body::from(body), Body::from));
    *answer.status_mut() = status;
    let multi = response["multiValueHeaders"].as_object().into_iter().flatten();
    let multi = multi.flat_map(|(name, values)| values.as_array().into_iter().flatten().map(move |value| (name, value)));
    let single = response["headers"].as_object().into_iter().flatten();
    for (name, value) in single.chain(multi) {
        if let (Ok(name), Some(Ok(value))) = (HeaderName::try_from(name.as_str()), value.as_str().map(HeaderValue::from_str)) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer.headers_mut().remove(header::CONTENT_LENGTH);
    answer
}

/// A request on its way into an event.
pub struct Incoming<'a> {
    /// `POST`.
    pub method: &'a str,
    /// Without the stage.
    pub path: &'a str,
    /// Decoded.
    pub query: &'a [(String, String)],
    /// As they came.
    pub headers: &'a [(String, String)],
    /// The body as text, maybe base64.
    pub body: Option<&'a str>,
    pub base64: bool,
    /// The API's domain.
    pub domain: &'a str,
    /// The API's stage.
    pub stage: &'a str,
}

/// The event that a REST API sends (payload format 1.0).
#[must_use]
pub fn rest_event(incoming: &Incoming<'_>) -> Value {
    let single = |pairs: &[(String, String)]| pairs.iter().cloned().collect::<BTreeMap<_, _>>();
    let multi = |pairs: &[(String, String)]| {
        let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in pairs {
            map.entry(name.clone()).or_default().push(value.clone());
        }
        map
    };
    let query = (!incoming.query.is_empty()).then(|| single(incoming.query));
    let multi_query = (!incoming.query.is_empty()).then(|| multi(incoming.query));
    json!({
        "resource": incoming.path,
        "path": incoming.path,
        "httpMethod": incoming.method,
        "headers": single(incoming.headers),
        "multiValueHeaders": multi(incoming.headers),
        "queryStringParameters": query,
        "multiValueQueryStringParameters": multi_query,
        "pathParameters": null,
        "stageVariables": null,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "sandbox",
            "domainName": incoming.domain,
            "domainPrefix": "sandbox",
            "extendedRequestId": "sandbox",
            "httpMethod": incoming.method,
            "identity": {"sourceIp": "127.0.0.1", "userAgent": "sandbox"},
            "path": format!("/{}{}", incoming.stage, incoming.path),
            "protocol": "HTTP/1.1",
            "requestId": "sandbox",
            "requestTime": "22/Nov/2026:00:00:00 +0000",
            "requestTimeEpoch": 1_795_305_600_000_u64,
            "resourceId": "sandbox",
            "resourcePath": incoming.path,
            "stage": incoming.stage
        },
        "body": incoming.body,
        "isBase64Encoded": incoming.base64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_binary_media_type_keeps_its_bytes() {
        let binary = ["multipart/form-data".to_owned()];
        let pdf = b"%PDF-1.7 \xff";
        assert_eq!(encoded(pdf, "Multipart/Form-Data; boundary=x", &binary), (Some("JVBERi0xLjcg/w==".to_owned()), true));
        assert_eq!(encoded(pdf, "application/json", &binary), (Some("%PDF-1.7 \u{fffd}".to_owned()), false));
        assert_eq!(encoded(b"", "multipart/form-data", &binary), (None, false));
    }

    #[tokio::test]
    async fn only_a_request_that_accepts_a_binary_media_type_first_gets_bytes() {
        let response = json!({"statusCode": 200, "headers": {}, "body": "JVBERi0xLjcg/w==", "isBase64Encoded": true});
        for (lets_through, expected) in [(true, b"%PDF-1.7 \xff".as_slice()), (false, b"JVBERi0xLjcg/w==")] {
            let body = to_bytes(answer(&response, lets_through).into_body(), MAX_BODY).await.unwrap();
            assert_eq!(body, expected);
        }
        let text = json!({"statusCode": 200, "headers": {}, "body": "JVBERi0xLjcg/w==", "isBase64Encoded": false});
        assert_eq!(to_bytes(answer(&text, true).into_body(), MAX_BODY).await.unwrap(), "JVBERi0xLjcg/w==");
    }
}
