//! `check-config`: reads the files that operations edit as the functions will, before they are deployed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use shared::forms::config::{Form, Forms};
use shared::payments::methods::Methods;

/// What a settings file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// The ways to pay: payments.toml.
    Payments,
    /// The forms and the limits of codes: forms.toml.
    Forms,
}

impl Kind {
    /// Told by the file's name: what has "forms" in it are forms.
    fn of(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        if name.contains("forms") { Self::Forms } else { Self::Payments }
    }

    /// What a file says, in words; or what is wrong with it, beginning with line and column.
    fn read(self, text: &str) -> Result<String, String> {
        match self {
            Self::Payments => {
                let methods = Methods::parse(text).map_err(|mistake| mistake.to_string())?;
                let clocks = methods.utc_offset().to_string();
                let clocks = clocks.strip_suffix(":00").unwrap_or(&clocks);
                Ok(format!("Ways to pay: {}, clocks at UTC{clocks}\n{methods}", methods.iter().count()))
            }
            Self::Forms => {
                let forms = Forms::parse(text).map_err(|mistake| mistake.to_string())?;
                let line = |form: &Form| {
                    format!("- {}, {} a code by SMS\n", form.name, if form.requires_code { "with" } else { "without" })
                };
                Ok(format!("Forms: {}\n{}", forms.iter().count(), forms.iter().map(line).collect::<String>()))
            }
        }
    }
}

/// Reads every file and writes what it says to `out`, or `FILE:LINE:COLUMN: …` to `complaints`. Whether all are right.
pub fn files(files: &[PathBuf], kind: Option<Kind>, out: &mut impl Write, complaints: &mut impl Write) -> io::Result<bool> {
    let mut right = true;
    for path in files {
        let name = path.display();
        let read = match std::fs::read_to_string(path) {
            Ok(text) => kind.unwrap_or(Kind::of(path)).read(&text).map_err(|mistake| format!("{name}:{mistake}")),
            Err(error) => Err(format!("{name}: cannot be read: {error}")),
        };
        match read {
            Ok(words) => write!(out, "{name}: right. {words}")?,
            Err(complaint) => {
                right = false;
                writeln!(complaints, "{complaint}")?;
            }
        }
    }
    Ok(right)
}
