//! The border of the process: all it says to its database and to the providers passes here, and here it can be held, at two
//! moments of each call: before the other side has it, and after the other side did it, before the answer is back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

/// What the process says to the outside.
#[derive(Clone)]
pub(crate) struct Border(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    trap: Mutex<Trap>,
    caught: Notify,
    let_go: Notify,
}

/// Where the process is to be held.
#[derive(Default)]
struct Trap {
    at: Option<usize>,
    /// How many moments have passed since the trap was set.
    passed: usize,
    /// What is held, in words.
    caught: Option<String>,
    /// What is held by name, until it is let go.
    by_name: Vec<&'static str>,
}

/// One way out, to an address that may not be known yet.
#[derive(Clone)]
struct Line {
    border: Border,
    to: watch::Receiver<Option<String>>,
}

impl Border {
    pub(crate) fn new() -> Self {
        let inner = Inner {
            http: shared::platform::outbound::client().unwrap(),
            trap: Mutex::default(),
            caught: Notify::new(),
            let_go: Notify::new(),
        };
        Self(Arc::new(inner))
    }

    /// A way out; the address to give to the process, and where to say where it leads.
    pub(crate) async fn line(&self) -> (String, watch::Sender<Option<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (leads, to) = watch::channel(None);
        let app = Router::new().fallback(pass).with_state(Line { border: self.clone(), to });
        tokio::spawn(async move { axum::serve(listener, app).await });
        (address, leads)
    }

    fn trap(&self) -> MutexGuard<'_, Trap> {
        self.0.trap.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds the `at`-th moment from now.
    pub(crate) fn set(&self, at: usize) {
        *self.trap() = Trap { at: Some(at), ..Trap::default() };
    }

    /// Lets everything pass again; what was held, in words.
    pub(crate) fn clear(&self) -> Option<String> {
        std::mem::take(&mut *self.trap()).caught
    }

    /// Holds every moment of this name until [`Self::let_go`].
    pub(crate) fn hold(&self, name: &'static str) {
        let mut trap = self.trap();
        trap.caught = None;
        trap.by_name.push(name);
    }

    /// Lets what is held by this name go on.
    pub(crate) fn let_go(&self, name: &str) {
        self.trap().by_name.retain(|held| *held != name);
        self.0.let_go.notify_waiters();
    }

    /// Until something is held.
    pub(crate) async fn caught(&self) {
        loop {
            let notified = self.0.caught.notified();
            if self.trap().caught.is_some() {
                return;
            }
            notified.await;
        }
    }

    async fn moment(&self, when: &str, call: &str) {
        let name = format!("{when} {call}");
        loop {
            let let_go = self.0.let_go.notified();
            {
                let mut trap = self.trap();
                let held = trap.at == Some(trap.passed) || trap.by_name.contains(&name.as_str());
                trap.passed += 1;
                if !held {
                    return;
                }
                trap.caught = Some(name.clone());
            }
            self.0.caught.notify_waiters();
            let_go.await;
        }
    }
}

async fn pass(State(line): State<Line>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let Line { border, mut to } = line;
    let operation = headers.get("x-amz-target").and_then(|target| target.to_str().ok()?.rsplit('.').next());
    let call = operation.unwrap_or_else(|| uri.path()).to_owned();
    border.moment("before", &call).await;
    let base = to.wait_for(Option::is_some).await.unwrap().clone().unwrap();
    let mut request = border.0.http.request(method, format!("{base}{uri}")).body(body);
    for (name, value) in headers.iter().filter(|(name, _)| **name != header::HOST && **name != header::CONTENT_LENGTH) {
        request = request.header(name, value);
    }
    let answer = request.send().await;
    let mut response = Response::new(Body::empty());
    match answer {
        Err(_) => *response.status_mut() = StatusCode::BAD_GATEWAY,
        Ok(answer) => {
            *response.status_mut() = answer.status();
            for (name, value) in answer.headers() {
                if *name != header::TRANSFER_ENCODING && *name != header::CONTENT_LENGTH && *name != header::CONNECTION {
                    response.headers_mut().insert(name, value.clone());
                }
            }
            *response.body_mut() = Body::from(answer.bytes().await.unwrap_or_default());
        }
    }
    border.moment("after", &call).await;
    response
}
