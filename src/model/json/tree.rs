//! Rows of the payload tree.

use super::{
    JsonError, Kind, decode,
    walk::{Event, walk},
};

pub(super) const DECODED: &str = "decoded from a JSON string";

/// What is said of a whole number that JavaScript may round.
pub(super) fn exact(kind: Kind, raw: &str) -> Option<String> {
    let digits = raw.bytes().filter(u8::is_ascii_digit).count();
    (kind == Kind::Number && digits > 15 && !raw.contains(['.', 'e', 'E'])).then(|| format!("exact, {digits} digits"))
}

/// One line of the payload tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeRow {
    pub depth: usize,
    /// Object key, decoded; index in an array; `None` at the root.
    pub key: Option<String>,
    pub kind: Kind,
    /// Raw text of a scalar (numbers digit by digit), empty for containers.
    pub text: String,
    /// Direct children of a container.
    pub children: usize,
    /// Rows that follow and belong to it.
    pub descendants: usize,
    /// `decoded from a JSON string`, `exact, 19 digits`.
    pub note: Option<String>,
}

/// Rows of the payload tree, at most `limit`; whether more follow. The string field `data` at depth 1 is opened when it holds JSON.
pub fn tree(text: &str, limit: usize) -> Result<(Vec<TreeRow>, bool), JsonError> {
    let mut rows = Vec::new();
    let more = grow(text, 0, None, limit, &mut rows)?;
    Ok((rows, more))
}

fn grow(text: &str, base: usize, root_key: Option<String>, limit: usize, rows: &mut Vec<TreeRow>) -> Result<bool, JsonError> {
    // Path of (row of the container, children so far).
    let mut path: Vec<usize> = Vec::new();
    let mut key: Option<String> = root_key;
    let mut more = false;
    let first = rows.len();
    walk(text, |event| {
        if rows.len() >= limit {
            more = true;
            return false;
        }
        let index_key = |rows: &mut Vec<TreeRow>, path: &[usize], key: &mut Option<String>| {
            let Some(parent) = path.last() else { return key.take() };
            rows[*parent].children += 1;
            if rows[*parent].kind == Kind::Array { Some((rows[*parent].children - 1).to_string()) } else { key.take() }
        };
        match event {
            Event::Key { span } => key = decode(&text[span]),
            Event::Open { kind, .. } => {
                let key = index_key(rows, &path, &mut key);
                rows.push(TreeRow { depth: base + path.len(), key, kind, text: String::new(), children: 0, descendants: 0, note: None });
                path.push(rows.len() - 1);
            }
            Event::Close { .. } => {
                if let Some(row) = path.pop() {
                    rows[row].descendants = rows.len() - 1 - row;
                }
            }
            Event::Scalar { kind, span } => {
                let key = index_key(rows, &path, &mut key);
                let raw = &text[span];
                let depth = base + path.len();
                if kind == Kind::String && depth == 1 && key.as_deref() == Some("data") {
                    let mut nested = Vec::new();
                    if let Some(Ok(cut)) = decode(raw)
                        .filter(|t| t.trim_start().starts_with(['{', '[']))
                        .map(|t| grow(&t, depth, key.clone(), limit - rows.len(), &mut nested))
                    {
                        more |= cut;
                        if let Some(top) = nested.first_mut() {
                            top.note = Some(DECODED.into());
                        }
                        // `grow` counted rows from 0: descendants are relative, so they stay true.
                        rows.append(&mut nested);
                        return true;
                    }
                }
                rows.push(TreeRow { depth, key, kind, text: raw.into(), children: 0, descendants: 0, note: exact(kind, raw) });
            }
        }
        true
    })?;
    // Containers cut by the limit never closed.
    for row in path {
        rows[row].descendants = rows.len() - 1 - row;
    }
    debug_assert!(rows.len() >= first);
    Ok(more)
}
