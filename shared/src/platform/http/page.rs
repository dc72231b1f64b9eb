//! Pages for the customer's browser: small, readable on a phone, without anything from elsewhere.

use http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};

use super::respond::respond;

/// How a page looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It worked.
    Good,
    /// Not known yet.
    Waiting,
    /// It did not work.
    Bad,
}

/// A page with a heading, a sentence and a way back to the app.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// How it looks.
    pub mood: Mood,
    /// The heading.
    pub title: &'a str,
    /// The sentence below it.
    pub text: &'a str,
    /// The words on the link, and where it leads.
    pub back: Option<(&'a str, &'a str)>,
}

impl Page<'_> {
    /// The page as an answer.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let (sign, colour) = match self.mood {
            Mood::Good => ("✓", "#1a7f4b"),
            Mood::Waiting => ("…", "#8a6100"),
            Mood::Bad => ("!", "#b3261e"),
        };
        let back =
            self.back.map(|(words, address)| format!(r#"<a class="back" href="{}">{}</a>"#, escape(address), escape(words)));
        let html = format!(
            r#"<!doctype html>
<html lang="ru">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #1c1c1e; --paper: #fff; --soft: #5f6368; }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #f2f2f7; --paper: #1c1c1e; --soft: #a8adb5; }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 24px;
  font: 18px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: var(--ink); background: var(--paper); }}
main {{ width: 100%; max-width: 26rem; text-align: center; }}
.sign {{ width: 72px; height: 72px; margin: 0 auto 20px; border-radius: 50%; background: {colour}; color: #fff;
  font-size: 40px; line-height: 72px; }}
h1 {{ margin: 0 0 8px; font-size: 26px; line-height: 1.25; }}
p {{ margin: 0 0 28px; color: var(--soft); }}
.back {{ display: block; padding: 15px 20px; border-radius: 14px; background: {colour}; color: #fff; font-weight: 600;
  text-decoration: none; }}
.back:focus-visible {{ outline: 3px solid var(--ink); outline-offset: 3px; }}
</style>
</head>
<body>
<main>
<div class="sign" aria-hidden="true">{sign}</div>
<h1>{title}</h1>
<p>{text}</p>
{back}
</main>
</body>
</html>
"#,
            title = escape(self.title),
            text = escape(self.text),
            back = back.unwrap_or_default(),
        );
        let mut response = respond(StatusCode::OK, "text/html; charset=utf-8", html);
        let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        response
    }
}

/// Sends the browser on, with GET.
#[must_use]
pub fn see_other(location: &str) -> Response<Body> {
    let mut response = respond(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_page_becomes_markup() {
        let hostile = r#""><script>alert('1')</script>&"#;
        let page = Page { mood: Mood::Bad, title: hostile, text: hostile, back: Some((hostile, hostile)) };
        let response = page.into_response();
        let Body::Text(html) = response.body() else { panic!("a page is text") };
        assert!(!html.contains("<script>") && !html.contains("alert('"), "{html}");
        assert_eq!(html.matches("&lt;script&gt;").count(), 5);
    }
}
