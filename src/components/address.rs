//! What the address bar says. The router would decode names and values twice (`%2541` would become `A`), so both are read
//! from the raw URL here, once.

use crate::model::ids::{QueueName, of_segment};
use leptos::{
    prelude::*,
    wasm_bindgen::{JsCast, prelude::Closure},
};
use leptos_router::{hooks::use_url, location::Url};
use percent_encoding::percent_decode_str;

/// The router's own URL. Inside a route `use_url` would miss a step from one queue to another.
#[derive(Clone, Copy)]
struct Address(ReadSignal<Url>);

/// Raw path and query string of the page before this one, in this tab and since it was loaded.
#[derive(Clone, Copy)]
struct Before(StoredValue<Option<(String, String)>>);

/// Called once, inside the router and outside of its routes.
pub fn provide_address() {
    let url = use_url();
    let before = StoredValue::new(None);
    provide_context(Address(url));
    provide_context(Before(before));
    Effect::new(|_| keep_odd_names());
    Effect::new(move |last: Option<(String, String)>| {
        let now = url.with(|u| (u.path().to_owned(), u.search().to_owned()));
        // Another view or filter of one page is no other page.
        if let Some(last) = last.filter(|last| last.0 != now.0) {
            before.set_value(Some(last));
        }
        now
    });
}

/// Asked when it is needed: the list of the queue as it was left, where that was the page before.
pub fn use_list_before(queue: QueueName) -> impl Fn() -> Option<String> + Send + Sync + 'static {
    let Before(before) = expect_context();
    move || before.get_value().and_then(|(path, search)| list_of(&queue, &path, &search))
}

fn list_of(queue: &QueueName, path: &str, search: &str) -> Option<String> {
    let lists = page_of(path) == ("queues".to_owned(), 2) && segment(path, 1).is_some_and(|name| name == queue.as_str());
    lists.then(|| whole(&queue.href(), search))
}

/// The router keeps a query string without its question mark.
fn whole(path: &str, search: &str) -> String {
    let search = search.trim_start_matches('?');
    if search.is_empty() { path.to_owned() } else { format!("{path}?{search}") }
}

/// On a click the router writes a decoded path into the history, where `%2541` (the name `%41`) would become `%41` (`A`), and a space
/// at its end would be lost. Links with such names are left to the browser: the page loads anew and the address stays exact.
fn keep_odd_names() {
    let listener = Closure::<dyn Fn(web_sys::Event)>::new(|event: web_sys::Event| {
        let target = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        let link = target.and_then(|el| el.closest("a[href]").ok().flatten());
        if let Some(link) = link.filter(|link| link.get_attribute("href").is_some_and(|href| href.starts_with('/') && is_odd(&href))) {
            let _ = link.set_attribute("rel", "external");
        }
    });
    // Before the router's own listener, and for as long as the page lives.
    let _ = document().add_event_listener_with_callback_and_bool("click", listener.as_ref().unchecked_ref(), true);
    listener.forget();
}

/// Whether an address names something else once its path was decoded: browsers take tabs and line ends out of an address and blanks off
/// its end, and read a backslash as a slash.
fn is_odd(href: &str) -> bool {
    let path = href.split(['?', '#']).next().unwrap_or_default();
    let escapes = path.match_indices('%').filter_map(|(at, _)| Some((at, u8::from_str_radix(path.get(at + 1..at + 3)?, 16).ok()?)));
    escapes.into_iter().any(|(at, byte)| {
        matches!(byte, b'%' | b'\\' | b'\t' | b'\n' | b'\r') || (byte <= b' ' && at + 3 == href.trim_end_matches('?').len())
    })
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|s| !s.is_empty())
}

/// The `n`th segment of a raw path, decoded: of `/queues/mail:5` number 1 is `mail:5`.
pub fn segment(path: &str, n: usize) -> Option<String> {
    segments(path).nth(n).map(|part| of_segment(decode(part)))
}

/// One value of a raw query string.
pub fn value(search: &str, key: &str) -> Option<String> {
    let found = search.trim_start_matches('?').split('&').find_map(|pair| {
        let (k, v) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(k) == key).then_some(v)
    })?;
    Some(decode(&found.replace('+', " ")))
}

/// Which page a path belongs to: its first segment and how many there are.
fn page_of(path: &str) -> (String, usize) {
    (segments(path).next().unwrap_or_default().to_owned(), segments(path).count())
}

