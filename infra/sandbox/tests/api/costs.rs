//! What the page says of the costs is what is counted.

use std::path::{Path, PathBuf};
use std::process::Command;

const PAGE: &str = "infra/docs/COSTS.md";

fn page(folder: &Path) -> String {
    std::fs::read_to_string(folder.join(PAGE)).unwrap()
}

/// The row `**all**`: no order, 1,000, 100,000, ten million.
fn all(page: &str) -> Vec<f64> {
    let row = page.lines().find_map(|line| line.strip_prefix("| **all** |")).unwrap();
    let cells = row.trim_end_matches('|').split('|').map(|cell| cell.trim().trim_matches('*').replace(',', ""));
    cells.map(|cell| cell.parse().unwrap()).collect()
}

#[test]
fn a_small_shop_pays_a_few_dollars_and_one_that_grows_not_much_more() {
    let [idle, thousand, hundred_thousand, _] = all(&page(&root()))[..] else { panic!("{PAGE}") };
    assert!(idle <= thousand && thousand <= 8.0 && hundred_thousand <= 45.0, "{idle}, {thousand}, {hundred_thousand}");
}

#[test]
fn the_costs_on_the_page_are_those_that_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("infra/docs")).unwrap();
    std::fs::copy(root().join(PAGE), folder.path().join(PAGE)).unwrap();
    let done =
        Command::new(env!("CARGO_BIN_EXE_sandbox")).args(["costs", "--write"]).current_dir(folder.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let (said, counted) = (page(&root()), page(folder.path()));
    let differs = said.lines().zip(counted.lines()).find(|(said, counted)| said != counted);
    assert!(said == counted, "{PAGE} is old, `cargo run -p sandbox -- costs --write` writes it anew: {differs:?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
