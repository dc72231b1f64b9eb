//! Answers every request with the same text, by the crates that the functions are made of: no settings, no logs, no connection. What it
//! costs to start and to answer is what nobody who uses these crates can go below.

use lambda_http::{Body, Error, Request, Response, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(async |_: Request| Ok::<_, Error>(Response::new(Body::from("ok"))))).await
}
