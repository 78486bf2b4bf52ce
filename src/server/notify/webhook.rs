//! The generic webhook: a POST of the message as JSON ([`Message`]), for whatever program.
//!
//! Headers: `x-flux-console-id` is the message's id: one that comes again is a repetition. `x-flux-console-timestamp` is when it was
//! sent, epoch seconds. `x-flux-console-signature` is there when a secret is set: `sha256=` and, in hex, the HMAC-SHA256 under that
//! secret of the timestamp, a full stop and the body, byte for byte. A receiver computes the same, compares without leaking
//! time, and refuses what is older than some minutes. Any 2xx says that it was taken.

use super::{Answer, Failure, Outside, config::Webhook, post::post};
use crate::model::alert::message::Message;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::time::{SystemTime, UNIX_EPOCH};

pub async fn send(outside: &Outside, to: &Webhook, message: &Message) -> Result<Answer, Failure> {
    let body = serde_json::to_string(message).map_err(|error| Failure::never(format!("The message cannot be written: {error}.")))?;
    let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
    let mut headers = vec![("x-flux-console-id", message.id.clone()), ("x-flux-console-timestamp", timestamp.clone())];
    if !to.secret.is_empty() {
        let signature = sign(&to.secret, &timestamp, &body).ok_or_else(|| Failure::never("The secret cannot be used as a key."))?;
        headers.push(("x-flux-console-signature", signature));
    }
    post(outside, &to.url, &headers, body).await
}

fn sign(secret: &str, timestamp: &str, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    for part in [timestamp, ".", body] {
        mac.update(part.as_bytes());
    }
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("sha256={hex}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_openssl_makes() {
        // printf '1795432807.{"a":1}' | openssl dgst -sha256 -hmac s3cret
        assert_eq!(
            sign("s3cret", "1795432807", r#"{"a":1}"#).as_deref(),
            Some("sha256=fa2a55ae99f1a0c1d87650d1d5e0479fe237cbc4af81169628be1d4fefd84669")
        );
    }
}
