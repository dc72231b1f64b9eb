//! Whom we believe to be who they say: the root certificates that Mozilla trusts, compiled in, and those of a file that operations
//! may put beside `payments.toml`.
//!
//! A Lambda's own folder of certificates would be read and parsed at every cold start, which is more than half of its time. Compiled
//! in, they cost nothing and are the same wherever the function runs; they are as old as the pinned `webpki-roots`.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::platform::env::Env;

/// Where the layer with what operations edit has them.
const EXTRA: &str = "/opt/extra-ca.pem";

/// With the compiled-in certificates alone. One for all clients of a process, so that they share what they remember of a server.
static COMPILED_IN: LazyLock<Trust> = LazyLock::new(|| Trust::of(compiled_in()));

/// How a client finds out who answers.
#[derive(Clone, Debug)]
pub struct Trust(ClientConfig);

/// Why the file of `EXTRA_CA_FILE` cannot be used.
#[derive(Debug, thiserror::Error)]
enum ExtraError {
    #[error(" has no certificate (-----BEGIN CERTIFICATE-----)")]
    Empty,
    #[error(" certificate {number} cannot be read: {cause}")]
    Unreadable { number: usize, cause: String },
}

impl Trust {
    /// The compiled-in certificates.
    #[must_use]
    pub fn compiled_in() -> Self {
        COMPILED_IN.clone()
    }

    /// The same, and those of a file (PEM, one or more certificates): the one that `EXTRA_CA_FILE` names, or `/opt/extra-ca.pem` if
    /// it is there.
    pub fn from_env(env: &mut Env) -> Option<Self> {
        if env.optional("EXTRA_CA_FILE").is_none() && !Path::new(EXTRA).exists() {
            return Some(Self::compiled_in());
        }
        env.file("EXTRA_CA_FILE", EXTRA, with_extra)
    }

    fn of(roots: RootCertStore) -> Self {
        // `ring` supports TLS 1.2 and 1.3, so the versions cannot be refused.
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        #[expect(clippy::expect_used, reason = "a constant of this program")]
        let builder = builder.with_safe_default_protocol_versions().expect("ring speaks TLS 1.2 and 1.3");
        Self(builder.with_root_certificates(roots).with_no_client_auth())
    }

    /// As the HTTP client takes it.
    pub(crate) fn tls(&self) -> ClientConfig {
        self.0.clone()
    }
}

fn compiled_in() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn with_extra(pem: &str) -> Result<Trust, ExtraError> {
    let mut roots = compiled_in();
    let known = roots.len();
    for (index, certificate) in CertificateDer::pem_slice_iter(pem.as_bytes()).enumerate() {
        let unreadable = |cause: String| ExtraError::Unreadable { number: index + 1, cause };
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
    }
    if roots.len() == known {
        return Err(ExtraError::Empty);
    }
    Ok(Trust::of(roots))
}
