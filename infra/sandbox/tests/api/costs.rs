//! What the pages say of the costs is what is counted.

use std::path::Path;
use std::process::Command;

const PAGES: [&str; 2] = ["README.md", "infra/COSTS.md"];

/// The row `**all**` of a page: no order, 1,000, 100,000, ten million.
fn all(page: &str) -> Vec<f64> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(page)).unwrap();
    let row = text.lines().find_map(|line| line.strip_prefix("| **all** |")).unwrap();
    let cells = row.trim_end_matches('|').split('|').map(|cell| cell.trim().trim_matches('*').replace(',', ""));
    cells.map(|cell| cell.parse().unwrap()).collect()
}

#[test]
fn a_small_shop_pays_a_few_dollars_and_one_that_grows_not_much_more() {
    for page in PAGES {
        let [idle, thousand, hundred_thousand, _] = all(page)[..] else { panic!("{page}") };
        assert!(
            idle <= thousand && thousand <= 8.0 && hundred_thousand <= 45.0,
            "{page}: {idle}, {thousand}, {hundred_thousand}"
        );
    }
}

#[test]
fn the_costs_on_the_pages_are_those_that_are_counted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("infra")).unwrap();
    for page in PAGES {
        std::fs::copy(root.join(page), folder.path().join(page)).unwrap();
    }
    let done =
        Command::new(env!("CARGO_BIN_EXE_sandbox")).args(["costs", "--write"]).current_dir(folder.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for page in PAGES {
        let [said, counted] = [root.as_path(), folder.path()].map(|folder| std::fs::read_to_string(folder.join(page)).unwrap());
        let differs = said.lines().zip(counted.lines()).find(|(said, counted)| said != counted);
        assert!(said == counted, "{page} is old, `cargo run -p sandbox -- costs --write` writes it anew: {differs:?}");
    }
}
