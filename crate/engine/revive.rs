//! A model whose device is lost moves to another one.

use super::{LoadOptions, Model, OnProgress, device::Runner, stats::Counts};
use crate::{
    error::{Error, Result},
    format::source::Folder,
};

impl Model {
    /// Brings the model onto a device anew, from where it was loaded, after the one that it was on is gone
    /// (`device-lost`). A generation under way goes on where it was: what the cache held is computed again. If this fails, the
    /// model is as it was before, and can be revived later.
    ///
    /// # Errors
    /// As [`Model::load`]; [`Error::BadFile`] if there are other weights now.
    pub async fn revive(
        &mut self,
        folder: &dyn Folder,
        entry: &str,
        options: &LoadOptions,
        progress: OnProgress<'_>,
    ) -> Result<()> {
        // Whatever is left of the old device is freed before there is a new one.
        self.lose();
        self.cached.clear();
        self.encoded.clear();
        let fresh = Self::load(folder, entry, options, self.clock, progress).await?;
        if fresh.info.sha256 != self.info.sha256 {
            return Err(Error::bad(entry, "weights", &self.info.sha256, fresh.info.sha256));
        }
        self.info = fresh.info;
        self.network = fresh.network;
        self.runner = fresh.runner;
        self.capacity = fresh.capacity;
        self.pace = fresh.pace;
        self.known = fresh.known;
        #[cfg(feature = "gpu")]
        {
            self.tuner = None;
        }
        self.watch.moved(Counts::of(self.counters()));
        Ok(())
    }

    /// Gives the device up, as one that is lost; tests lose it so.
    #[doc(hidden)]
    pub fn lose(&self) {
        match &self.runner {
            #[cfg(feature = "gpu")]
            Runner::Gpu(gpu) => gpu.gpu.lose(),
            Runner::Cpu(_) => {}
        }
    }
}
