//! Certificates for a node that listens for TLS.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

use crate::node_files::USER;

/// PEM files of an authority and what it signed, which live as long as the node.
pub struct Certificates {
    /// The authority's certificate: what a client trusts.
    pub ca: PathBuf,
    /// A client's certificate, whose common name is the node's user.
    pub client_certificate: PathBuf,
    /// Its key, in PKCS #8.
    pub client_key: PathBuf,
    pub(crate) server_certificate: PathBuf,
    pub(crate) server_key: PathBuf,
}

impl Certificates {
    /// Writes them into `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        let write = |name: &str, pem: String| {
            let path = folder.join(name);
            std::fs::write(&path, pem).unwrap();
            path
        };
        let (ca, issuer) = authority();
        let (server, server_key) = signed("localhost", ExtendedKeyUsagePurpose::ServerAuth, &issuer);
        let (client, client_key) = signed(USER, ExtendedKeyUsagePurpose::ClientAuth, &issuer);
        Self {
            ca: write("ca.pem", ca),
            client_certificate: write("client.pem", client),
            client_key: write("client.key", client_key),
            server_certificate: write("server.pem", server),
            server_key: write("server.key", server_key),
        }
    }
}

fn authority() -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "millrace tests");
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(params, key))
}

fn signed(name: &str, purpose: ExtendedKeyUsagePurpose, issuer: &Issuer<'_, KeyPair>) -> (String, String) {
    let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages.push(purpose);
    let key = KeyPair::generate().unwrap();
    let pem = params.signed_by(&key, issuer).unwrap().pem();
    (pem, key.serialize_pem())
}
