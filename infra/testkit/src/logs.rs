//! The log, kept for those who look through it: for each thread that a test runs on, and what a runtime's workers write.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The log lines of the process: the production layer at TRACE, into memory.
static LOGS: LazyLock<Logs> = LazyLock::new(|| {
    let logs = Logs::default();
    let writer = logs.clone();
    let layer = shared::platform::telemetry::layer(LevelFilter::TRACE, move || writer.clone());
    tracing_subscriber::registry().with(layer).try_init().expect("no other subscriber in a test process");
    logs
});

/// Who writes: a test's own thread, or whatever serves several.
type Writer = Option<ThreadId>;

fn writer() -> Writer {
    let thread = thread::current();
    // Tests are threads with their names; a runtime's workers and threads without a name may belong to any of them.
    thread.name().is_some_and(|name| !name.starts_with("tokio")).then(|| thread.id())
}

#[derive(Clone, Default)]
struct Logs(Arc<Mutex<HashMap<Writer, Lines>>>);

#[derive(Default)]
struct Lines {
    text: String,
    /// How much was forgotten before it.
    forgotten: usize,
}

impl Lines {
    fn end(&self) -> usize {
        self.forgotten + self.text.len()
    }

    fn since(&self, from: usize) -> &str {
        &self.text[from.saturating_sub(self.forgotten)..]
    }

    fn forget(&mut self) {
        self.forgotten += self.text.len();
        self.text.clear();
    }
}

impl Logs {
    fn lines(&self) -> MutexGuard<'_, HashMap<Writer, Lines>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines().entry(writer()).or_default().text.push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log from here on, as far as it can be that of the test that asked for it: what its thread writes, and what threads
/// write that serve several tests.
pub(crate) struct Log([(Writer, usize); 2]);

impl Log {
    /// Begins now.
    pub(crate) fn begin() -> Self {
        let lines = LOGS.lines();
        Self([writer(), None].map(|writer| (writer, lines.get(&writer).map_or(0, Lines::end))))
    }

    /// The lines so far, those of each thread in order.
    pub(crate) fn text(&self) -> String {
        let lines = LOGS.lines();
        self.parts().filter_map(|(writer, from)| lines.get(&writer).map(|lines| lines.since(from))).collect()
    }

    /// Forgets them, for other tests too.
    pub(crate) fn forget(&self) {
        let mut lines = LOGS.lines();
        for (writer, _) in self.parts() {
            lines.entry(writer).or_default().forget();
        }
    }

    fn parts(&self) -> impl Iterator<Item = (Writer, usize)> + '_ {
        let [own, common] = self.0;
        std::iter::once(own).chain((own.0 != common.0).then_some(common))
    }
}
