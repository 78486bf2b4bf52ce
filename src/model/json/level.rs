//! One level of the payload tree, for payloads that are too large to be sent whole: what a path leads to, and some of its children.

use super::{
    JsonError, Kind, decode, key_is,
    node::{Inside, Node, short_key},
    walk::{Event, walk},
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Children in one answer of the console.
pub const CHILDREN: usize = 100;

/// A container, or a scalar, with a page of what stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    pub node: Node,
    /// Place of the first of `children`.
    pub from: usize,
    pub children: Vec<Node>,
}

/// What stands at `path`, and at most `most` of its children from the `from`th on. `None`: the path leads nowhere. The whole text is
/// read each time: what is broken far behind is no JSON here either.
pub fn level(text: &str, path: &[usize], from: usize, most: usize) -> Result<Option<Level>, JsonError> {
    reach(text, path, from, most, true)
}

/// `top`: the payload itself, where `data` may hold JSON.
fn reach(text: &str, path: &[usize], from: usize, most: usize, top: bool) -> Result<Option<Level>, JsonError> {
    let page = from..from.saturating_add(most);
    let mut way = Way {
        text,
        path,
        page,
        top,
        open: 0,
        on_path: 0,
        next: 0,
        key: None,
        listing: false,
        found: None,
        children: Vec::new(),
        data: None,
    };
    walk(text, |event| {
        way.meet(event);
        true
    })?;
    let Way { found, children, data, .. } = way;
    let Some((at, key, inside)) = data else {
        return Ok(found.map(|node| Level { node, from, children }));
    };
    let mut level = reach(&inside.text, &path[1..], from, most, false)?;
    if let Some(level) = level.as_mut().filter(|_| path.len() == 1) {
        level.node = Node::opened(at, key, &inside);
    }
    Ok(level)
}

/// How far along its path a walk is.
struct Way<'a> {
    text: &'a str,
    path: &'a [usize],
    page: Range<usize>,
    top: bool,
    /// Containers that are open, and how many of them the path leads through: always the outermost ones.
    open: usize,
    on_path: usize,
    /// Place of the next child of the innermost container on the path.
    next: usize,
    key: Option<Range<usize>>,
    /// The child under way is on the page: what stands in it is counted.
    listing: bool,
    found: Option<Node>,
    children: Vec<Node>,
    /// The path leads into the JSON of a string: its place, its key, and that JSON.
    data: Option<(usize, Option<String>, Inside)>,
}

