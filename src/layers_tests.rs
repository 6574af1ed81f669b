//! Who may know whom: reads the paths of every file and holds them to the tables below.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may know beside [`COMMON`]. An arrow that nothing uses is none: it fails as well.
const ARROWS: &[(&str, &[&str])] = &[
    ("actions", &["sessions", "store"]),
    ("additions", &["clock", "groups", "sessions", "store"]),
    (
        "api",
        &[
            "actions",
            "additions",
            "auth",
            "edge",
            "groups",
            "sessions",
            "store",
        ],
    ),
    (
        "app",
        &[
            "actions",
            "additions",
            "api",
            "auth",
            "config",
            "edge",
            "sessions",
            "store",
            "whatsapp",
        ],
    ),
    (
        "auth",
        &["config", "http_client", "outbound", "rates", "store"],
    ),
    ("clock", &["store"]),
    ("config", &["clock", "outbound", "store", "whatsapp"]),
    ("edge", &["config", "permits"]),
    ("groups", &["sessions", "store"]),
    ("http_client", &["outbound"]),
    ("outbound", &[]),
    ("permits", &[]),
    ("rates", &[]),
    (
        "sessions",
        &["clock", "permits", "rates", "store", "whatsapp"],
    ),
    ("store", &[]),
    // The device state that it is handed, and nothing else of the database.
    ("whatsapp", &["http_client", "outbound", "store"]),
];

/// The vocabulary, for everyone to know. Its words know each other and nobody else.
const COMMON: &[&str] = &["error", "group", "jid", "pace", "page", "words"];

/// Crates that belong to some modules alone.
const CRATES: &[(&str, &[&str])] = &[
    ("axum", &["api", "app", "edge"]),
    ("gateway_api", &["api", "app"]),
    ("sqlx", &["store"]),
    ("wacore", &["whatsapp"]),
    ("waproto", &["whatsapp"]),
    ("whatsapp_rust", &["whatsapp"]),
];

/// The files of a folder, those in folders below it too.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

/// Whether a file is built for tests alone.
fn is_test(path: &Path) -> bool {
    let parts = path.iter().filter_map(|part| part.to_str());
    let mut names = parts.map(|part| part.trim_end_matches(".rs"));
    names.any(|name| name.ends_with("tests") || ["fake", "testing"].contains(&name))
}

/// The code of a file without comments and without what is built for tests alone, which stands at the end of files.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a text");
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or(""));
    lines.collect::<Vec<_>>().join("\n")
}

/// The top-level module of a file below `src/`.
fn module(path: &Path) -> String {
    let first = path.iter().next().and_then(|part| part.to_str());
    first.unwrap_or_default().trim_end_matches(".rs").to_owned()
}

/// The words that follow `name` and `::` in the code, those in braces too: `crate::{a, b::c}` gives `a` and `b`.
fn after(code: &str, name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(&format!("{name}::")) {
        let longer = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        if longer {
            continue;
        }
        let rest = &code[at + name.len() + 2..];
        let mut depth = 0;
        let mut word = String::new();
        let mut begins = true;
        for c in rest.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                c if c.is_alphanumeric() || c == '_' => {
                    if begins {
                        word.push(c);
                    }
                    continue;
                }
                _ => {}
            }
            if !word.is_empty() {
                found.insert(std::mem::take(&mut word));
            }
            // A word begins at the first level of the braces, after each comma.
            begins =
                depth == 1 && matches!(c, '{' | ',') || depth == 1 && begins && c.is_whitespace();
            if depth <= 0 {
                break;
            }
        }
    }
    found
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file of `src/` that ships: its path below that, and its code.
fn shipped() -> Vec<(PathBuf, String)> {
    let root = source();
    let relative = |path: &Path| path.strip_prefix(&root).expect("below it").to_owned();
    files(&root)
        .iter()
        .map(|path| (relative(path), code(path)))
        .filter(|(path, _)| !is_test(path))
        .filter(|(path, _)| !["main", "cli", "lib"].contains(&module(path).as_str()))
        .collect()
}

#[test]
fn modules_know_whom_they_may() {
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    for (path, code) in shipped() {
        let from = module(&path);
        let allowed = ARROWS.iter().find(|(module, _)| *module == from);
        let allowed = allowed.map_or(&[][..], |(_, to)| to);
        for to in after(&code, "crate") {
            if to == from || COMMON.contains(&to.as_str()) {
                continue;
            }
            if !allowed.contains(&to.as_str()) {
                wrong.push(format!("{} knows {to}", path.display()));
            }
            used.insert((from.clone(), to));
        }
    }
    for (from, to) in ARROWS
        .iter()
        .flat_map(|(from, to)| to.iter().map(move |to| (from, to)))
    {
        if !used.contains(&((*from).to_owned(), (*to).to_owned())) {
            wrong.push(format!("{from} does not know {to}: take the arrow away"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn crates_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for (path, code) in shipped() {
        for (name, allowed) in CRATES {
            if !after(&code, name).is_empty() && !allowed.contains(&module(&path).as_str()) {
                wrong.push(format!("{} uses {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// On the current-thread runtime two tasks never overlap: what happens out of order is not seen there.
#[test]
fn async_tests_run_on_the_runtime_that_ships() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bare = ["#[tokio::", "test]"].concat();
    for folder in ["src", "standin", "contract-tests"] {
        for path in files(&root.join(folder)) {
            let text = fs::read_to_string(&path).expect("a text");
            assert!(!text.contains(&bare), "{}", path.display());
        }
    }
}

#[test]
fn paths_are_read() {
    let code =
        "use crate::{a, b::{c, d}, e};\nlet x = crate::f::g(h::crate::i);\nuse other_crate::j;";
    assert_eq!(
        after(code, "crate").into_iter().collect::<Vec<_>>(),
        ["a", "b", "e", "f"]
    );
}
