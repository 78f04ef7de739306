//! Figures of the last request (`CONTRACT.md`, 3).

/// Objects created and writes made on the GPU: of a request, since its first decoded token (that one warms up).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Created {
    /// Pipelines.
    pub pipelines: u64,
    /// Bind groups.
    pub bind_groups: u64,
    /// Buffers.
    pub buffers: u64,
    /// `writeBuffer` calls.
    pub writes: u64,
}

/// Figures of the last request.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Of these, tokens whose keys and values were still in the cache.
    pub reused_tokens: usize,
    /// Tokens generated.
    pub generated_tokens: usize,
    /// Prompt tokens a second (those not reused).
    pub prefill_tps: f64,
    /// Generated tokens a second, after the first.
    pub decode_tps: f64,
    /// From the request to the first token, in milliseconds.
    pub first_token_ms: f64,
    /// Dispatches a decoded token (GPU).
    pub dispatches_per_token: f64,
    /// Queue submissions a decoded token (GPU).
    pub submissions_per_token: f64,
    /// What decoding created.
    pub created: Created,
}

/// Stands in for the GPU's counters in a build without GPU.
#[cfg(not(feature = "gpu"))]
pub(super) enum NoCounters {}

#[cfg(feature = "gpu")]
type Counters = crate::gpu::Counters;
#[cfg(not(feature = "gpu"))]
type Counters = NoCounters;

/// Counts at one moment: created, dispatches, submissions.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    created: Created,
    dispatches: u64,
    submissions: u64,
}

impl Counts {
    #[cfg(feature = "gpu")]
    pub(super) fn of(counters: Option<&Counters>) -> Self {
        counters.map_or_else(Self::default, |c| Self {
            created: Created {
                pipelines: c.pipelines.get(),
                bind_groups: c.bind_groups.get(),
                buffers: c.buffers.get(),
                writes: c.writes.get(),
            },
            dispatches: c.dispatches.get(),
            submissions: c.submissions.get(),
        })
    }

    #[cfg(not(feature = "gpu"))]
    pub(super) fn of(_: Option<&Counters>) -> Self {
        Self::default()
    }
}

impl Counts {
    /// What was created so far.
    pub(super) fn created(self) -> Created {
        self.created
    }
}

/// Watches one request.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    begun: f64,
    first: f64,
    last: f64,
    prompt: usize,
    reused: usize,
    tokens: usize,
    /// Counts at two moments, and how many tokens were paid for then, those among them that were not given out yet.
    warm: (Counts, usize),
    now: (Counts, usize),
    /// Those among them that are being made.
    flying: usize,
}

impl Watch {
    /// A request of `prompt` tokens begins, `reused` of them from the cache.
    pub(super) fn start(now: f64, prompt: usize, reused: usize) -> Self {
        Self {
            begun: now,
            first: now,
            last: now,
            prompt,
            reused,
            ..Self::default()
        }
    }

    /// A token is given out, so many more were made, and so many are being made. The first comes of the prompt and the second warms up the decoding step.
    pub(super) fn token(&mut self, now: f64, counts: Counts, ahead: usize, flying: usize) {
        self.tokens += 1;
        self.last = now;
        self.now = (counts, self.tokens + ahead + flying);
        self.flying = flying;
        if self.tokens == 1 {
            self.first = now;
        }
        if self.tokens <= 2 {
            self.warm = self.now;
        }
    }

    /// The device is another one, whose counts begin anew: what was counted so far is forgotten. Times go on: rates are those that
    /// the reader saw.
    pub(super) fn moved(&mut self, counts: Counts) {
        self.now = (counts, self.now.1 - std::mem::take(&mut self.flying));
        self.warm = self.now;
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of one request")]
    pub(super) fn stats(&self) -> Stats {
        let rate = |count: usize, ms: f64| if ms > 0.0 { 1000.0 * count as f64 / ms } else { 0.0 };
        let ((now, made), (warm, before)) = (self.now, self.warm);
        let decoded = made - before;
        let per_token = |now: u64, warm: u64| {
            if decoded > 0 {
                (now - warm) as f64 / decoded as f64
            } else {
                0.0
            }
        };
        Stats {
            prompt_tokens: self.prompt,
            reused_tokens: self.reused,
            generated_tokens: self.tokens,
            prefill_tps: rate(self.prompt - self.reused, self.first - self.begun),
            decode_tps: rate(self.tokens.saturating_sub(1), self.last - self.first),
            first_token_ms: self.first - self.begun,
            dispatches_per_token: per_token(now.dispatches, warm.dispatches),
            submissions_per_token: per_token(now.submissions, warm.submissions),
            created: Created {
                pipelines: now.created.pipelines - warm.created.pipelines,
                bind_groups: now.created.bind_groups - warm.created.bind_groups,
                buffers: now.created.buffers - warm.created.buffers,
                writes: now.created.writes - warm.created.writes,
            },
        }
    }
}
