//! Search in a payload that is too large to be sent whole.

use super::{
    JsonError, Kind, decode, key_is,
    node::{Inside, Node, characters, short_key},
    walk::{Event, walk},
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Bytes of a long text that are shown before and behind what was found in it.
const BEFORE: usize = 40;
const BEHIND: usize = 80;
/// Bytes of the way to a value: its end says most.
const WAY: usize = 200;

/// A value whose key or text holds what was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Places from the root on.
    pub path: Vec<usize>,
    /// Its `key` is the way to it, `data.items[3].id`; of a long text it has the part that was found.
    pub node: Node,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hits {
    /// In the order of the payload.
    pub hits: Vec<Hit>,
    /// More would match.
    pub more: bool,
}

/// The first `most` values whose key or text holds `needle`, in any case. Numbers of items are no keys.
pub fn find(text: &str, needle: &str, most: usize) -> Result<Hits, JsonError> {
    let mut search = Search { needle: needle.trim().to_lowercase(), most, found: Hits::default() };
    search.read(text, None)?;
    Ok(search.found)
}

struct Search {
    /// In lower case.
    needle: String,
    most: usize,
    found: Hits,
}

/// A container that is open.
struct Open {
    kind: Kind,
    /// Children that were met; the last of them is under way.
    met: usize,
    /// Its key, in an object.
    key: Range<usize>,
    /// Which hit the container itself is.
    hit: Option<usize>,
}

/// Where a walk is.
struct Here<'a> {
    text: &'a str,
    /// The place of the string that holds the text, and its name.
    base: Option<(usize, &'a str)>,
    open: &'a [Open],
}

impl Here<'_> {
    fn at(&self) -> usize {
        self.open.last().map_or(0, |open| open.met - 1)
    }

    fn key(&self) -> Option<String> {
        let open = self.open.last().filter(|open| open.kind == Kind::Object)?;
        decode(&self.text[open.key.clone()])
    }

    fn path(&self) -> Vec<usize> {
        self.base.iter().map(|base| base.0).chain(self.open.iter().map(|open| open.met - 1)).collect()
    }

    /// `None` at the root.
    fn way(&self) -> Option<String> {
        let mut way = self.base.map_or_else(String::new, |base| base.1.to_owned());
        for open in self.open {
            if open.kind == Kind::Array {
                way.push_str(&format!("[{}]", open.met - 1));
                continue;
            }
            if !way.is_empty() {
                way.push('.');
            }
            way.push_str(&short_key(decode(&self.text[open.key.clone()]).unwrap_or_default()));
        }
        if way.len() > WAY {
            way = format!("…{}", &way[way.floor_char_boundary(way.len() - WAY)..]);
        }
        (!self.open.is_empty() || self.base.is_some()).then_some(way)
    }
}

impl Search {
    fn read(&mut self, text: &str, base: Option<(usize, &str)>) -> Result<(), JsonError> {
        let mut open: Vec<Open> = Vec::new();
        let mut key = None;
        walk(text, |event| {
            match event {
                Event::Key { span } => key = Some(span),
                Event::Close { .. } => {
                    if let Some(Open { met, hit: Some(hit), .. }) = open.pop() {
                        self.found.hits[hit].node.children = met;
                    }
                }
                Event::Open { kind, .. } => {
                    step(&mut open, key.take());
                    let hit = self.container(&Here { text, base, open: &open }, kind);
                    open.push(Open { kind, met: 0, key: 0..0, hit });
                }
                Event::Scalar { kind, span } => {
                    step(&mut open, key.take());
                    self.scalar(&Here { text, base, open: &open }, kind, &text[span]);
                }
            }
            // To the end, also when enough was found: the containers among it are still counted.
            true
        })
    }

    fn holds(&self, text: &str) -> bool {
        text.to_lowercase().contains(&self.needle)
    }

    fn named(&self, here: &Here) -> bool {
        !self.found.more && here.key().is_some_and(|key| self.holds(&key))
    }

    fn container(&mut self, here: &Here, kind: Kind) -> Option<usize> {
        if !self.named(here) {
            return None;
        }
        self.add(here, Node::container(here.at(), here.way(), kind))
    }

    fn scalar(&mut self, here: &Here, kind: Kind, raw: &str) {
        let is_data = here.base.is_none()
            && kind == Kind::String
            && matches!(here.open, [open] if open.kind == Kind::Object && key_is(here.text, &open.key, "data"));
        if let Some(inside) = is_data.then(|| Inside::of(raw)).flatten() {
            if self.named(here) {
                self.add(here, Node::opened(here.at(), here.way(), &inside));
            }
            // It was read to its end just before.
            let _ = self.read(&inside.text, Some((here.at(), "data")));
            return;
        }
        if self.found.more {
            return;
        }
        let part = if self.holds(raw) {
            self.part(kind, raw)
        } else if let Some(text) = written(kind, raw).filter(|text| self.holds(text)) {
            self.part(kind, &text)
        } else if self.named(here) {
            None
        } else {
            return;
        };
        let node = Node::scalar(here.at(), here.way(), kind, raw);
        let node = match part {
            Some(text) => Node { text, cut: Some(characters(kind, raw)), note: None, ..node },
            None => node,
        };
        self.add(here, node);
    }

