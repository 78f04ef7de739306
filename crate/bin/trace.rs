//! What the user sees while it works, all on standard error: the trace of `--log` and the progress bar.

use crate::say;
use indicatif::{ProgressBar, ProgressStyle};
use nomoat::engine::{Phase, Progress};
use std::{io::IsTerminal, sync::OnceLock, time::Instant};

/// Milliseconds since the program first asked: the clock that the library is given.
pub(crate) fn clock() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
}

/// The trace of `--log`: one line an event, time first, made to be copied into a report.
#[derive(Clone, Copy)]
pub(crate) struct Trace {
    pub(crate) on: bool,
}

impl Trace {
    /// A line, if the trace is on.
    pub(crate) fn line(self, what: &str, details: impl FnOnce() -> String) {
        if self.on {
            say(&format!("[{:>10.1} ms] {what:<8} {}", clock(), details()));
        }
    }
}

/// Follows long work: a bar on a terminal, lines in the trace.
pub(crate) struct Watch {
    trace: Trace,
    bar: ProgressBar,
    phase: Option<(Phase, f64)>,
}

impl Watch {
    /// A watch that shows nothing yet.
    pub(crate) fn new(trace: Trace) -> Self {
        // A bar among the lines of a trace would cut them apart.
        let bar = if std::io::stderr().is_terminal() && !trace.on {
            ProgressBar::no_length()
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template(
            "{msg:<8} {bar:30} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}",
        ) {
            bar.set_style(style);
        }
        Self {
            trace,
            bar,
            phase: None,
        }
    }

    /// Takes note of where loading is; never asks to stop.
    pub(crate) fn load(&mut self, progress: Progress) -> bool {
        let Progress { phase, done, total } = progress;
        if self.phase.is_none_or(|(p, _)| p != phase) {
            self.close_phase();
            self.phase = Some((phase, clock()));
            self.trace.line(phase.name(), || match total {
                0 => "begins".into(),
                _ => format!("begins, {total} bytes"),
            });
        }
        self.bytes(phase.name(), done, total);
        true
    }

    /// Takes note of `done` of `total` bytes of `what`.
    pub(crate) fn bytes(&self, what: &str, done: u64, total: u64) {
        if total > 0 {
            if self.bar.message() != what {
                self.bar.set_message(what.to_owned());
                self.bar.reset_eta();
            }
            self.bar.set_length(total);
            self.bar.set_position(done);
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(mut self) {
        self.close_phase();
        self.bar.finish_and_clear();
    }

    fn close_phase(&mut self) {
        if let Some((phase, since)) = self.phase.take() {
            self.trace
                .line(phase.name(), || format!("took {:.1} ms", clock() - since));
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
