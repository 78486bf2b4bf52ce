//! What crosses the wire is JSON as text and has one reader, [`read`]: answers of server functions, what a page brings along, and
//! live events. Every further reader would read every type anew, and all of it would be a part of what the browser loads.

#[cfg(not(feature = "ssr"))]
mod browser;

#[cfg(not(feature = "ssr"))]
pub use self::browser::{Unread, read};
#[cfg(feature = "ssr")]
pub use serde_json::{Error as Unread, from_str as read};

use leptos::{
    prelude::{Resource as Fetched, SharedValue},
    server::codee::{Decoder, Encoder},
    server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType, codec::Post},
};
use serde::{Serialize, de::DeserializeOwned, de::Error};

/// The largest whole number that a browser reads exactly (`Number.MAX_SAFE_INTEGER`): what may be larger crosses as text.
pub const COUNTABLE: u64 = (1 << 53) - 1;

pub struct JsonText;

/// What a page fetches; it comes with the page when the server made that.
pub type Resource<T> = Fetched<T, JsonText>;

/// `fetch` of what `source` says, and again whenever that changes.
#[track_caller]
pub fn resource<S, T, F>(source: impl Fn() -> S + Send + Sync + 'static, fetch: impl Fn(S) -> F + Send + Sync + 'static) -> Resource<T>
where
    S: PartialEq + Clone + Send + Sync + 'static,
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = T> + Send + 'static,
{
    Fetched::new_with_options(source, fetch, false)
}

/// What `make` says on the server; the browser reads it from the page.
pub fn shared<T: Serialize + DeserializeOwned>(make: impl FnOnce() -> T) -> T {
    SharedValue::<T, JsonText>::new_with_encoding(make).into_inner()
}

/// For `#[server(input = Json)]`.
pub type Json = Post<JsonText>;

impl ContentType for JsonText {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for JsonText {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for JsonText {
    type Error = serde_json::Error;

    fn encode(output: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_string(output).map(Into::into)
    }
}

impl<T: DeserializeOwned> Decodes<T> for JsonText {
    type Error = Unread;

    fn decode(bytes: Bytes) -> Result<T, Unread> {
        read(std::str::from_utf8(&bytes).map_err(Error::custom)?)
    }
}

impl<T: Serialize> Encoder<T> for JsonText {
    type Error = serde_json::Error;
    type Encoded = String;

    fn encode(value: &T) -> Result<String, Self::Error> {
        serde_json::to_string(value)
    }
}

impl<T: DeserializeOwned> Decoder<T> for JsonText {
    type Error = Unread;
    type Encoded = str;

    fn decode(text: &str) -> Result<T, Unread> {
        read(text)
    }
}
