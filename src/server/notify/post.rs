//! One POST to a receiver outside: to checked addresses only, without proxy or redirects, within a time and with a bounded answer.

use super::{
    Answer, Failure, Outside,
    address::{self, Refused},
};
use crate::model::shorten::shortened;
use reqwest::{
    Client,
    header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
    redirect,
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use url::{Host, Url};

/// What is read of an answer, bytes; more is left unread.
const MOST: usize = 8 * 1024;
/// What is shown of it, characters.
const SHOWN: usize = 200;
/// Nobody is waited for longer, whatever they ask.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// Whether something may be sent there, as far as the text tells.
///
/// # Errors
/// A sentence, without the URL.
pub fn check(url: &str, allow_private: bool) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|_| "This is no URL. Write it whole, as in https://hooks.example.com/…".to_owned())?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        "http" => return Err("Only https is sent to. Start the console with --allow-private-webhooks to allow http.".into()),
        _ => return Err("The URL must begin with https://.".into()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("The URL must not hold a user or password.".into());
    }
    if url.host().is_none() {
        return Err("The URL has no host.".into());
    }
    Ok(url)
}

/// TLS with Mozilla's roots and the machine's own, so that it works in an image without any, and with a company's.
fn tls() -> Option<rustls::ClientConfig> {
    static TLS: OnceLock<Option<rustls::ClientConfig>> = OnceLock::new();
    TLS.get_or_init(|| {
        let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        Some(builder.with_safe_default_protocol_versions().ok()?.with_root_certificates(roots).with_no_client_auth())
    })
    .clone()
}

/// `headers` beside the content type, which is JSON.
pub async fn post(outside: &Outside, url: &str, headers: &[(&'static str, String)], body: String) -> Result<Answer, Failure> {
    let hidden = url;
    let url = check(url, outside.allow_private).map_err(Failure::never)?;
    let sent = tokio::time::timeout(outside.within, sent(outside, &url, headers, body)).await;
    let answer = sent.unwrap_or_else(|_| Err(Failure::later(format!("No answer within {} s.", outside.within.as_secs_f32()))));
    let hide = |text: String| hide(&text, hidden);
    match answer {
        Ok(answer) => Ok(Answer { said: hide(answer.said), ..answer }),
        Err(Failure { said, again, code }) => Err(Failure { said: hide(said), again, code }),
    }
}

async fn sent(outside: &Outside, url: &Url, headers: &[(&'static str, String)], body: String) -> Result<Answer, Failure> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(443);
    let addresses = address::resolve(outside, host, port).await?;
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .user_agent(concat!("flux-console/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls().ok_or_else(|| Failure::never("TLS cannot be set up."))?);
    if let Some(Host::Domain(name)) = url.host() {
        // The connection goes to what was judged; a number was judged as it stands in the URL.
        builder = builder.resolve_to_addrs(name, &addresses);
    }
    let client = builder.build().map_err(|e| Failure::never(format!("The request cannot be made: {}", causes(e))))?;
    let mut all = HeaderMap::new();
    all.insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).map_err(|_| Failure::never(format!("{name} cannot be sent.")))?;
        all.insert(HeaderName::from_static(name), value);
    }
    let response = client.post(url.clone()).headers(all).body(body).send().await.map_err(|e| Failure::later(causes(e)))?;
    read(response).await
}

async fn read(mut response: reqwest::Response) -> Result<Answer, Failure> {
    let status = response.status();
    let wait = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|text| text.trim().parse::<f64>().ok());
    let wait = wait.filter(|s| s.is_finite() && *s >= 0.0).map(|s| Duration::from_secs_f64(s.min(LONGEST_WAIT.as_secs_f64())));
    let mut bytes = Vec::new();
    // What breaks off after the status was still answered.
    while let Ok(Some(part)) = response.chunk().await {
        bytes.extend_from_slice(&part);
        if bytes.len() >= MOST {
            break;
        }
    }
    let text = shown(&String::from_utf8_lossy(&bytes));
    let said = format!("HTTP {status}{}{text}", if text.is_empty() { "" } else { ": " });
    let code = status.as_u16();
    if status.is_success() {
        return Ok(Answer { said, code, refused: Vec::new() });
    }
    if status.is_redirection() {
        return Err(Failure {
            code,
            ..Failure::never(format!("HTTP {status}: a redirect is not followed. Store the address that it leads to."))
        });
    }
    Err(match code {
        408 | 425 | 429 | 500.. => Failure { code, ..Failure::after(said, wait) },
        _ => Failure { code, ..Failure::never(said) },
    })
}

/// One line of what a receiver wrote.
pub fn shown(text: &str) -> String {
    let line: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    shortened(line.join(" "), SHOWN)
}

/// Every cause of an error, without the URL that the outermost one would repeat.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut said = vec![error.to_string()];
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        said.push(cause.to_string());
        source = cause.source();
    }
    said.dedup();
    shown(&said.join(": "))
}

/// The text without what a receiver may repeat of the URL: `Cannot POST /services/T0/B0/secret`.
fn hide(text: &str, url: &str) -> String {
    let Ok(parsed) = Url::parse(url) else { return text.to_owned() };
    let path = parsed.path();
    let pairs: Vec<String> = parsed.query_pairs().map(|(_, value)| value.into_owned()).collect();
    let mut parts: Vec<&str> = vec![url, parsed.as_str(), path, parsed.query().unwrap_or_default()];
    parts.extend(path.split('/'));
    parts.extend(pairs.iter().map(String::as_str));
    // Short segments (`api`, `v1`) are no secrets, and a text without them could not be read.
    parts.retain(|part| part.len() >= 8);
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts.into_iter().fold(text.to_owned(), |text, part| text.replace(part, "…"))
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Address { .. } => Self::never(refused.to_string()),
            Refused::Name { .. } => Self::later(format!("{refused}.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::notify::Names;

    #[test]
    fn what_is_shown_is_one_short_line_without_the_url() {
        assert_eq!(shown("a\r\n b\u{7}c"), "a b c");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), 201);
        let url = "https://hooks.example.com/services/T0/B0/s3cr3tt0ken?key=an0thers3cret";
        for echo in ["Cannot POST /services/T0/B0/s3cr3tt0ken", "no token s3cr3tt0ken, an0thers3cret", url] {
            let text = hide(echo, url);
            assert!(!text.contains("s3cr3tt0ken") && !text.contains("an0thers3cret"), "{text}");
        }
    }

    #[tokio::test]
    async fn an_error_does_not_repeat_the_url() {
        let outside = Outside { allow_private: true, within: Duration::from_secs(2), names: Names::default() };
        let failed = post(&outside, "http://127.0.0.1:1/services/s3cr3tt0ken", &[], "{}".into()).await.expect_err("nobody listens");
        assert!(!failed.said.contains("s3cr3t") && failed.said.contains("refused"), "{}", failed.said);
    }
}
