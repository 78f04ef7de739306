//! Weights on their way to the device: each tensor is read once, in file order and in chunks of whole rows, and its rows
//! go where they belong, which may be several weights, other rows, or columns.

use super::{OnProgress, Phase, device::Runner, load::tell};
use crate::{
    error::{Error, Result},
    format::{Checkpoint, Entry},
    model::{Network, Weight},
    quant,
    tensor::{Format, sort_by_numbers},
};
use sha2::{Digest, Sha256};

/// Bytes read and uploaded at once, at most, unless one row is longer.
const CHUNK: u64 = 8 << 20;
/// Bytes of a transposed tensor that are gathered at once; it is read again for the next ones.
const GATHERED: usize = 32 << 20;

/// Rows of a file, as many as `bytes` has.
struct Rows<'a> {
    /// Number of the first one.
    first: usize,
    bytes: &'a [u8],
    /// Bytes of one.
    row: usize,
}

/// Loading under way.
pub(super) struct Stream<'a, 'b> {
    network: &'a Network,
    runner: &'a mut Runner,
    progress: &'a mut OnProgress<'b>,
    hash: Sha256,
    done: u64,
    total: u64,
    /// Vectors that are not whole yet, by number of the weight: values, and how many tensors are still to come.
    vectors: Vec<Option<(Vec<f32>, usize)>>,
}

impl<'a, 'b> Stream<'a, 'b> {
    pub(super) fn new(network: &'a Network, runner: &'a mut Runner, progress: &'a mut OnProgress<'b>) -> Self {
        let vector = |w: &Weight| w.is_vector().then(|| (vec![0.0; w.shape.count()], w.sources.len()));
        Self {
            network,
            runner,
            progress,
            hash: Sha256::new(),
            done: 0,
            total: 0,
            vectors: network.weights.iter().map(vector).collect(),
        }
    }

    /// Brings everything; answers the SHA-256 of the bytes.
    pub(super) async fn run(mut self, checkpoint: &Checkpoint) -> Result<Vec<u8>> {
        let network = self.network;
        let numbered = network.weights.iter().enumerate();
        let mut all: Vec<(usize, usize)> = numbered
            .flat_map(|(w, weight)| (0..weight.sources.len()).map(move |s| (w, s)))
            .collect();
        let entry = |(w, s): (usize, usize)| &network.weights[w].sources[s].entry;
        sort_by_numbers(&mut all, |at| [entry(*at).file as u64, entry(*at).offset]);
        let same = |a: &(usize, usize), b: &(usize, usize)| {
            // A part of a tensor may begin where the whole does.
            let at = |at: &(usize, usize)| (entry(*at).file, entry(*at).offset, entry(*at).bytes);
            at(a) == at(b)
        };
        let groups: Vec<_> = all.chunk_by(same).collect();
        self.total = groups.iter().map(|g| entry(g[0]).bytes).sum();
        tell(self.progress, Phase::Weights, 0, self.total)?;
        for group in groups {
            let (w, s) = group[0];
            if network.weights[w].sources[s].layout.transposed {
                self.columns(checkpoint, entry(group[0]), group).await?;
            } else {
                self.rows(checkpoint, entry(group[0]), group).await?;
            }
        }
        Ok(self.hash.finalize().to_vec())
    }

    fn read(&mut self, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.done += bytes.len() as u64;
        tell(self.progress, Phase::Weights, self.done, self.total)
    }

    async fn rows(&mut self, checkpoint: &Checkpoint, entry: &Entry, users: &[(usize, usize)]) -> Result<()> {
        let rows = entry.shape.rows();
        let row = usize::try_from(entry.row_bytes()).map_err(|_| Error::internal("a row beyond memory"))?;
        let most = usize::try_from(CHUNK / entry.row_bytes().max(1)).unwrap_or(usize::MAX);
        // Whole groups of rows that change places, so that what they become is in one piece.
        let network = self.network;
        let units = users.iter().map(|(w, s)| {
            let layout = network.weights[*w].sources[*s].layout;
            layout.paired.map_or(1, |p| p.head_dim)
        });
        let unit = units.max().unwrap_or(1);
        let most = (most / unit * unit).max(unit);
        for first in (0..rows).step_by(most) {
            let bytes = checkpoint.read(entry, first, most.min(rows - first)).await?;
            self.read(&bytes)?;
            let bytes = &bytes;
            self.give(users, entry.format, &Rows { first, bytes, row })?;
        }
        self.whole(users)
    }

