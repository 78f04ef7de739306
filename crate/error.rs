//! The one error of the crate: few variants, each with its full context.

use std::fmt;

/// What every fallible function of the crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Anything that can go wrong, with the words a user needs. `code` is the stable name that the page and scripts see.
#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    /// The bytes of a file are not what its format says.
    BadFile {
        /// File name as the user gave it.
        file: String,
        /// Field, tensor or key.
        field: String,
        /// What the format asks for.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// The file is well formed, but uses something that is not implemented.
    Unsupported {
        /// Kind of thing, which is also the error code.
        kind: Unsupported,
        /// File name as the user gave it.
        file: String,
        /// The thing.
        what: String,
        /// What is supported instead.
        supported: String,
    },
    /// A tensor has the wrong shape, format or count for an operator.
    Shape {
        /// Operator.
        op: &'static str,
        /// Tensor or argument.
        tensor: String,
        /// What the operator needs.
        expected: String,
        /// What it was given.
        found: String,
    },
    /// Bytes could not be read from where they are.
    Read {
        /// Which way it failed, which is also the error code.
        kind: Read,
        /// File, address or handle.
        from: String,
        /// The cause in words.
        cause: String,
    },
    /// The GPU refused or failed.
    Gpu {
        /// Which way it failed, which is also the error code.
        kind: Gpu,
        /// What was being done.
        doing: String,
        /// The driver's or browser's own words.
        cause: String,
    },
    /// Something does not fit: a tensor into a buffer, a model into memory.
    TooBig {
        /// What does not fit.
        what: String,
        /// Bytes it needs.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// The prompt and the answer asked for are longer than the context.
    ContextFull {
        /// Tokens wanted.
        tokens: usize,
        /// Tokens there is room for.
        context: usize,
    },
    /// A request that makes no sense: an argument out of range, a field with a wrong type.
    Invalid {
        /// Argument or field.
        field: String,
        /// What is accepted.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A result that is not a number: never shown to the user as text.
    NotFinite {
        /// Where it was seen.
        place: String,
    },
    /// The caller stopped it.
    Aborted,
    /// A broken promise inside the crate; please report it.
    Internal {
        /// What was broken.
        what: String,
    },
}

/// Kinds of [`Error::Unsupported`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsupported {
    /// A model family.
    Architecture,
    /// A block format or container version.
    Format,
    /// A tokenizer or pre-tokenizer.
    Tokenizer,
}

/// Kinds of [`Error::Read`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// There is no such file.
    NotFound,
    /// The network failed or answered with an error.
    Network,
    /// The host does not let pages read from it.
    Cors,
    /// The host asks for a permission (401, 403).
    Gated,
    /// The host sends only whole files, and more than a beginning would have to be read.
    NoRange,
    /// The file system or the handle failed.
    Io,
}

/// Kinds of [`Error::Gpu`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gpu {
    /// There is no WebGPU or no adapter.
    Missing,
    /// An allocation failed.
    OutOfMemory,
    /// The device is gone.
    Lost,
    /// A shader, pipeline or command was refused.
    Refused,
    /// A known answer came out differently.
    Wrong,
}

impl Error {
    /// The stable code of the contract (`bad-file`, `too-big` …).
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadFile { .. } => "bad-file",
            Self::Unsupported { kind, .. } => match kind {
                Unsupported::Architecture => "unsupported-architecture",
                Unsupported::Format => "unsupported-format",
                Unsupported::Tokenizer => "unsupported-tokenizer",
            },
            Self::Read { kind, .. } => match kind {
                Read::NotFound => "not-found",
                Read::Network => "network",
                Read::Cors => "cors",
                Read::Gated => "gated",
                Read::NoRange => "no-range",
                Read::Io => "storage-unavailable",
            },
            Self::Gpu { kind, .. } => match kind {
                Gpu::Missing => "no-webgpu",
                Gpu::OutOfMemory => "gpu-out-of-memory",
                Gpu::Lost => "device-lost",
                Gpu::Refused => "internal",
                Gpu::Wrong => "self-test-failed",
            },
            Self::TooBig { .. } => "too-big",
            Self::ContextFull { .. } => "context-full",
            Self::Invalid { .. } => "unsupported-field",
            Self::Aborted => "aborted",
            Self::Shape { .. } | Self::NotFinite { .. } | Self::Internal { .. } => "internal",
        }
    }

    /// A malformed field of a file.
    pub fn bad(
        file: impl Into<String>,
        field: impl Into<String>,
        expected: impl Into<String>,
        found: impl fmt::Display,
    ) -> Self {
        Self::BadFile {
            file: file.into(),
            field: field.into(),
            expected: expected.into(),
            found: found.to_string(),
        }
    }

    /// A wrong shape, format or count given to an operator.
    pub fn shape(
        op: &'static str,
        tensor: impl Into<String>,
        expected: impl Into<String>,
        found: impl fmt::Debug,
    ) -> Self {
        Self::Shape {
            op,
            tensor: tensor.into(),
            expected: expected.into(),
            found: format!("{found:?}"),
        }
    }

    /// A broken promise inside the crate.
    pub fn internal(what: impl Into<String>) -> Self {
        Self::Internal { what: what.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadFile {
                file,
                field,
                expected,
                found,
            } => {
                write!(f, "{file}: {field}: expected {expected}, found {found}")
            }
            Self::Unsupported {
                kind,
                file,
                what,
                supported,
            } => {
                let kind = match kind {
                    Unsupported::Architecture => "architecture",
                    Unsupported::Format => "format",
                    Unsupported::Tokenizer => "tokenizer",
                };
                write!(f, "{file}: {kind} {what} is not supported (supported: {supported})")
            }
            Self::Shape {
                op,
                tensor,
                expected,
                found,
            } => write!(f, "{op}: {tensor}: expected {expected}, found {found}"),
            Self::Read { from, cause, .. } => write!(f, "{from}: {cause}"),
            Self::Gpu { doing, cause, .. } => write!(f, "gpu: {doing}: {cause}"),
            Self::TooBig {
                what,
                needed,
                available,
            } => {
                write!(f, "{what} needs {needed} bytes, there are {available}")
            }
            Self::ContextFull { tokens, context } => {
                write!(f, "{tokens} tokens do not fit into a context of {context}")
            }
            Self::Invalid { field, expected, found } => write!(f, "{field}: expected {expected}, found {found}"),
            Self::NotFinite { place } => write!(f, "{place}: the result is not a finite number"),
            Self::Aborted => write!(f, "stopped by the caller"),
            Self::Internal { what } => write!(f, "internal error: {what}; please report it"),
        }
    }
}

impl std::error::Error for Error {}