impl Way<'_> {
    fn meet(&mut self, event: Event) {
        match event {
            Event::Key { span } => self.key = Some(span),
            Event::Open { kind, .. } => {
                self.value(kind, None);
                self.open += 1;
            }
            Event::Scalar { kind, span } => self.value(kind, Some(span)),
            Event::Close { .. } => {
                if self.open == self.on_path {
                    self.leave();
                }
                self.open -= 1;
            }
        }
    }

    /// Whether the children that are met belong to what the path leads to.
    fn there(&self) -> bool {
        self.on_path > self.path.len()
    }

    /// The innermost container on the path ends.
    fn leave(&mut self) {
        if self.there()
            && let Some(found) = &mut self.found
        {
            found.children = self.next;
        }
        self.on_path -= 1;
        // Back among its siblings, behind it.
        self.next = self.on_path.checked_sub(1).map_or(1, |step| self.path[step] + 1);
    }

    /// A value begins; `scalar`: where its text stands.
    fn value(&mut self, kind: Kind, scalar: Option<Range<usize>>) {
        let span = self.key.take();
        if self.open != self.on_path {
            if self.listing
                && self.there()
                && self.open == self.on_path + 1
                && let Some(child) = self.children.last_mut()
            {
                child.children += 1;
            }
            return;
        }
        let at = self.next;
        self.next += 1;
        let wanted = if self.there() { self.page.contains(&at) } else { self.on_path == 0 || self.path[self.on_path - 1] == at };
        self.listing = wanted && self.there();
        if !wanted {
            return;
        }
        // What the path leads through needs no name.
        let key = if self.there() || self.on_path == self.path.len() { self.name(span.as_ref(), at) } else { None };
        match scalar {
            None if self.there() => self.children.push(Node::container(at, key, kind)),
            None => {
                if self.on_path == self.path.len() {
                    self.found = Some(Node::container(at, key, kind));
                }
                self.on_path += 1;
                self.next = 0;
            }
            Some(raw) => self.scalar(at, key, span, kind, raw),
        }
    }

    fn scalar(&mut self, at: usize, key: Option<String>, span: Option<Range<usize>>, kind: Kind, raw: Range<usize>) {
        let raw = &self.text[raw];
        let may_hold = self.top && self.on_path == 1 && kind == Kind::String && span.is_some_and(|s| key_is(self.text, &s, "data"));
        match may_hold.then(|| Inside::of(raw)).flatten() {
            Some(inside) if self.there() => self.children.push(Node::opened(at, key, &inside)),
            Some(inside) => self.data = Some((at, key, inside)),
            None if self.there() => self.children.push(Node::scalar(at, key, kind, raw)),
            None if self.on_path == self.path.len() => self.found = Some(Node::scalar(at, key, kind, raw)),
            None => {}
        }
    }

    fn name(&self, span: Option<&Range<usize>>, at: usize) -> Option<String> {
        match span {
            Some(span) => Some(short_key(decode(&self.text[span.clone()]).unwrap_or_default())),
            None => (self.on_path > 0).then(|| at.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json::tree::DECODED;

    fn at(text: &str, path: &[usize]) -> Level {
        level(text, path, 0, CHILDREN).expect("JSON").expect("a place")
    }

    /// Key, text or number of children.
    fn rows(level: &Level) -> Vec<(&str, String)> {
        let value = |n: &Node| if n.text.is_empty() { n.children.to_string() } else { n.text.clone() };
        level.children.iter().map(|n| (n.key.as_deref().unwrap_or_default(), value(n))).collect()
    }

    fn row(key: &str, value: impl ToString) -> (&str, String) {
        (key, value.to_string())
    }

    #[test]
    fn equal_keys_stand_apart_and_digits_stay() {
        let text = r#" {"n":9007199254740993123,"n":{"a":[1]},"n":[2,[3],{"b":4}],"":-0.10e2,"q\"é":"x\u00e9"} "#;
        let top = at(text, &[]);
        assert_eq!((top.node.kind, top.node.children, &top.node.key), (Kind::Object, 5, &None));
        let wanted = [row("n", "9007199254740993123"), row("n", 1), row("n", 3), row("", "-0.10e2"), row("q\"é", r#""x\u00e9""#)];
        assert_eq!(rows(&top), wanted);
        assert_eq!(top.children[0].note.as_deref(), Some("exact, 19 digits"));
        assert_eq!(rows(&at(text, &[1])), [row("a", 1)]);
        assert_eq!(rows(&at(text, &[1, 0])), [row("0", 1)]);
        assert_eq!(rows(&at(text, &[2])), [row("0", 2), row("1", 1), row("2", 1)]);
        assert_eq!(rows(&at(text, &[2, 2])), [row("b", 4)]);
        // A scalar has no children, and what is not there has no place.
        assert_eq!((at(text, &[0]).node.text.as_str(), at(text, &[2, 1, 0]).node.text.as_str()), ("9007199254740993123", "3"));
        for nowhere in [&[5][..], &[0, 0], &[2, 1, 1], &[1, 0, 0, 0]] {
            assert_eq!(level(text, nowhere, 0, CHILDREN), Ok(None), "{nowhere:?}");
        }
        assert_eq!(at("17", &[]).node.text, "17");
    }

    #[test]
    fn data_is_opened_where_the_small_tree_opens_it() {
        let text = r#"{"x":{"data":"{}"},"data":"{\"class\":\"A\",\"data\":\"[1]\",\"list\":[1,[]]}","data":"no JSON","data":"{\"a\":}"}"#;
        let top = at(text, &[]);
        assert_eq!(rows(&top), [row("x", 1), row("data", 3), row("data", "\"no JSON\""), row("data", r#""{\"a\":}""#)]);
        assert_eq!((top.children[1].kind, top.children[1].note.as_deref()), (Kind::Object, Some(DECODED)));
        let data = at(text, &[1]);
        assert_eq!(
            (data.node.at, data.node.key.as_deref(), data.node.children, data.node.note.as_deref()),
            (1, Some("data"), 3, Some(DECODED))
        );
        assert_eq!(rows(&data), [row("class", "\"A\""), row("data", "\"[1]\""), row("list", 2)]);
        assert_eq!(rows(&at(text, &[1, 2])), [row("0", 1), row("1", 0)]);
        assert_eq!(rows(&at(text, &[0])), [row("data", "\"{}\"")], "only at the top");
        assert_eq!(level(text, &[2, 0], 0, CHILDREN), Ok(None));
    }

    #[test]
    fn pages_and_a_thousand_levels() {
        let text = format!("[{}]", (0..250).map(|n| format!("[{n},{n}]")).collect::<Vec<_>>().join(","));
        let page = level(&text, &[], 200, 100).expect("JSON").expect("a place");
        assert_eq!((page.from, page.children.len(), page.node.children), (200, 50, 250));
        assert_eq!((page.children[0].at, page.children[0].key.as_deref(), page.children[0].children), (200, Some("200"), 2));
        assert!(level(&text, &[], usize::MAX, 100).expect("JSON").expect("a place").children.is_empty());

        let deep = format!("{}7{}", r#"{"a":0,"b":["#.repeat(1_000), "]}".repeat(1_000));
        let path: Vec<usize> = [1, 0].repeat(1_000);
        assert_eq!(at(&deep, &path).node.text, "7");
        assert_eq!(rows(&at(&deep, &path[..1_998])), [row("a", 0), row("b", 1)]);
        assert_eq!(rows(&at(&deep, &path[..1_999])), [row("0", 7)]);
    }

    #[test]
    fn what_is_long_is_cut_and_what_is_broken_is_named() {
        let text =
            format!(r#"{{"{}":"{}","s":"{}","n":{}}}"#, "k".repeat(500), r"\u00e9".repeat(1_000), "é".repeat(2_000), "7".repeat(3_000));
        let children = at(&text, &[]).children;
        assert_eq!(children.iter().map(|n| n.cut).collect::<Vec<_>>(), [Some(6_000), Some(2_000), Some(3_000)]);
        assert!(children.iter().all(|n| n.text.len() < 1_020 && n.key.as_deref().is_some_and(|k| k.len() < 220)));
        for (child, letter) in children.iter().zip(["é", "é"]) {
            let text = decode(&child.text).expect("a string as it was");
            assert_eq!(text.trim_start_matches(letter), "…");
        }
        let broken = |text: &str, path: &[usize]| level(text, path, 0, CHILDREN).map_err(|e| e.to_string());
        assert_eq!(broken(r#"{"a":[1],"b":1,}"#, &[0]), Err("not JSON at byte 15: a key is expected".into()));
        assert_eq!(broken("", &[]), Err("not JSON at byte 0: the text ends too early".into()));
    }
}
