//! Short fixed names for texts of any length.

use sha1::{Digest, Sha1};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// SHA-1 in 40 hex digits, as Redis' `sha1hex` writes it. Names things; keeps no secrets.
pub fn sha1_hex(bytes: impl AsRef<[u8]>) -> String {
    sha1_hex_of([bytes.as_ref()])
}

/// The same of parts that follow each other.
pub fn sha1_hex_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut sha = Sha1::new();
    parts.into_iter().for_each(|part| sha.update(part));
    // Each row of a page has one: a text for every byte would cost more than the sum.
    sha.finalize().iter().flat_map(|b| [b >> 4, b & 15]).map(|n| char::from(HEX[usize::from(n)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_redis_writes_it() {
        assert_eq!(sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(sha1_hex_of(["a".as_bytes(), b"bc"]), sha1_hex(b"abc"));
    }
}
