//! How a prompt is cut into chunks: by the time that they take, since a chunk cannot be left, and a long one may look like a hang
//! to the system's watchdog.

use super::device::BUCKETS;
use crate::op::VECTOR_TOKENS;

/// Tokens on the CPU: to begin with and at least, and at most.
const CPU: [usize; 2] = [32, 128];
/// Milliseconds within which the next chunk has twice as many there: weights are unpacked once a chunk.
const CPU_MS: f64 = 200.0;
/// Tokens on a GPU, to begin with.
const GPU: usize = 128;
/// Milliseconds that a chunk should take on a GPU.
const GPU_MS: f64 = 50.0;

/// Whether the kernels for many tokens are used: those for few, which writing takes, can read a prompt too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Many {
    Used,
    /// Not yet: they have to be compiled, and may not have given the known answers.
    Later,
    /// They gave wrong ones.
    Refused,
}

/// The length of the next chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    on_cpu: bool,
    tokens: usize,
    pub(super) many: Many,
}

impl Pace {
    /// Of the CPU, or of a GPU whose kernels for many tokens may come later.
    pub(super) fn new(on_cpu: bool, later: bool) -> Self {
        Self {
            on_cpu,
            tokens: if on_cpu { CPU[0] } else { GPU },
            many: if later && !on_cpu { Many::Later } else { Many::Used },
        }
    }

    /// Tokens that are read together where the result should not hang on what was read before.
    pub(super) fn steady(self) -> usize {
        if self.many != Many::Used {
            VECTOR_TOKENS
        } else if self.on_cpu {
            CPU[0]
        } else {
            self.tokens
        }
    }

    /// How many of so many tokens are read before the last step: none if they go at once. On the CPU, whose products of few tokens
    /// are rounded, the last step has as many as are over, whatever the pace was.
    pub(super) fn part(self, left: usize) -> usize {
        let before = match left.saturating_sub(1) {
            more if self.many != Many::Used => return VECTOR_TOKENS * usize::from(more >= VECTOR_TOKENS),
            more if self.on_cpu => more / CPU[0] * CPU[0],
            more if more < self.tokens => 0,
            _ => left,
        };
        before.min(self.tokens)
    }

    /// A chunk of so many tokens took so long.
    pub(super) fn took(&mut self, ms: f64, tokens: usize) {
        let whole = tokens == self.tokens;
        if self.many != Many::Used {
            // of other kernels this says nothing
        } else if self.on_cpu {
            if ms > 4.0 * CPU_MS {
                self.tokens = CPU[0];
            } else if ms < CPU_MS && whole {
                self.tokens = (2 * tokens).min(CPU[1]);
            }
        } else if ms > 2.0 * GPU_MS && tokens > 32 {
            self.tokens = tokens / 4;
        } else if ms < GPU_MS / 4.0 && whole {
            self.tokens = (4 * tokens).min(BUCKETS[BUCKETS.len() - 1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chunks of a prompt of which a token takes so long.
    fn chunks(pace: &mut Pace, prompt: usize, ms: f64) -> Vec<usize> {
        let (mut left, mut all) = (prompt, vec![]);
        while pace.part(left) > 0 {
            let part = pace.part(left);
            #[allow(clippy::cast_precision_loss, reason = "few")]
            pace.took(ms * part as f64, part);
            all.push(part);
            left -= part;
        }
        all.push(left);
        all
    }

    #[test]
    fn the_last_step_on_the_cpu_does_not_hang_on_the_pace() {
        for prompt in [1, 2, 31, 32, 33, 64, 66, 129, 512] {
            for ms in [0.1, 2.0, 5.0, 50.0] {
                let mut pace = Pace::new(true, true);
                for _ in 0..3 {
                    let all = chunks(&mut pace, prompt, ms);
                    assert_eq!(all.iter().sum::<usize>(), prompt);
                    assert_eq!(all.last().copied(), Some((prompt - 1) % 32 + 1), "{prompt}: {all:?}");
                    assert!(all.iter().all(|n| *n <= 128), "{all:?}");
                }
            }
        }
    }

    #[test]
    fn chunks_grow_where_they_are_fast_and_shrink_where_they_are_slow() {
        assert_eq!(
            chunks(&mut Pace::new(true, true), 512, 1.0),
            [32, 64, 128, 128, 128, 32]
        );
        assert_eq!(chunks(&mut Pace::new(true, true), 128, 10.0), [32, 32, 32, 32]);
        let mut slow = Pace {
            tokens: 128,
            ..Pace::new(true, true)
        };
        assert_eq!(chunks(&mut slow, 256, 10.0), [128, 32, 32, 32, 32]);
        let gpu = || Pace::new(false, false);
        assert_eq!(chunks(&mut gpu(), 128, 1.0), [128]);
        assert_eq!(chunks(&mut gpu(), 700, 0.01), [128, 512, 60]);
        assert_eq!(chunks(&mut gpu(), 200, 2.0), [128, 32, 32, 8]);
    }

    #[test]
    fn without_kernels_for_many_tokens_a_prompt_is_read_by_few() {
        for many in [Many::Later, Many::Refused] {
            let mut pace = Pace {
                many,
                ..Pace::new(false, true)
            };
            assert_eq!(chunks(&mut pace, 20, 100.0), [8, 8, 4]);
            assert_eq!(chunks(&mut pace, 16, 0.01), [8, 8]);
            assert_eq!(chunks(&mut pace, 1, 0.01), [1]);
            assert_eq!(pace.steady(), 8);
        }
    }
}
