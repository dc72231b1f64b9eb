//! What the pages say of the costs is what is counted.

use std::path::Path;
use std::process::Command;

const PAGES: [&str; 2] = ["README.md", "infra/COSTS.md"];

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