    /// What stands around the find, when a row has no place for the whole text.
    fn part(&self, kind: Kind, text: &str) -> Option<String> {
        let lower = text.to_lowercase();
        // In letters that change their length the place is another one: then the beginning is shown.
        let at = lower.find(&self.needle).filter(|_| text.len() > BEFORE + BEHIND && lower.len() == text.len())?;
        let from = text.floor_char_boundary(at.saturating_sub(BEFORE));
        let to = text.floor_char_boundary((at + self.needle.len() + BEHIND).min(text.len()));
        if from == 0 && to == text.len() {
            return None;
        }
        let quote = if kind == Kind::String { "\"" } else { "" };
        let before = if from == 0 { String::new() } else { format!("{quote}…") };
        let behind = if to == text.len() { String::new() } else { format!("…{quote}") };
        Some(format!("{before}{}{behind}", &text[from..to]))
    }

    fn add(&mut self, here: &Here, node: Node) -> Option<usize> {
        if self.found.hits.len() == self.most {
            self.found.more = true;
            return None;
        }
        self.found.hits.push(Hit { path: here.path(), node });
        Some(self.found.hits.len() - 1)
    }
}

/// The next child of the innermost container.
fn step(open: &mut [Open], key: Option<Range<usize>>) {
    if let Some(open) = open.last_mut() {
        open.met += 1;
        open.key = key.unwrap_or(0..0);
    }
}

/// A string as it reads, when it is written with escapes.
fn written(kind: Kind, raw: &str) -> Option<String> {
    (kind == Kind::String && raw.contains('\\')).then(|| decode(raw)).flatten().map(|text| format!("\"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json::level;

    const TEXT: &str = r#"{"id":"a","data":"{\"Name\":\"x\",\"list\":[{\"name\":9007199254740993123},\"say \\\"NAME\\\"\"]}","data":"name","names":[1,[2]]}"#;

    #[test]
    fn keys_and_texts_are_found_in_their_places() {
        let found = find(TEXT, " name ", 50).expect("JSON");
        assert!(!found.more);
        let told: Vec<_> =
            found.hits.iter().map(|h| (h.node.key.as_deref().unwrap_or_default(), h.node.text.as_str(), h.node.children)).collect();
        let wanted = [
            ("data.Name", "\"x\"", 0),
            ("data.list[0].name", "9007199254740993123", 0),
            ("data.list[1]", r#""say \"NAME\"""#, 0),
            ("data", "\"name\"", 0),
            ("names", "", 2),
        ];
        assert_eq!(told, wanted);
        // Each path leads to what was found.
        for hit in found.hits {
            let there = level(TEXT, &hit.path, 0, 1).expect("JSON").expect("a place").node;
            assert_eq!(
                (there.at, there.kind, &there.text, there.children),
                (hit.node.at, hit.node.kind, &hit.node.text, hit.node.children)
            );
        }
        assert_eq!(find(TEXT, "9007199254740993123", 50).expect("JSON").hits.len(), 1);
        assert_eq!(find(TEXT, "elsewhere", 50).expect("JSON"), Hits::default());
    }

    #[test]
    fn escapes_are_read_and_long_texts_show_the_find() {
        let text = format!(r#"{{"a":"caf\u00e9","b":"{0}needle{0}","c":"needle{0}"}}"#, "é".repeat(100_000));
        assert_eq!(find(&text, "CAFÉ", 50).expect("JSON").hits.len(), 1);
        let found = find(&text, "needle", 50).expect("JSON").hits;
        let b = &found[0].node;
        assert!(b.text.len() < 200 && b.text.contains("éneedleé"), "{}", b.text);
        assert_eq!((b.cut, b.text.starts_with("\"…é"), b.text.ends_with("é…\"")), (Some(200_006), true, true));
        assert!(found[1].node.text.starts_with("\"needleé"));
    }

    #[test]
    fn it_stops_and_says_so() {
        let text = format!("[{}]", vec![r#"{"key":[1,2,3]}"#; 60].join(","));
        let found = find(&text, "key", 50).expect("JSON");
        assert!(found.more && found.hits.len() == 50);
        assert!(found.hits.iter().all(|h| h.node.children == 3), "also of those that end behind the last");
        assert!(!find(&text, "key", 60).expect("JSON").more);
        let deep = format!("{}\"needle\"{}", "[".repeat(1_000), "]".repeat(1_000));
        let hit = &find(&deep, "needle", 50).expect("JSON").hits[0];
        assert!(hit.path == [0; 1_000] && hit.node.key.as_deref().is_some_and(|k| k.starts_with('…') && k.ends_with("[0][0]")));
        assert!(find("[\"needle\", nope]", "needle", 50).is_err());
    }
}
