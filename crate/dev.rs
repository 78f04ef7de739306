//! Tables for tests and benchmarks, gathered from their rooms; nothing is defined here.
