//! Figures of the last request (`CONTRACT.md`, 3).

/// Objects created and writes made on the GPU since the first decoded token of the request (that one warms up).
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
