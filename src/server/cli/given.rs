//! What the command line only points at: files, and what the environment says.

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

/// What the environment says; a password that cannot be read must not count as none.
pub(super) fn password() -> Result<Option<String>, String> {
    let text =
        |value: OsString| value.into_string().map_err(|_| "AUTH_PASSWORD is no UTF-8 text. Nothing was started; set another one.".into());
    std::env::var_os("AUTH_PASSWORD").map(text).transpose()
}

/// Where other programs of this user keep their data.
pub(super) fn data_dir() -> PathBuf {
    let home = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = home("XDG_DATA_HOME").or_else(|| home("HOME").map(|home| home.join(".local/share")));
    base.unwrap_or_else(|| PathBuf::from(".")).join("flux-console")
}

pub(super) fn read_password(file: &PathBuf) -> Result<String, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("--password-file {}: {error}.", file.display()))?;
    // Editors and `echo` end a file with a line feed that nobody types.
    match text.lines().next().filter(|line| !line.is_empty()) {
        Some(line) => Ok(line.into()),
        None => Err(format!("--password-file {} is empty. Its first line is the password.", file.display())),
    }
}

/// The file as it is, once each of its certificates can be trusted.
pub(super) fn read_authorities(file: &Path) -> Result<Vec<u8>, String> {
    let said = |what: &str| format!("--redis-ca (REDIS_CA) {} {what}.", file.display());
    let pem = fs::read(file).map_err(|error| said(&format!("cannot be read: {error}")))?;
    let mut trusted = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        if !certificate.is_ok_and(|der| trusted.add(der).is_ok()) {
            return Err(said("holds a certificate that cannot be read"));
        }
    }
    // A store without any trusts nobody, and the client would take it.
    if trusted.is_empty() {
        return Err(said("holds no certificate. It is to be a PEM file: text with -----BEGIN CERTIFICATE-----"));
    }
    Ok(pem)
}
