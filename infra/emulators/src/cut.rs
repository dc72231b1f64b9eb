//! An answer that is lost on its way, although what was asked for is done.

use std::io;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream;

/// An answer in the middle of which the connection breaks. (One that only comes late would be as lost, but by how fast a machine is.)
pub(crate) fn cut_off() -> Response {
    let broken = Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset));
    Response::new(Body::from_stream(stream::iter([broken])))
}
