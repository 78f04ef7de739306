//! SHA-256 of a file that passes by in pieces, for the store of models.

use sha2::{Digest, Sha256};
use wasm_bindgen::prelude::*;

/// Takes pieces; says the hash of all so far.
#[wasm_bindgen]
#[derive(Default)]
pub struct Hasher {
    state: Sha256,
}

#[wasm_bindgen]
impl Hasher {
    /// Of no bytes yet.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.state.update(piece);
    }

    /// In lower-case hex; more pieces may follow.
    pub fn hex(&self) -> String {
        let hash = self.state.clone().finalize();
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
