//! TLS, from files that are read again when they change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::TlsFiles;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Takes TLS connections with the certificate that was read last. When the last clone is dropped the files are let go.
#[derive(Clone)]
pub struct Tls(watch::Receiver<Arc<ServerConfig>>);

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, #[source] io::Error),
    /// The first holds no certificate, or the second no key.
    #[error("{0} is not PEM with what it has to hold: {1}")]
    Pem(PathBuf, #[source] PemError),
    /// The key is not the certificate's, or of a kind that is not known.
    #[error(transparent)]
    Unfit(#[from] rustls::Error),
}

/// What the two files hold.
#[derive(PartialEq, Eq)]
struct Pems {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    /// Reads the files, and from then on looks every few seconds whether they have changed. What cannot be used then is
    /// told in the log, and the earlier certificate stays.
    ///
    /// # Errors
    /// They cannot be used now.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let mut pems = read(&files)?;
        let (current, seen) = watch::channel(config(&files, &pems)?);
        tokio::spawn(async move {
            let mut told = None;
            while !current.is_closed() {
                sleep(LOOK_EVERY).await;
                let changed = look(&files, &mut pems).map(|changed| {
                    if let Some(config) = changed {
                        current.send_replace(config);
                        tracing::info!("the TLS certificate was read again");
                    }
                });
                // While the two are being replaced they may not fit: what stays wrong is told once.
                let problem = changed.err().map(|error| error.to_string());
                if let Some(error) = &problem
                    && problem != told
                {
                    tracing::warn!(error, "the TLS certificate cannot be read again");
                }
                told = problem;
            }
        });
        Ok(Self(seen))
    }

    /// The handshake.
    pub(super) async fn accept(&self, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = Arc::clone(&self.0.borrow());
        TlsAcceptor::from(config).accept(socket).await
    }
}

fn read(files: &TlsFiles) -> Result<Pems, TlsError> {
    let read = |path: &Path| fs::read(path).map_err(|error| TlsError::Read(path.to_owned(), error));
    Ok(Pems {
        certificate: read(&files.certificate)?,
        key: read(&files.key)?,
    })
}

/// What serves from now on, where the files hold something else than `pems`, and it can be used.
fn look(files: &TlsFiles, pems: &mut Pems) -> Result<Option<Arc<ServerConfig>>, TlsError> {
    let found = read(files)?;
    if found == *pems {
        return Ok(None);
    }
    let config = config(files, &found)?;
    *pems = found;
    Ok(Some(config))
}

fn config(files: &TlsFiles, pems: &Pems) -> Result<Arc<ServerConfig>, TlsError> {
    let certificates = CertificateDer::pem_slice_iter(&pems.certificate)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| TlsError::Pem(files.certificate.clone(), error))?;
    let key = PrivateKeyDer::from_pem_slice(&pems.key)
        .map_err(|error| TlsError::Pem(files.key.clone(), error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATES: [[&str; 2]; 2] = [
        [
            include_str!("../../contract-tests/keys/tls-1.pem"),
            include_str!("../../contract-tests/keys/tls-1-key.pem"),
        ],
        [
            include_str!("../../contract-tests/keys/tls-2.pem"),
            include_str!("../../contract-tests/keys/tls-2-key.pem"),
        ],
    ];

    #[test]
    fn files_that_change_are_read_again_and_what_is_half_written_is_not_used() {
        let dir = tempfile::tempdir().expect("a directory");
        let files = TlsFiles {
            certificate: dir.path().join("certificate"),
            key: dir.path().join("key"),
        };
        let [[certificate, key], [new_certificate, new_key]] = CERTIFICATES;
        let put = |path: &Path, text: &str| fs::write(path, text).expect("written");
        assert!(matches!(read(&files), Err(TlsError::Read(..))));
        put(&files.certificate, certificate);
        put(&files.key, key);
        let mut pems = read(&files).expect("read");
        assert!(look(&files, &mut pems).expect("the same").is_none());

        put(&files.certificate, new_certificate);
        assert!(matches!(look(&files, &mut pems), Err(TlsError::Unfit(_))));
        put(&files.key, "");
        assert!(matches!(look(&files, &mut pems), Err(TlsError::Pem(..))));
        put(&files.key, new_key);
        assert!(look(&files, &mut pems).expect("changed").is_some());
        assert!(look(&files, &mut pems).expect("the same").is_none());
    }
}
