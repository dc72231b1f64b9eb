//! Whose answers the HTTP client believes: against a server with a certificate of an authority that only its own country knows.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use shared::platform::env::Env;
use shared::platform::metrics::Metrics;
use shared::platform::outbound::Http;
use shared::platform::trust::Trust;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

struct Server {
    url: String,
    /// Its authority's certificate, PEM.
    authority: String,
}

impl Server {
    async fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = authority.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(authority, key);
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // Who does not believe the certificate goes away.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = [0; 4096];
                if stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
                }
            }
        });
        Self { url, authority: pem }
    }

    /// The status of an answer, or why there is none.
    async fn answer(&self, http: &Http) -> Result<u16, String> {
        let sent = http.client().get(&self.url).send().await;
        sent.map(|answer| answer.status().as_u16()).map_err(|error| {
            let (mut text, mut cause) = (error.to_string(), std::error::Error::source(&error));
            while let Some(error) = cause {
                write!(text, ": {error}").unwrap();
                cause = error.source();
            }
            text
        })
    }
}

fn http(trust: &Trust) -> Http {
    Http::trusting(trust, Metrics::default()).unwrap()
}

/// With a file of this content as `EXTRA_CA_FILE`.
fn trusting(content: &str) -> Result<Trust, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    read(file.path().to_str().unwrap())
}

fn read(path: &str) -> Result<Trust, String> {
    let mut env = Env::from_map(BTreeMap::from([("EXTRA_CA_FILE".to_owned(), path.to_owned())]));
    let trust = Trust::from_env(&mut env);
    env.finish(trust).map_err(|error| error.to_string())
}

#[tokio::test]
async fn extra_certificate_authority_is_trusted_when_configured() {
    let server = Server::start().await;
    let error = server.answer(&http(&Trust::compiled_in())).await.unwrap_err();
    assert!(error.contains("UnknownIssuer"), "{error}");
    let both = format!("# The state's root\n{}\n{}", Server::start().await.authority, server.authority);
    for content in [&server.authority, &both] {
        assert_eq!(server.answer(&http(&trusting(content).unwrap())).await, Ok(204));
    }
    let elses = Server::start().await;
    assert!(elses.answer(&http(&trusting(&server.authority).unwrap())).await.is_err(), "and no other");
}

#[test]
fn a_file_that_adds_nobody_is_refused_by_name() {
    let broken = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let torn = "-----BEGIN CERTIFICATE-----\nMAA=\n";
    for (content, why) in [
        ("", "has no certificate"),
        ("ca", "has no certificate"),
        (broken, "certificate 1 cannot be read"),
        (torn, "certificate 1 cannot be read"),
    ] {
        let error = trusting(content).unwrap_err();
        assert!(error.contains("EXTRA_CA_FILE") && error.contains(why), "{content}: {error}");
    }
    let error = read("/nowhere/ca.pem").unwrap_err();
    assert!(error.contains("EXTRA_CA_FILE: cannot read the file /nowhere/ca.pem"), "{error}");
}
