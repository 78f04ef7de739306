//! Words of the sampler's buffer, which the host writes once a request, and how the tokens that were picked lie.
const SAMPLER_KEEP: u32 = 0u;          // most likely tokens that stay, at most MOST; 1 takes the likeliest
const SAMPLER_TEMPERATURE: u32 = 1u;   // f32
const SAMPLER_TOP_P: u32 = 2u;         // f32
const SAMPLER_MIN_P: u32 = 3u;         // f32, its logarithm; of 0 the lowest number
const SAMPLER_SEED: u32 = 4u;          // two words, the lower one first
const SAMPLER_STOPS: u32 = 6u;         // how many ids end the answer; they follow
const MOST: u32 = 64u;
const SLICE: u32 = 4096u;              // logits
const PICKED: u32 = 132u;              // words a slice: keys, ids, whether a logit was no finite number; a multiple of 4
