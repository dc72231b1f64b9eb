//! The documents hold together: links lead somewhere, files that are named are there, the first page is short, and what a page says
//! of routes and states is so.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use shared::payments::payment::State;

use crate::documents::sources;

/// What no document of ours is in.
const ELSEWHERE: [&str; 5] = ["target", ".venv", ".git", ".aws-sam", "node_modules"];
/// Files that are named and need not be there.
const OPTIONAL: [&str; 1] = ["infra/config/extra-ca.pem"];

fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
}

/// Every document: its path from the root, and its text.
fn pages() -> Vec<(PathBuf, String)> {
    let (root, mut found, mut folders) = (root(), Vec::new(), vec![root()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && !ELSEWHERE.contains(&name) {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    assert!(found.len() > 14, "{found:?}");
    found
}

/// The lines that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// Where the links of a text lead.
fn links(text: &str) -> Vec<&str> {
    prose(text).flat_map(|line| line.split("](").skip(1)).map(|rest| rest.split(')').next().unwrap()).collect()
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let headings = prose(text).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |letter: &char| letter.is_alphanumeric() || "-_ ".contains(*letter);
    headings.map(|heading| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let (root, mut checked) = (root(), 0);
    for (page, text) in pages() {
        let own = anchors(&text);
        let distinct: BTreeSet<_> = own.iter().collect();
        assert_eq!(distinct.len(), own.len(), "{}: two headings are the same", page.display());
        for link in links(&text).into_iter().filter(|link| !link.starts_with("http")) {
            let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
            let target = if file.is_empty() { root.join(&page) } else { root.join(&page).parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link} leads to no file", page.display());
            if let Some(anchor) = anchor {
                let there = anchors(&fs::read_to_string(&target).unwrap()).iter().any(|known| known == anchor);
                assert!(there, "{}: {link} leads to no heading", page.display());
            }
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked}");
}

#[test]
fn every_file_that_a_document_names_is_there() {
    let (root, mut checked) = (root(), 0);
    let folders = ["infra/", "functions/", "shared/", "events/", "examples/", ".ci/"];
    for (page, text) in pages() {
        for line in prose(&text) {
            for code in line.split('`').skip(1).step_by(2).filter_map(|code| code.split(' ').next()) {
                let is_pattern = code.contains(['*', '{', '…', '<']) || OPTIONAL.contains(&code);
                if !is_pattern && folders.iter().any(|folder| code.starts_with(folder)) {
                    assert!(root.join(code).exists(), "{}: there is no {code}", page.display());
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 60, "{checked}");
}

#[test]
fn readme_is_short_and_other_documents_are_in_their_places() {
    for (page, text) in pages() {
        let path = page.to_str().unwrap();
        let is_docs = path.strip_prefix("infra/docs/").is_some_and(|name| !name.contains('/'));
        assert!(is_docs || path.ends_with("README.md") || ["CHANGELOG.md", "CONTRIBUTING.md"].contains(&path), "{path}");
        if path == "README.md" {
            assert!(text.lines().count() <= 150, "{}", text.lines().count());
            for document in fs::read_dir(root().join("infra/docs")).unwrap() {
                let document = document.unwrap().file_name();
                assert!(text.contains(document.to_str().unwrap()), "the README does not lead to {document:?}");
            }
        }
    }
}

#[test]
fn table_of_places_names_existing_files_and_words() {
    let text = fs::read_to_string(root().join("infra/docs/DEVELOPING.md")).unwrap();
    let (_, table) = text.split_once("<!-- where:begin -->\n").unwrap();
    let (table, _) = table.split_once("<!-- where:end -->").unwrap();
    let rows: Vec<_> = table.lines().skip(2).collect();
    assert!(rows.len() > 25, "{rows:?}");
    for row in rows {
        let [_, file, what] = row.trim_matches('|').split(" | ").collect::<Vec<_>>()[..] else { panic!("{row}") };
        stands(file, what);
    }
}

/// Whether a file has a text, both as cells of a table.
fn stands(file: &str, what: &str) {
    let [file, what] = [file, what].map(|cell| cell.trim().trim_matches('`'));
    let text = fs::read_to_string(root().join(file)).ok();
    assert!(text.is_some_and(|text| text.contains(what)), "{file} is not there or has no {what}");
}

#[test]
fn every_step_of_the_drawn_state_machine_is_one_that_the_code_allows() {
    let text = fs::read_to_string(root().join("infra/docs/ARCHITECTURE.md")).unwrap();
    let (_, drawn) = text.split_once("```mermaid\nstateDiagram-v2\n").unwrap();
    let (drawn, _) = drawn.split_once("```").unwrap();
    let state = |name: &str| State::ALL.into_iter().find(|state| state.name() == name);
    let mut reached = BTreeSet::new();
    for line in drawn.lines().filter(|line| !line.contains("[*]")) {
        let (from, to) = line.split(':').next().unwrap().split_once(" --> ").unwrap();
        let (from, to) = (state(from.trim()).unwrap(), state(to.trim()).unwrap());
        assert!(from.may_become(to), "{line}");
        reached.insert(to.name());
    }
    assert_eq!(reached.len(), State::ALL.len() - 1, "every state but the first is reached: {reached:?}");
}

#[test]
fn the_back_offices_page_has_every_route_and_no_other() {
    let root = root();
    let page = fs::read_to_string(root.join("infra/docs/BACK-OFFICE.md")).unwrap();
    // Codes of refusals are one word.
    let is_route = |row: &&str| row.split('`').next().is_some_and(|cell| cell.contains(' '));
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")).filter(is_route);
    let listed: BTreeSet<_> = rows.map(|row| row.split(['`', '?']).next().unwrap().to_owned()).collect();
    let openapi = fs::read_to_string(root.join("infra/openapi.yaml")).unwrap();
    let (mut path, mut routes) = (None, BTreeSet::new());
    for line in openapi.lines() {
        if let Some(named) = line.strip_prefix("  /") {
            path = named.trim_end_matches(':').strip_prefix("v1/back-office/");
        } else if let (Some(path), Some(method)) = (path, line.strip_prefix("    ").and_then(|line| line.strip_suffix(':'))) {
            if ["get", "post", "put", "delete"].contains(&method) {
                routes.insert(format!("{} {path}", method.to_uppercase()));
            }
        } else if !line.starts_with(' ') {
            path = None;
        }
    }
    assert!(routes.len() > 15, "{routes:?}");
    assert_eq!(listed, routes, "the page and the OpenAPI document");
}

#[test]
fn every_code_of_a_refusal_that_the_shop_reads_about_is_one() {
    let page = fs::read_to_string(root().join("infra/docs/SHOP.md")).unwrap();
    let (_, codes) = page.split_once("The codes of 409: ").unwrap();
    let (codes, _) = codes.split_once("\n\n").unwrap();
    let (sources, mut named) = (sources(), 0);
    for code in codes.split('`').skip(1).step_by(2) {
        assert!(sources.contains(&format!("\"{code}\"")), "nothing is refused as {code}");
        named += 1;
    }
    assert!(named > 15, "{named}");
}
