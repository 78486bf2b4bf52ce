//! What was fetched of a large payload, kept flat: a thousand levels are as good as one.

use crate::{
    components::number::count,
    model::{
        error::ApiError,
        json::{Kind, Level, Node, TreeRow},
    },
};

/// A row of the page: a branch, or what is missing of its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// Of which grove: the next search begins another one, whose branches have the same numbers.
    grove: u32,
    branch: usize,
    pub more: bool,
}

struct Branch {
    parent: Option<usize>,
    /// Places from the parent on; of a root from the payload's root on.
    steps: Vec<usize>,
    row: TreeRow,
    /// The first children, as many as were fetched.
    children: Vec<usize>,
    open: bool,
    busy: bool,
}

/// One tree, or one for each value that a search found.
#[derive(Default)]
pub struct Grove {
    number: u32,
    branches: Vec<Branch>,
    roots: Vec<usize>,
    /// Why the last question was not answered.
    pub trouble: Option<ApiError>,
}

impl Grove {
    pub fn numbered(number: u32) -> Self {
        Self { number, ..Self::default() }
    }

    pub fn is_bare(&self) -> bool {
        self.branches.is_empty()
    }

    /// The payload itself, with its first children.
    pub fn begin(&mut self, answer: Result<Level, ApiError>) {
        match answer {
            Ok(level) if self.is_bare() => {
                self.plant(Vec::new(), level.node.clone());
                self.branches[0].open = true;
                self.grow(0, level);
            }
            Ok(_) => {}
            Err(error) => self.trouble = Some(error),
        }
    }

    pub fn plant(&mut self, path: Vec<usize>, node: Node) {
        let i = self.add(None, path, 0, node);
        self.roots.push(i);
    }

    fn add(&mut self, parent: Option<usize>, steps: Vec<usize>, depth: usize, node: Node) -> usize {
        let Node { key, kind, text, cut, children, note, .. } = node;
        let note = note.or_else(|| cut.map(|n| length(kind, n)));
        let row = TreeRow { depth, key, kind, text, children, descendants: children, note };
        self.branches.push(Branch { parent, steps, row, children: Vec::new(), open: false, busy: false });
        self.branches.len() - 1
    }

    fn grow(&mut self, under: usize, level: Level) {
        // An answer that came twice.
        if level.from != self.branches[under].children.len() {
            return;
        }
        let depth = self.branches[under].row.depth + 1;
        for node in level.children {
            let i = self.add(Some(under), vec![node.at], depth, node);
            self.branches[under].children.push(i);
        }
    }

    fn branch(&self, line: Line) -> Option<&Branch> {
        self.branches.get(line.branch).filter(|_| line.grove == self.number)
    }

    pub fn row(&self, line: Line) -> Option<TreeRow> {
        self.branch(line).map(|branch| branch.row.clone())
    }

    pub fn is_open(&self, line: Line) -> bool {
        self.branch(line).is_some_and(|branch| branch.open)
    }

    pub fn is_busy(&self, line: Line) -> bool {
        self.branch(line).is_some_and(|branch| branch.busy)
    }

    /// Children that are here, and how many are not.
    pub fn left(&self, line: Line) -> (usize, usize) {
        self.branch(line).map_or((0, 0), |branch| (branch.children.len(), branch.row.children.saturating_sub(branch.children.len())))
    }

    /// Whether its children are to be fetched now.
    pub fn flip(&mut self, line: Line) -> bool {
        if line.grove != self.number {
            return false;
        }
        let Some(branch) = self.branches.get_mut(line.branch) else { return false };
        branch.open = !branch.open;
        branch.open && branch.children.is_empty() && branch.row.children > 0
    }

    /// Path and place of the children to ask for; `None`: they are asked for already.
    pub fn ask(&mut self, line: Line) -> Option<(Vec<usize>, usize)> {
        let from = self.branch(line).filter(|branch| !branch.busy)?.children.len();
        self.branches[line.branch].busy = true;
        Some((self.path(line.branch), from))
    }

    fn path(&self, mut at: usize) -> Vec<usize> {
        let mut parts = vec![&self.branches[at].steps];
        while let Some(parent) = self.branches[at].parent {
            at = parent;
            parts.push(&self.branches[at].steps);
        }
        parts.into_iter().rev().flatten().copied().collect()
    }

    pub fn answered(&mut self, line: Line, answer: Result<Level, ApiError>) {
        if self.branch(line).is_none() {
            return;
        }
        self.branches[line.branch].busy = false;
        self.trouble = None;
        match answer {
            Ok(level) => self.grow(line.branch, level),
            Err(error) => self.trouble = Some(error),
        }
    }