    /// Columns of the file become rows.
    async fn columns(&mut self, checkpoint: &Checkpoint, entry: &Entry, users: &[(usize, usize)]) -> Result<()> {
        // Columns of blocks are no blocks.
        let decoded = entry.format.block > 1;
        let format = if decoded { quant::F32 } else { entry.format };
        let (rows, columns, each) = (entry.shape.rows(), entry.shape.width(), format.bytes);
        let wide = (GATHERED / (rows * each).max(1)).clamp(1, columns);
        let most = usize::try_from(CHUNK / entry.row_bytes().max(1))
            .unwrap_or(usize::MAX)
            .max(1);
        for from in (0..columns).step_by(wide) {
            let count = wide.min(columns - from);
            let mut gathered = vec![0; count * rows * each];
            for first in (0..rows).step_by(most) {
                let bytes = checkpoint.read(entry, first, most.min(rows - first)).await?;
                if from == 0 {
                    self.read(&bytes)?;
                }
                let bytes = if decoded {
                    quant::encode(&entry.name, &entry.format.decode(&bytes), format)?
                } else {
                    bytes
                };
                for (r, row) in bytes.chunks_exact(columns * each).enumerate() {
                    let cells = row[from * each..(from + count) * each].chunks_exact(each);
                    for (c, cell) in cells.enumerate() {
                        let to = (c * rows + first + r) * each;
                        gathered[to..to + each].copy_from_slice(cell);
                    }
                }
            }
            let given = Rows {
                first: from,
                bytes: &gathered,
                row: rows * each,
            };
            self.give(users, format, &given)?;
        }
        self.whole(users)
    }

    /// Gives rows to the weights that use them.
    fn give(&mut self, users: &[(usize, usize)], format: &'static Format, rows: &Rows<'_>) -> Result<()> {
        let network = self.network;
        for (number, source) in users {
            let weight = &network.weights[*number];
            let source = &weight.sources[*source];
            if let Some(Some((values, _))) = self.vectors.get_mut(*number) {
                let found = format.decode(rows.bytes);
                let before = rows.first * (rows.row / format.bytes * format.block);
                for (i, value) in found.into_iter().enumerate() {
                    let cell = source.layout.target(before + i);
                    if let Some(cell) = cell.and_then(|c| values.get_mut(source.first + c)) {
                        *cell = value;
                    }
                }
                continue;
            }
            let count = rows.bytes.len() / rows.row;
            let to = |i: usize| Some((source.layout.target(rows.first + i)? + source.first, i));
            let mut moved: Vec<(usize, usize)> = (0..count).filter_map(to).collect();
            sort_by_numbers(&mut moved, |(to, _)| [*to as u64, 0]);
            for run in moved.chunk_by(|a, b| a.0 + 1 == b.0) {
                let (first, from) = run[0];
                let straight = run.iter().enumerate().all(|(i, (_, at))| *at == from + i);
                let gathered: Vec<u8>;
                let bytes = if straight {
                    &rows.bytes[from * rows.row..(from + run.len()) * rows.row]
                } else {
                    let row = |(_, at): &(usize, usize)| &rows.bytes[at * rows.row..(at + 1) * rows.row];
                    gathered = run.iter().flat_map(row).copied().collect();
                    &gathered
                };
                let widen = source.layout.columns;
                let wider: Vec<u8>;
                let bytes = match widen {
                    Some(widen) => {
                        let each = format.bytes;
                        let mut cells = vec![0; run.len() * weight.shape.width() * each];
                        let rows = bytes.chunks_exact(rows.row);
                        for (to, from) in cells.chunks_exact_mut(weight.shape.width() * each).zip(rows) {
                            for (c, cell) in from.chunks_exact(each).enumerate() {
                                let at = widen.target(c) * each;
                                to[at..at + each].copy_from_slice(cell);
                            }
                        }
                        wider = cells;
                        &wider
                    }
                    None => bytes,
                };
                if weight.format == format {
                    self.runner.fill(*number, first, bytes)?;
                } else {
                    let other = quant::encode(weight.name(), &format.decode(bytes), weight.format)?;
                    self.runner.fill(*number, first, &other)?;
                }
            }
        }
        Ok(())
    }

    /// Notes that a tensor is through; vectors that are whole go to the device.
    fn whole(&mut self, users: &[(usize, usize)]) -> Result<()> {
        for (number, _) in users {
            let Some(waiting) = self.vectors.get_mut(*number) else {
                continue;
            };
            let Some((values, left)) = waiting else { continue };
            *left -= 1;
            if *left == 0 {
                let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                *waiting = None;
                self.runner.fill(*number, 0, &bytes)?;
            }
        }
        Ok(())
    }
}
