//! No files of a crate use each other in a circle: each can be read, and changed, with those below it alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;

use crate::source::{Crate, Source, root};

/// Who has code of more than a file.
fn crates() -> Vec<String> {
    let functions = fs::read_dir(root().join("functions")).unwrap().map(|entry| entry.unwrap().file_name());
    let functions = functions.map(|name| format!("functions/{}", name.to_str().unwrap()));
    let others = ["shared", "infra/emulators", "infra/sandbox", "infra/standins", "infra/testkit"];
    functions.chain(others.map(str::to_owned)).filter(|folder| root().join(folder).join("src/lib.rs").exists()).collect()
}

/// The shortest circle through a file, which is named first and last; nothing if there is none.
fn circle<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>, file: &'a str) -> Option<Vec<&'a str>> {
    let mut ways = VecDeque::from([vec![file]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in uses.get(way.last()?)? {
            let longer = [&way[..], &[*next]].concat();
            if *next == file {
                return Some(longer);
            }
            if seen.insert(*next) {
                ways.push_back(longer);
            }
        }
    }
    None
}

/// The shortest circles of a crate. One that has a file of a shorter one is not said: it may be gone with that.
fn circles(tree: &Crate) -> Vec<String> {
    let uses = tree.uses();
    let mut ways: Vec<_> = uses.keys().filter_map(|file| circle(&uses, file)).collect();
    ways.sort_by_key(Vec::len);
    let mut said = BTreeSet::new();
    let apart = ways.into_iter().filter(|way| {
        let is_apart = way.iter().all(|file| !said.contains(file));
        said.extend(way.iter().copied());
        is_apart
    });
    apart.map(|way| way.join(" → ")).collect()
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let found: Vec<_> = crates().iter().flat_map(|folder| circles(&Crate::read(folder))).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn tree(files: &[(&str, &str)]) -> Crate {
    Crate::of(files.iter().map(|(module, text)| {
        let module = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Source::parse(format!("{module:?}"), module, text)
    }))
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    for below in [
        "use crate::a::Above;",
        "use super::Above;",
        "use super::super::a::{self};",
        "fn f(_: crate::a::Above) {}",
        "fn f() { assert!(super::is_above()) }",
        "#[derive(Serialize)] struct S { #[serde(serialize_with = \"crate::a::above\")] a: u8 }",
        "use crate::c; fn f() -> c::Above { c::above() }",
        "use crate::c::Above;",
    ] {
        let tree = tree(&[
            ("", "pub mod a; pub mod c;"),
            ("a", "pub mod b; use b::Below; pub struct Above(Below);"),
            ("a::b", below),
            ("c", "pub use crate::a::Above;"),
        ]);
        assert_eq!(circles(&tree).len(), 1, "{below}");
    }
}

#[test]
fn a_reexport_and_a_test_make_no_circle() {
    let tree = tree(&[
        ("a", "mod b; mod c; pub use b::B; pub use c::C;"),
        ("a::b", "use super::C; pub struct B(C);"),
        ("a::c", "pub struct C; #[cfg(test)] mod tests { use super::super::B; }"),
    ]);
    assert!(circles(&tree).is_empty(), "{:?}", circles(&tree));
}
