//! `nomoat devices`: what models can run on here.

use crate::print;
use nomoat::Result;

pub(crate) fn devices() -> Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    print(&format!("cpu  {}, {threads} threads\n", std::env::consts::ARCH))
}
