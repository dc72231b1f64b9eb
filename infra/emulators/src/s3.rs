//! An embedded S3 over a folder, spoken to by the real SDK over HTTP. Its objects are files: `{folder}/{bucket}/{key}`.
//!
//! What it does not know by itself, and S3 does: to send nothing to a reader that has the object already (`If-None-Match`).

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// The storage could not be started.
#[derive(Debug, thiserror::Error)]
#[error("the embedded S3 could not be started: {0}")]
pub struct S3Error(String);

fn failed(error: &dyn std::fmt::Debug) -> S3Error {
    S3Error(format!("{error:?}"))
}

/// The requests since they were last asked for, by their methods.
type Requests = Arc<Mutex<BTreeMap<String, u64>>>;

/// The running storage.
#[derive(Clone, Debug)]
pub struct Storage {
    folder: PathBuf,
    requests: Requests,
    /// Removes a folder of its own with the last of its users.
    _own: Option<Arc<TempDir>>,
}

/// Serves a storage with that bucket in `data`, or in a folder of its own that goes away with it, on the current runtime. Both
/// parts of the credentials are `key`.
pub fn start(listener: TcpListener, data: Option<&Path>, key: &str, bucket: &str) -> Result<Storage, S3Error> {
    let own = if data.is_none() { Some(Arc::new(TempDir::new().map_err(|error| failed(&error))?)) } else { None };
    let folder = match (data, &own) {
        (Some(data), _) => data.join("objects"),
        (None, own) => own.as_ref().map_or_else(PathBuf::new, |own| own.path().to_owned()),
    };
    // Others are there with their first object.
    std::fs::create_dir_all(folder.join(bucket)).map_err(|error| failed(&error))?;
    let mut service = S3ServiceBuilder::new(FileSystem::new(&folder).map_err(|error| failed(&error))?);
    service.set_auth(SimpleAuth::from_single(key, key));
    let requests = Requests::default();
    let app = Router::new().fallback(serve).with_state((service.build(), Arc::clone(&requests)));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(Storage { folder, requests, _own: own })
}

impl Storage {
    /// An object, if it is there.
    #[must_use]
    pub fn get(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.folder.join(bucket).join(key)).ok()
    }

    /// How many requests there were since this was last asked, by their methods.
    #[must_use]
    pub fn take_requests(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts an object in its place, whatever was there.
    pub fn put(&self, bucket: &str, key: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.folder.join(bucket).join(key);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(path, bytes)
    }
}

async fn serve(State((service, requests)): State<(S3Service, Requests)>, request: Request) -> Response {
    *requests.lock().unwrap_or_else(PoisonError::into_inner).entry(request.method().to_string()).or_default() += 1;
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    match service.call(request.map(s3s::Body::http_body_unsync)).await {
        Ok(answer) if known.is_some() && answer.headers().get(header::ETAG) == known.as_ref() => status(StatusCode::NOT_MODIFIED),
        Ok(answer) => answer.map(Body::new),
        Err(error) => {
            tracing::error!(cause = ?error, "the embedded S3 failed");
            status(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

fn status(code: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}
