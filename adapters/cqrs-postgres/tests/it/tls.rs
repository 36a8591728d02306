//! Encrypted connections.

use std::sync::Arc;

use cqrs_postgres::{OpenError, Postgres, PostgresLog};
use cqrs_runtime::Tx;
use cqrs_runtime::log::{EventLog, StoreError};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::support::{append, client};

/// Enables TLS on the server with a new certificate, which it returns.
async fn certify(url: &str) -> String {
    let client = client(url).await;
    let make = "COPY (SELECT 1) TO PROGRAM 'openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
                -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
                -keyout server.key -out server.crt && chmod 600 server.key'";
    client.batch_execute(make).await.unwrap();
    client.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    client.query_one("SELECT pg_read_file('server.crt')", &[]).await.unwrap().get(0)
}

fn trusting(certificates: &[String]) -> MakeRustlsConnect {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_uses_tls_and_trusts_only_given_certificates() {
    let server = cqrs_test_servers::Postgres::start().unwrap();
    let database = server.new_database().unwrap();
    let certificate = certify(database.url()).await;
    server.stop_immediate().unwrap();
    server.restart().unwrap();

    let url = format!("{}?sslmode=require", database.url());
    let log = PostgresLog::builder(&url).tls(trusting(&[certificate])).open().await.unwrap();
    append(&log, "order:1", "1").await.unwrap();
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let mut tx = log.begin().await.unwrap();
    let writer: &mut Tx<Postgres> = tx.database().unwrap().downcast_mut().unwrap();
    assert!(writer.query_one(sql, &[]).await.unwrap().get::<_, bool>(0));
    drop(tx);
    let reader = log.views().unwrap().reader().await.unwrap();
    let reader = reader.downcast::<cqrs_postgres::PostgresReader>().unwrap();
    assert!(reader.query_one(sql, &[]).await.unwrap().get::<_, bool>(0));

    let error = PostgresLog::builder(&url).tls(trusting(&[])).open().await.unwrap_err();
    assert!(matches!(&error, OpenError::Store(StoreError::Unavailable { .. } | StoreError::Failed { .. })), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
}
