//! How much memory a deployed program takes for the worst that it can be sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::lambda::Program;

/// Half of what a function has unless the template gives it more.
pub const HALF_KIB: u64 = 128 * 1024;
/// As much as Lambda takes of an event.
const LAMBDA: usize = 6_000_000;

/// A JSON text that becomes as much as possible in memory.
struct Worst {
    what: &'static str,
    /// What stands before its pieces, and behind them.
    brackets: [&'static str; 2],
    /// The `number`th piece.
    piece: fn(usize, &mut String),
    /// So many pieces are taken: no body may have more than 50,000 brackets, colons and commas.
    taken: usize,
}

const WORST: [Worst; 5] = [
    Worst { what: "objects of nothing", brackets: ["[", "{}]"], piece: |_, text| text.push_str("{},"), taken: 24_900 },
    Worst {
        what: "objects of one field",
        brackets: ["[", "{\"\":0}]"],
        piece: |_, text| text.push_str("{\"\":0},"),
        taken: 16_600,
    },
    Worst {
        what: "fields",
        brackets: ["{", "\"\":0}"],
        piece: |number, text| write!(text, "\"{number:x}\":0,").expect("a text can be written to"),
        taken: 24_900,
    },
    Worst { what: "numbers", brackets: ["[", "0]"], piece: |_, text| text.push_str("0,"), taken: 49_900 },
    Worst { what: "a long word", brackets: ["\"", "\""], piece: |_, text| text.push_str("\\u0000"), taken: usize::MAX },
];

impl Worst {
    /// In place of the `@` of a body, which then has at most `size` bytes and so many pieces.
    fn body(&self, template: &str, size: usize, pieces: usize) -> String {
        let [before, behind] = self.brackets;
        let room = size.saturating_sub(template.len() + behind.len());
        let (mut text, mut number) = (before.to_owned(), 0);
        while number < pieces {
            let length = text.len();
            (self.piece)(number, &mut text);
            if text.len() > room {
                text.truncate(length);
                break;
            }
            number += 1;
        }
        template.replace('@', &(text + behind))
    }
}

/// The worst JSON of a route: of `templates`, its bodies with a `@` in place of a value, as much as is taken, and as large as it reads
/// (`limit`); and of one, as large as Lambda lets through. Each with what it is.
#[must_use]
pub fn worst_json(limit: usize, templates: &[&str]) -> Vec<(String, String)> {
    let made = |template: &&str, worst: &Worst, size, pieces| {
        let body = worst.body(template, size, pieces);
        (format!("{template} with {}, {} bytes", worst.what, body.len()), body)
    };
    let all = || templates.iter().flat_map(|template| WORST.iter().map(move |worst| (template, worst)));
    let taken = all().map(|(template, worst)| made(template, worst, limit, worst.taken));
    let read = all().filter(|(_, worst)| worst.taken < usize::MAX).take(1);
    let read = read.map(|(template, worst)| made(template, worst, limit, usize::MAX));
    let refused = all().take(1).map(|(template, worst)| made(template, worst, LAMBDA, usize::MAX));
    taken.chain(read).chain(refused).collect()
}

/// Gives each body to a program of its own, as deployed, and holds it to half of 256 MB.
///
/// # Panics
/// If the program takes more, or answers a body with an error that is ours.
#[expect(clippy::print_stdout, reason = "what was measured, for the documents")]
pub async fn holds_the_worst(
    binary: &str,
    settings: &BTreeMap<String, String>,
    bodies: Vec<(String, String)>,
    event: impl Fn(&str) -> Value,
) {
    let mut settings = settings.clone();
    settings.insert("LOG_LEVEL".to_owned(), "error".to_owned());
    for (what, body) in bodies {
        let mut program = Program::start(binary, settings.clone(), vec![event(&body)]).await;
        let answer = program.answer().await;
        let peak = program.peak_kib();
        println!("{what}: {} in {peak} KiB", answer["statusCode"]);
        assert!(answer["statusCode"].as_u64().is_some_and(|status| status < 500), "{what}: {answer}");
        assert!(peak < HALF_KIB, "{what}: {peak} KiB");
    }
}
