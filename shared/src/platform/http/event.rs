//! An API gateway's event on its way to a handler. `lambda_http` makes an address of what headers and path say, and panics if they make
//! none, before any handler of ours could answer. What no code here reads does not come that far, and what panics all the same is
//! answered.

use std::panic::{AssertUnwindSafe, catch_unwind};

use http::HeaderMap;
use http::header::HOST;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Body, Error, Request, Response, Service as _, service_fn};
use lambda_runtime::LambdaEvent;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

/// What no query of an address has as it is (RFC 3986, 3.4).
const NO_QUERY: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'`').add(b'\\').add(b'^').add(b'{').add(b'|').add(b'}');

/// Gives an API gateway's event to a handler through `lambda_http`'s own adapter; the answer as Lambda takes it.
pub async fn adapted<F>(event: LambdaEvent<LambdaRequest>, handle: impl Fn(Request) -> F + Send) -> Result<Value, Error>
where
    F: Future<Output = Response<Body>> + Send,
{
    let LambdaEvent { payload, context } = event;
    let event = LambdaEvent::new(readable(payload), context);
    let mut adapter = Adapter::from(service_fn(|request: Request| {
        let answer = handle(request);
        async move { Ok::<_, Error>(answer.await) }
    }));
    // The request is made in the call, and handled in its future.
    let Ok(answer) = catch_unwind(AssertUnwindSafe(|| adapter.call(event))) else {
        tracing::error!("a request has an address that cannot be read");
        return Ok(unreadable());
    };
    Ok(serde_json::to_value(answer.await?)?)
}

/// The event without what an address would be made of that no code reads: the API gateway says itself by which name it is called.
fn readable(request: LambdaRequest) -> LambdaRequest {
    let harmless = |headers: &mut HeaderMap| {
        headers.remove(HOST);
        headers.remove("x-forwarded-proto");
    };
    match request {
        LambdaRequest::ApiGatewayV1(mut event) => {
            harmless(&mut event.headers);
            harmless(&mut event.multi_value_headers);
            LambdaRequest::ApiGatewayV1(event)
        }
        LambdaRequest::ApiGatewayV2(mut event) => {
            harmless(&mut event.headers);
            event.raw_query_string = event.raw_query_string.map(|query| utf8_percent_encode(&query, NO_QUERY).to_string());
            LambdaRequest::ApiGatewayV2(event)
        }
        other => other,
    }
}

/// In every endpoint's shape, since the endpoint is unknown.
fn unreadable() -> Value {
    let text = "the address cannot be read";
    let body = json!({"success": false, "error": text, "message": text, "payments": [], "orders": []});
    let answer = super::respond::respond(http::StatusCode::BAD_REQUEST, "application/json; charset=utf-8", body.to_string());
    let headers = answer.headers().iter().filter_map(|(name, value)| Some((name.to_string(), json!([value.to_str().ok()?]))));
    json!({
        "statusCode": answer.status().as_u16(),
        "headers": {},
        "multiValueHeaders": headers.collect::<serde_json::Map<_, _>>(),
        "body": body.to_string(),
        "isBase64Encoded": false,
    })
}

#[cfg(test)]
mod tests {
    use lambda_runtime::Context;

    use super::*;

    fn rest(path: &str, domain: &str, headers: &Value, query: &Value) -> Value {
        json!({
            "resource": "/v1/payments", "path": path, "httpMethod": "POST", "headers": headers,
            "multiValueHeaders": headers.as_object().unwrap().iter().map(|(name, value)| (name.clone(), json!([value]))).collect::<serde_json::Map<_, _>>(),
            "queryStringParameters": query, "multiValueQueryStringParameters": null, "pathParameters": null,
            "stageVariables": null, "body": "{}", "isBase64Encoded": false,
            "requestContext": {"httpMethod": "POST", "stage": "prod", "domainName": domain, "resourcePath": "/v1/payments", "path": path, "identity": {}},
        })
    }

    fn http_api(query: &str, headers: &Value) -> Value {
        json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/v1/payments", "rawQueryString": query, "headers": headers,
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": "api.shop.example", "domainPrefix": "api", "requestId": "r",
                "http": {"method": "POST", "path": "/v1/payments", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": ""},
                "routeKey": "$default", "stage": "$default", "time": "22/Nov/2026:00:00:00 +0000", "timeEpoch": 1,
            },
            "body": "{}", "isBase64Encoded": false,
        })
    }

    async fn status(event: Value) -> u64 {
        let request: LambdaRequest = serde_json::from_value(event).unwrap();
        let answer = adapted(LambdaEvent::new(request, Context::default()), async |_| Response::new(Body::Empty)).await.unwrap();
        answer["statusCode"].as_u64().unwrap()
    }

    #[tokio::test]
    async fn no_header_and_no_query_ends_a_request_before_it_is_handled() {
        for (name, value) in [
            ("Host", ""),
            ("Host", " "),
            ("Host", "a b"),
            ("Host", "[::1"),
            ("Host", "shop.example:99999"),
            ("Host", "shop.example:port"),
            ("Host", "<script>"),
            ("Host", "%"),
            ("Host", "a/b?c#d"),
            ("HOST", "user@:80"),
            ("X-Forwarded-Proto", ""),
            ("X-Forwarded-Proto", "1"),
            ("X-Forwarded-Proto", "https, http"),
            ("x-forwarded-proto", "ht tp"),
            ("X-Forwarded-Proto", "://"),
            ("X-Forwarded-Proto", "data"),
        ] {
            let headers = json!({ name: value });
            assert_eq!(status(rest("/v1/payments", "api.shop.example", &headers, &Value::Null)).await, 200, "{name}: {value}");
            assert_eq!(status(http_api("", &headers)).await, 200, "{name}: {value}");
        }
        for query in ["a=<b>", "a b", "a=\"", "%", "%zz", "a=й", "{}", "a|b", "\\", "^`", "&&&=", "a#b"] {
            assert_eq!(status(http_api(query, &json!({}))).await, 200, "{query}");
            let pairs = json!({ query: query });
            assert_eq!(status(rest("/v1/payments", "api.shop.example", &json!({}), &pairs)).await, 200, "{query}");
        }
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_answered() {
        for (path, domain) in [
            (":a", "api.shop.example"),
            ("/v1/payments", ""),
            ("/v1/payments", "a b"),
            ("/v1/payments", "[::1"),
            ("/v1/payments", "shop.example:99999"),
        ] {
            let got = status(rest(path, domain, &json!({}), &Value::Null)).await;
            assert!([200, 400].contains(&got), "{path} {domain}: {got}");
        }
        assert_eq!(status(rest("/v1/payments", "a b", &json!({}), &Value::Null)).await, 400);
    }
}