/// Reads the URL while it is this page's: on the way to another page the last value stays.
fn use_address<T: Clone + PartialEq + Send + Sync + 'static>(read: impl Fn(&Url) -> T + Send + Sync + 'static) -> Memo<T> {
    let Address(url) = expect_context();
    let page = url.with_untracked(|u| page_of(u.path()));
    Memo::new(move |last: Option<&T>| {
        url.with(|u| match last {
            Some(last) if page_of(u.path()) != page => last.clone(),
            _ => read(u),
        })
    })
}

/// The decoded segment `n` of the current path.
pub fn use_segment(n: usize) -> Memo<Option<String>> {
    use_address(move |u| segment(u.path(), n))
}

/// The queue that `/queues/{queue}/…` names.
pub fn use_queue() -> Memo<Option<QueueName>> {
    use_address(|u| segment(u.path(), 1).and_then(|name| QueueName::try_from(name).ok()))
}

/// One value of the query string.
pub fn use_value(key: &'static str) -> Memo<Option<String>> {
    use_address(move |u| value(u.search(), key))
}

/// Reads the query string with one of the `read` functions of `model::query`.
pub fn use_search<T: Clone + PartialEq + Send + Sync + 'static>(
    read: impl Fn(&dyn Fn(&str) -> Option<String>) -> T + Send + Sync + 'static,
) -> Memo<T> {
    use_address(move |u| read(&|key| value(u.search(), key)))
}

/// For a page whose code did not come: the browser loads it whole, and says itself if nobody answers.
pub async fn load_anew() -> AnyView {
    let Address(url) = expect_context();
    let _ = url.with_untracked(|u| location().set_href(&whole(u.path(), u.search())));
    std::future::pending().await
}

/// A raw query string with one value set, the others as they are: `?a=1&window=1h`.
pub fn with_value(search: &str, key: &str, to: &str) -> String {
    let others = search.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(key));
    let all: Vec<String> = others.map(str::to_owned).chain([format!("{key}={to}")]).collect();
    format!("?{}", all.join("&"))
}

/// The raw query string wherever it leads.
pub fn use_raw_search() -> Memo<String> {
    let Address(url) = expect_context();
    Memo::new(move |_| url.with(|u| u.search().to_owned()))
}

/// The raw path wherever it leads, for what stands outside of the pages.
pub fn use_path() -> Memo<String> {
    let Address(url) = expect_context();
    Memo::new(move |_| url.with(|u| u.path().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_whose_name_would_not_survive_is_left_to_the_browser() {
        use crate::model::ids::segment;
        for name in ["%41", "100%", "mail ", " ", "a\\b", "a\tb", "a\nb", "\r", "end\0"] {
            assert!(is_odd(&format!("/queues/{}", segment(name))), "{name:?}");
        }
        for name in ["mail", "mail:5", " mail", "a b", "a/b", "q?x=1#y", "a\0b", "\u{200b}", "очередь", "🚀"] {
            assert!(!is_odd(&format!("/queues/{}", segment(name))), "{name:?}");
        }
        assert!(is_odd("/queues/mail%20?"));
        assert!(!is_odd("/queues/mail%20?page=2") && !is_odd("/queues/mail%20/jobs/x") && !is_odd("/search?q=%25"));
    }

    #[test]
    fn names_are_decoded_once() {
        assert_eq!(segment("/queues/a%2Fb%20%2541%25:5/jobs/x", 1).as_deref(), Some("a/b %41%:5"));
        assert_eq!(segment("/queues/~../jobs/~.", 1).as_deref(), Some(".."));
        assert_eq!(segment("/queues/~../jobs/~.", 3).as_deref(), Some("."));
        assert_eq!(segment("/queues/", 1), None);
        assert_eq!(value("q=a%2541+b&page=2", "q").as_deref(), Some("a%41 b"));
        assert_eq!(value("?page=2", "page").as_deref(), Some("2"));
        assert_eq!(value("page=2", "q"), None);
        assert_eq!(with_value("state=failed&window=1h&page=2", "window", "24h"), "?state=failed&page=2&window=24h");
        assert_eq!(with_value("", "window", "1h"), "?window=1h");
        assert_ne!(page_of("/queues"), page_of("/queues/orders"));
        let queue = QueueName::try_from("mail:5").expect("a name");
        let list = |path, search| list_of(&queue, path, search);
        assert_eq!(list("/queues/mail:5", "state=failed&page=2").as_deref(), Some(&*format!("{}?state=failed&page=2", queue.href())));
        assert_eq!(list("/queues/mail%3A5", "").as_deref(), Some(&*queue.href()));
        for other in ["/queues", "/queues/mail", "/queues/mail:5/jobs/a", "/search"] {
            assert_eq!(list(other, "page=2"), None, "{other}");
        }
    }
}
