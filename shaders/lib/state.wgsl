//! Words of the state buffer: where in the context this step is. Written by the host before a prompt's chunk, read by
//! every kernel with a lasting effect, advanced by the sampler.
const STATE_POS: u32 = 0u;    // position of the first token of this step
const STATE_LEN: u32 = 1u;    // valid tokens in this step, at most the bucket
const STATE_STEP: u32 = 2u;   // tokens sampled so far: where the next one goes in the ring
const STATE_ENCODED: u32 = 3u;   // keys that the encoder wrote, where there is one
const STATE_STOPPED: u32 = 4u;   // above 0: the answer is over, and what else was submitted changes nothing
