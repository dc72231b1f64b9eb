//! Keeps what this release stores.

use crate::{stored, stories};

#[tokio::test]
#[ignore = "writes the fixtures of the version in Cargo.toml: once, when it is released"]
async fn keep_what_this_release_stores() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(!stored::folder(version).exists(), "{version} is kept already: what a release has stored does not change");
    let deployment = stories::told().await;
    stored::write(version, &stored::dump(&deployment).await);
}
