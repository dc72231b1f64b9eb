//! A server that answers every request with the same bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shared::payments::mokka::signature::OrderSetting;
use shared::payments::mokka::{Client, Settings};
use shared::platform::metrics::Metrics;
use shared::platform::outbound::Http;
use shared::platform::secret::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

pub(crate) const SECRET: &str = "scripted-secret";
pub(crate) const STORE: u64 = 72_001_234;

/// A client of a server that answers with `response`, and the count of the requests so far.
pub(crate) async fn answering(response: impl Into<Vec<u8>>) -> (Client, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = Url::parse(&format!("http://{}/mokka/", listener.local_addr().unwrap())).unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let (counter, response) = (Arc::clone(&count), response.into());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read(&mut stream).await;
            counter.fetch_add(1, Ordering::SeqCst);
            // A client that has read enough may be gone.
            let _ = stream.write_all(&response).await;
        }
    });
    (client(base_url), count)
}

thread_local! {
    /// Making one reads the machine's root certificates, which takes longer than a test.
    static HTTP: Http = Http::new(Metrics::default()).unwrap();
}

pub(crate) fn client(base_url: Url) -> Client {
    let settings = Settings {
        base_url,
        store_id: STORE,
        secret: Secret::parse(SECRET).unwrap().into(),
        limits: None,
        signature_order: OrderSetting::Auto,
    };
    Client::new(HTTP.with(Clone::clone), settings)
}

/// Reads one request, by its `Content-Length`.
async fn read(stream: &mut TcpStream) {
    let (mut request, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut chunk).await.unwrap();
        request.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            body.len() >= length.trim().parse().unwrap()
        });
        if whole || read == 0 {
            return;
        }
    }
}

pub(crate) fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

pub(crate) fn ok(body: &str) -> String {
    http("200 OK", body)
}
