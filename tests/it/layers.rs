//! Who may import whom (ARCHITECTURE.md): a forbidden arrow fails here, with its file.

use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::Visit;

/// Folder or file under src, and what it may name of the crate. Only the bodies of server functions in `api` reach the server.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &["model"]),
    ("components", &["components", "model", "live", "api"]),
    ("live", &["live", "model", "api", "components", "app::AssetRoot"]),
    ("pages", &["pages", "components", "api", "live", "model", "app"]),
    ("api", &["api", "model", "server::actions"]),
    ("server/clock", &["model"]),
    ("server/digest", &[]),
    ("server/driver", &["server::digest", "server::driver", "server::error", "server::reading", "model"]),
    ("server/archive", &["server::archive", "server::clock", "server::digest", "server::reading", "model"]),
    ("server/notify", &["server::notify", "model"]),
    ("server/reading", &["model"]),
    ("server/schedule", &["server::schedule", "server::driver", "server::reading", "model"]),
    (
        "server/tasks",
        &[
            "server::driver",
            "server::search",
            "server::tasks",
            "server::archive",
            "server::notify",
            "server::reading",
            "server::schedule",
            "server::actions",
            "server::snapshot",
            "server::recent_pages",
            "server::inbox",
            "server::nodes",
            "server::doctor",
            "server::state",
            "server::config",
            "server::error",
            "server::ledger",
            "model",
        ],
    ),
    ("server/ledger", &["server::ledger", "model"]),
    ("server/nodes", &["server::nodes", "model"]),
    ("server/doctor", &["server::doctor", "server::driver", "server::state", "server::snapshot", "server::error", "model"]),
    ("server/recent_pages", &["model"]),
    ("server/inbox", &["server::digest", "server::driver", "server::error", "model"]),
    (
        "server/actions",
        &[
            "server::actions",
            "server::archive",
            "server::clock",
            "server::digest",
            "server::notify",
            "server::recent_pages",
            "server::inbox",
            "server::schedule",
            "server::driver",
            "server::search",
            "server::doctor",
            "server::tasks",
            "server::snapshot",
            "server::state",
            "server::error",
            "model",
        ],
    ),
    (
        "server/search",
        &["server::search", "server::archive", "server::driver", "server::snapshot", "server::state", "server::error", "model"],
    ),
    ("server/snapshot", &["server::snapshot", "model"]),
    (
        "server/rest",
        &[
            "server::rest",
            "server::actions",
            "server::search::export",
            "server::state",
            "server::http",
            "server::error",
            "server::snapshot",
            "model",
        ],
    ),
    (
        "server/sse",
        &["server::sse", "server::rest", "server::actions", "server::state", "server::snapshot", "server::auth", "server::http", "model"],
    ),
    ("server/demo", &["server::demo", "server::schedule", "server::archive", "server::config", "server::http", "server::actions", "model"]),
];

fn files(at: &Path) -> Vec<PathBuf> {
    if at.is_file() {
        return if at.extension().is_some_and(|e| e == "rs") { vec![at.to_owned()] } else { Vec::new() };
    }
    fs::read_dir(at).map(|entries| entries.flatten().flat_map(|e| files(&e.path())).collect()).unwrap_or_default()
}

/// Paths that begin with `crate`, written out; `super` is resolved against the module's own place.
struct Arrows {
    module: Vec<String>,
    found: Vec<String>,
}

impl Arrows {
    fn note(&mut self, path: &[String]) {
        let absolute = match path.first().map(String::as_str) {
            Some("crate") => path[1..].to_vec(),
            Some("super") => {
                let up = path.iter().take_while(|s| *s == "super").count();
                let keep = self.module.len().saturating_sub(up);
                self.module[..keep].iter().chain(&path[up..]).cloned().collect()
            }
            _ => return,
        };
        self.found.push(absolute.join("::"));
    }

    fn tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| before.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
        match tree {
            syn::UseTree::Path(p) => self.tree(&with(&p.ident), &p.tree),
            syn::UseTree::Name(n) => self.note(&with(&n.ident)),
            syn::UseTree::Rename(r) => self.note(&with(&r.ident)),
            syn::UseTree::Glob(_) => self.note(before),
            syn::UseTree::Group(g) => g.items.iter().for_each(|t| self.tree(before, t)),
        }
    }
}

impl<'a> Visit<'a> for Arrows {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        self.note(&path.segments.iter().map(|s| s.ident.to_string()).collect::<Vec<_>>());
        syn::visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        // A module in a file stands one step deeper: `super` there is the file itself. Tests may use what they like.
        if item.ident != "tests" {
            self.module.push(item.ident.to_string());
            syn::visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }
}

#[test]
fn no_forbidden_arrow() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut arrows = Vec::new();
    for (layer, allowed) in ALLOWED {
        let folder = src.join(layer);
        let all: Vec<PathBuf> = [folder.clone(), folder.with_extension("rs")].iter().flat_map(|p| files(p)).collect();
        assert!(!all.is_empty(), "src/{layer} is not there: is this table still true?");
        for file in all {
            let parsed = syn::parse_file(&fs::read_to_string(&file).expect("a readable file")).expect("Rust");
            let place = file.strip_prefix(&src).expect("under src").with_extension("");
            let module = place.iter().map(|s| s.to_string_lossy().into_owned()).filter(|s| s != "mod").collect();
            let mut found = Arrows { module, found: Vec::new() };
            found.visit_file(&parsed);
            for to in found.found {
                if !allowed.iter().any(|a| to == *a || to.strip_prefix(a).is_some_and(|rest| rest.starts_with("::"))) {
                    arrows.push(format!("{} -> {to}", place.display()));
                }
            }
        }
    }
    assert!(arrows.is_empty(), "forbidden imports:\n{}", arrows.join("\n"));
}
