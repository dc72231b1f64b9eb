//! Who may import which floor.

use std::collections::BTreeSet;
use std::fs;

use crate::source::{Segments, Source, files_below, root};

const FLOORS: [&str; 3] = ["platform", "payments", "forms"];

/// The floors of each function, beside the platform.
const FUNCTIONS: [(&str, &[&str]); 13] = [
    ("orders", &["payments"]),
    ("payments", &["payments"]),
    ("acquiring", &["payments"]),
    ("card-callback", &["payments"]),
    ("mokka-callback", &["payments"]),
    ("payment-events", &["payments"]),
    ("reconcile", &["payments"]),
    ("price-feed", &["payments"]),
    ("form-otp", &["forms"]),
    ("form-delivery", &["forms"]),
    ("sms-reports", &["forms"]),
    ("sms-watch", &["forms"]),
    ("back-office", &["payments", "forms"]),
];

/// The sources below a folder of the repository.
fn sources(folder: &str) -> Vec<Source> {
    let folder = root().join(folder);
    files_below(&folder).iter().map(|path| Source::read(&folder, path)).collect()
}

/// The floor that a path leads to: `crate::forms::…` within the common crate, `shared::forms::…` from outside.
fn floor(path: &Segments, within: bool) -> Option<&'static str> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let below: &[&str] = if within { &path } else { path.strip_prefix(&["", "shared"])? };
    below.first().copied().and_then(|first| FLOORS.into_iter().find(|floor| *floor == first))
}

/// The imports of a file that are of none of the floors `allowed`, each as `file imports floor`.
fn forbidden<'a>(file: &str, paths: impl Iterator<Item = &'a Segments>, within: bool, allowed: &[&str]) -> BTreeSet<String> {
    let floors = paths.filter_map(|path| floor(path, within)).filter(|floor| !allowed.contains(floor));
    floors.map(|floor| format!("{file} imports {floor}")).collect()
}

fn assert_none(found: impl Iterator<Item = BTreeSet<String>>) {
    let found: Vec<_> = found.flatten().collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_floor_imports_the_platform_and_itself() {
    let sources = sources("shared/src");
    assert_none(FLOORS.into_iter().flat_map(|floor| {
        let of_it = sources.iter().filter(move |source| source.file.starts_with(&format!("shared/src/{floor}/")));
        of_it.map(move |source| forbidden(&source.file, source.paths(), true, &["platform", floor]))
    }));
}

#[test]
fn a_function_imports_its_own_floor() {
    let known: BTreeSet<_> = FUNCTIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let there = fs::read_dir(root().join("functions")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(there.collect::<BTreeSet<_>>(), known, "every function is of a floor");
    assert_none(FUNCTIONS.into_iter().flat_map(|(name, floors)| {
        let allowed = [&["platform"], floors].concat();
        let sources = sources(&format!("functions/{name}")).into_iter();
        sources.map(move |source| forbidden(&source.file, source.paths(), false, &allowed))
    }));
}

/// Their tests hold the deployed template against what the stores have.
#[test]
fn the_emulators_know_no_function() {
    let sources = sources("infra/emulators/src");
    assert_none(sources.iter().map(|source| forbidden(&source.file, source.code_paths(), false, &["platform"])));
}

#[test]
fn the_stand_ins_share_no_code_with_what_calls_them() {
    let sources = sources("infra/standins/src");
    assert_none(sources.iter().map(|source| forbidden(&source.file, source.paths(), false, &[])));
}

#[test]
fn an_import_of_another_floor_is_found_however_it_is_written() {
    for text in [
        "use crate::forms::Form;",
        "use crate::{forms, payments::Order};",
        "fn f() { super::super::forms::f() }",
        "fn f() { assert!(crate::forms::is_one()) }",
        "#[cfg(test)] mod tests { use crate::forms::Form; }",
    ] {
        let source = Source::parse("here".to_owned(), ["payments", "here"].map(str::to_owned).to_vec(), text);
        let found = forbidden(&source.file, source.paths(), true, &["platform", "payments"]);
        assert_eq!(found, BTreeSet::from(["here imports forms".to_owned()]), "{text}");
    }
}