    /// From top to bottom, without what is closed.
    pub fn lines(&self) -> Vec<Line> {
        let line = |branch: &usize| Line { grove: self.number, branch: *branch, more: false };
        let mut todo: Vec<Line> = self.roots.iter().rev().map(line).collect();
        let mut lines = Vec::new();
        while let Some(next) = todo.pop() {
            lines.push(next);
            let branch = &self.branches[next.branch];
            if next.more || !branch.open {
                continue;
            }
            if branch.children.len() < branch.row.children {
                todo.push(Line { more: true, ..next });
            }
            todo.extend(branch.children.iter().rev().map(line));
        }
        lines
    }
}

/// Of a text of which only a part came.
fn length(kind: Kind, n: usize) -> String {
    let kind = if kind == Kind::String { "string" } else { "number" };
    format!("{kind}, {}, cut here", count(n as u64, "character", "characters"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json::{find, level};

    const TEXT: &str = r#"{"a":[1,[2,[3]],4],"b":"x","data":"{\"c\":{\"d\":\"needle\"}}"}"#;

    /// What stands on the page: depth, key or `…`, text.
    fn page(grove: &Grove) -> Vec<String> {
        let say = |line: &Line| {
            let row = grove.row(*line).expect("a branch");
            let key = if line.more { "…".to_owned() } else { row.key.unwrap_or_default() };
            format!("{} {key} {}", row.depth, if line.more { "" } else { &row.text }).trim().to_owned()
        };
        grove.lines().iter().map(say).collect()
    }

    fn fetched(grove: &mut Grove, at: usize, most: usize) {
        let line = grove.lines()[at];
        let (path, from) = grove.ask(line).expect("not asked yet");
        assert!(grove.ask(line).is_none(), "once at a time");
        grove.answered(line, Ok(level(TEXT, &path, from, most).expect("JSON").expect("a place")));
    }

    #[test]
    fn rows_come_where_they_are_opened_and_stay() {
        let mut grove = Grove::default();
        grove.begin(Ok(level(TEXT, &[], 0, 2).expect("JSON").expect("a place")));
        assert_eq!(page(&grove), ["0", "1 a", "1 b \"x\"", "0 …"]);
        fetched(&mut grove, 3, 2);
        assert_eq!(page(&grove), ["0", "1 a", "1 b \"x\"", "1 data"]);
        let a = grove.lines()[1];
        assert!(grove.flip(a));
        fetched(&mut grove, 1, 2);
        assert_eq!(page(&grove), ["0", "1 a", "2 0 1", "2 1", "1 …", "1 b \"x\"", "1 data"]);
        let inner = grove.lines()[3];
        assert!(grove.flip(inner));
        fetched(&mut grove, 3, 100);
        assert_eq!(page(&grove)[3..6], ["2 1", "3 0 2", "3 1"]);
        assert!(!grove.flip(a), "closed");
        assert_eq!(page(&grove), ["0", "1 a", "1 b \"x\"", "1 data"]);
        assert!(!grove.flip(a), "what is here is not fetched again");
        assert_eq!(page(&grove).len(), 9);
    }

    #[test]
    fn a_question_without_an_answer_leaves_what_is_shown() {
        let mut grove = Grove::default();
        grove.begin(Ok(level(TEXT, &[], 0, 100).expect("JSON").expect("a place")));
        let a = grove.lines()[1];
        assert!(grove.flip(a) && grove.ask(a).is_some());
        grove.answered(a, Err(ApiError::NotFound { detail: "gone".into() }));
        assert!(grove.trouble.is_some());
        assert_eq!(page(&grove), ["0", "1 a", "1 …", "1 b \"x\"", "1 data"]);
        fetched(&mut grove, 2, 100);
        assert!(grove.trouble.is_none());
        assert_eq!(page(&grove)[..4], ["0", "1 a", "2 0 1", "2 1"]);
    }

    #[test]
    fn what_a_search_found_opens_in_its_place() {
        let mut hits = Grove::numbered(7);
        let found = find(TEXT, "C", 50).expect("JSON");
        found.hits.into_iter().for_each(|hit| hits.plant(hit.path, hit.node));
        assert_eq!(page(&hits), ["0 data.c"]);
        let c = hits.lines()[0];
        assert!(hits.flip(c));
        fetched(&mut hits, 0, 100);
        assert_eq!(page(&hits), ["0 data.c", "1 d \"needle\""]);
        // Answers to a search before belong to no row of this one.
        let mut next = Grove::numbered(8);
        next.answered(c, Err(ApiError::NotFound { detail: "gone".into() }));
        assert!(next.trouble.is_none() && next.row(c).is_none());
    }
}
