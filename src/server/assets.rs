//! The front end, embedded from `target/site` (scripts/build.sh): script, WASM, styles, icon.
//!
//! An optimised build carries the files and serves them under a name that changes with their content, so a browser may
//! keep them for ever; a debug build reads the folder at each request, under `/_a/dev`, and nobody keeps them.

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use leptos::{WasmSplitManifest, prelude::ArcStoredValue};
use rust_embed::{Embed, EmbeddedFile};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

#[derive(Embed)]
#[folder = "target/site"]
#[allow_missing = true]
struct Site;

/// Debug builds read the files from disk.
const EMBEDDED: bool = !cfg!(debug_assertions);

const FOR_EVER: &str = "public, max-age=31536000, immutable";

static VERSION: LazyLock<String> = LazyLock::new(|| {
    if !EMBEDDED {
        return "dev".into();
    }
    let mut names: Vec<_> = Site::iter().collect();
    names.sort();
    let mut all = Sha256::new();
    for name in names {
        all.update(name.as_bytes());
        // Hashed when it was embedded: nothing is read here.
        all.update(Site::get(&name).map(|file| file.metadata.sha256_hash()).unwrap_or_default());
    }
    all.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
});

/// `/_a/0123456789abcdef`: stands before `/pkg/flux-console.js` and every other file.
pub fn root() -> String {
    format!("/_a/{}", *VERSION)
}

/// Whether the browser half is there. A debug build runs while that is still being compiled; once there, it stays.
pub fn alive(wasm: &str) -> bool {
    static SEEN: AtomicBool = AtomicBool::new(EMBEDDED);
    if !SEEN.load(Ordering::Relaxed) && Site::get(wasm).is_some() {
        SEEN.store(true, Ordering::Relaxed);
    }
    SEEN.load(Ordering::Relaxed)
}

/// Which files a part of the browser half is in, and what it shares with others. A build that is not split has no list.
static CHUNKS: LazyLock<Option<HashMap<String, Vec<String>>>> =
    LazyLock::new(|| serde_json::from_slice(&Site::get("pkg/chunks.json")?.data).ok());

/// For the links by which a page has its own code fetched beside the rest.
pub fn split(pkg: &str) -> Option<WasmSplitManifest> {
    let chunks = CHUNKS.clone()?;
    Some(WasmSplitManifest(ArcStoredValue::new((format!("{}/{pkg}", root()), chunks, "__wasm_split.js".into()))))
}

pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let icon = |headers: HeaderMap| async move { serve("favicon.svg", &headers, "public, max-age=86400") };
    Router::new().route("/_a/{version}/{*file}", get(file)).route("/favicon.svg", get(icon)).route("/favicon.ico", get(icon))
}

async fn file(Path((version, file)): Path<(String, String)>, headers: HeaderMap) -> Response {
    // A page of another release must not mix its files with these.
    if version != *VERSION {
        return missing();
    }
    serve(&file, &headers, if EMBEDDED { FOR_EVER } else { "no-cache" })
}

fn serve(name: &str, headers: &HeaderMap, keep: &str) -> Response {
    let Some((file, encoding)) = best(name, headers) else { return missing() };
    let mime = mime_guess::from_path(name).first_or_octet_stream();
    let mime = if mime.type_() == mime_guess::mime::TEXT { format!("{mime}; charset=utf-8") } else { mime.to_string() };
    let mut response =
        ([(header::CONTENT_TYPE, mime.as_str()), (header::CACHE_CONTROL, keep), (header::VARY, "accept-encoding")], file.data)
            .into_response();
    if let Some(encoding) = encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, header::HeaderValue::from_static(encoding));
    }
    response
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], "There is no such file. Reload the page.\n").into_response()
}

/// The smallest form that the browser takes. Compressed forms lie beside the file as `.br` and `.gz`.
fn best(name: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, Option<&'static str>)> {
    let plain = Site::get(name)?;
    for (encoding, ending) in [("br", "br"), ("gzip", "gz")] {
        if accepts(headers, encoding)
            && let Some(file) = Site::get(&format!("{name}.{ending}"))
        {
            return Some((file, Some(encoding)));
        }
    }
    Some((plain, None))
}

/// `Accept-Encoding` names it, and not with `q=0`.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let offers = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    offers.map(|offer| offer.split_once(';').unwrap_or((offer, ""))).any(|(name, weight)| {
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.trim().parse::<f32>().ok()).is_some_and(|q| q <= 0.0);
        name.trim().eq_ignore_ascii_case(encoding) && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_encodings() {
        for (offer, br, gzip) in [
            ("gzip, deflate, br, zstd", true, true),
            ("gzip;q=1.0, br;q=0", false, true),
            ("identity", false, false),
            ("BR ; q=0.5", true, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static(offer));
            assert_eq!((accepts(&headers, "br"), accepts(&headers, "gzip")), (br, gzip), "{offer}");
        }
        assert!(!accepts(&HeaderMap::new(), "br"));
    }
}
