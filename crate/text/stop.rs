//! Stop strings in a stream of text: what may still become one is held back until it is decided.

/// Looks for stop strings across the chunks of an answer.
#[derive(Debug, Clone)]
pub struct StopMatcher {
    stops: Vec<String>,
    held: String,
    stopped: bool,
}

impl StopMatcher {
    /// A matcher of `stops`; empty ones are no stop strings.
    pub fn new(stops: Vec<String>) -> Self {
        Self {
            stops: stops.into_iter().filter(|s| !s.is_empty()).collect(),
            held: String::new(),
            stopped: false,
        }
    }

    /// Takes the next chunk. Gives the text that is safe to show, and whether a stop string was completed: the one that
    /// ends first, so that the answer does not depend on how the text was cut into chunks. The stop string and what
    /// follows it are never given out.
    pub fn push(&mut self, text: &str) -> (String, bool) {
        if self.stopped {
            return (String::new(), true);
        }
        self.held.push_str(text);
        let found = self.stops.iter().filter_map(|stop| {
            let start = self.held.find(stop.as_str())?;
            Some((start + stop.len(), start))
        });
        if let Some((_, start)) = found.min() {
            self.stopped = true;
            self.held.truncate(start);
            return (std::mem::take(&mut self.held), true);
        }
        let tail = self.held.split_off(self.held.len() - self.undecided());
        (std::mem::replace(&mut self.held, tail), false)
    }

    /// What is still held back, once the answer has ended without a stop string.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Length of the longest end of the held text that begins a stop string.
    fn undecided(&self) -> usize {
        let longest = |stop: &String| {
            let most = self.held.len().min(stop.len() - 1);
            (1..=most)
                .rev()
                .find(|len| self.held.as_bytes().ends_with(&stop.as_bytes()[..*len]))
        };
        self.stops.iter().filter_map(longest).max().unwrap_or(0)
    }
}
