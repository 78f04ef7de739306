//! Where the weights of a network lie: which rows of which tensors, in which order; and finding them by their GGUF names
//! in either container.

use super::Arch;
use crate::{
    error::{Error, Result, Unsupported},
    format::{Checkpoint, Container, Entry},
    op::Stored,
    quant,
    tensor::{Format, Shape},
};
use std::collections::HashSet;

/// A weight of the network: what it is on the device, and where it comes from.
pub(crate) struct Weight {
    /// Its format on the device: vectors are F32 there.
    pub(crate) format: &'static Format,
    /// Its shape on the device. What no source fills is zero.
    pub(crate) shape: Shape,
    /// What it is made of; at least one.
    pub(crate) sources: Vec<Source>,
}

/// Rows of one tensor of the files.
pub(crate) struct Source {
    /// The tensor.
    pub(crate) entry: Entry,
    /// Row of the weight that the first of them becomes; of a vector, the value.
    pub(crate) first: usize,
    /// How they lie in it.
    pub(crate) layout: Layout,
}

/// How the rows of a weight lie in a tensor; the default is as they are. A vector is so many rows of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Layout {
    /// The tensor holds other weights too.
    pub(crate) part: Option<Part>,
    /// Heads whose rotated rows are pairs side by side.
    pub(crate) paired: Option<Paired>,
    /// Groups of rows are longer on the device.
    pub(crate) rows: Option<Widen>,
    /// Groups of columns are longer on the device.
    pub(crate) columns: Option<Widen>,
    /// The tensor is `[in, out]`.
    pub(crate) transposed: bool,
}

/// Of each `stride` rows, `block` from `offset` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) offset: usize,
    pub(crate) block: usize,
    pub(crate) stride: usize,
}

/// Row `2i + j` of a head, below `rotated`, is ours `j * rotated/2 + i`; the rest stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paired {
    /// Rows a head.
    pub(crate) head_dim: usize,
    /// Of these, from the first on, how many are rotated; even.
    pub(crate) rotated: usize,
}

/// Each group of `from` becomes one of `to`, zeros at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Widen {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

impl Widen {
    /// Groups of `from` made a multiple of 4; nothing if they are one.
    pub(super) fn to_four(from: usize) -> Option<Self> {
        let to = from.next_multiple_of(4);
        (to != from).then_some(Self { from, to })
    }

    /// Where a row goes.
    pub(crate) fn target(self, at: usize) -> usize {
        at / self.from * self.to + at % self.from
    }
}

impl Layout {
    /// The row of the weight that row `row` of the tensor becomes; `None` if it is of another weight.
    pub(crate) fn target(&self, mut row: usize) -> Option<usize> {
        if let Some(Part { offset, block, stride }) = self.part {
            let within = (row % stride).checked_sub(offset).filter(|w| *w < block)?;
            row = row / stride * block + within;
        }
        if let Some(Paired { head_dim, rotated }) = self.paired {
            let (head, within) = (row / head_dim, row % head_dim);
            let turned = if within < rotated {
                within % 2 * (rotated / 2) + within / 2
            } else {
                within
            };
            row = head * head_dim + turned;
        }
        Some(self.rows.map_or(row, |widen| widen.target(row)))
    }

    /// The same for a bias of the same rows.
    pub(super) fn of_bias(self) -> Self {
        Self {
            columns: None,
            transposed: false,
            ..self
        }
    }

    /// Rows and columns in the file of `rows` by `columns` on the device.
    fn in_file(&self, rows: usize, columns: usize) -> [usize; 2] {
        let narrow = |n: usize, widen: Option<Widen>| widen.map_or(n, |w| n / w.to * w.from);
        let rows = narrow(rows, self.rows);
        let rows = self.part.map_or(rows, |p| rows / p.block.max(1) * p.stride);
        let columns = narrow(columns, self.columns);
        if self.transposed {
            [columns, rows]
        } else {
            [rows, columns]
        }
    }
}

impl Weight {
    /// Name of the first tensor it is made of.
    pub(crate) fn name(&self) -> &str {
        self.sources.first().map_or("", |s| &s.entry.name)
    }

    /// What is stored of it on a device.
    pub(crate) fn stored(&self) -> Stored<'_> {
        Stored {
            name: self.name(),
            format: self.format,
            rows: self.shape.rows(),
            width: self.shape.width(),
        }
    }

    /// Whether it is a vector, which is F32 and small.
    pub(crate) fn is_vector(&self) -> bool {
        self.shape.dims().len() == 1
    }

    /// Bytes of it in the files.
    pub(crate) fn bytes(&self) -> u64 {
        let part = |s: &Source| match s.layout.part {
            Some(p) => s.entry.bytes / p.stride as u64 * p.block as u64,
            None => s.entry.bytes,
        };
        self.sources.iter().map(part).sum()
    }
}

/// Tensors beside the weights of layers that follow from the configuration: masks and frequencies.
const DERIVED: &[&str] = &[
    "rotary_emb.inv_freq",
    "attn.bias",
    "attn.masked_bias",
    "attention.bias",
    "attention.masked_bias",
];

/// Finds tensors by their GGUF names in either container and numbers them.
pub(super) struct Finder<'a> {
    checkpoint: &'a Checkpoint,
    arch: &'static Arch,
    pub(super) weights: Vec<Weight>,
    used: HashSet<String>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(checkpoint: &'a Checkpoint, arch: &'static Arch) -> Self {
        Self {
            checkpoint,
            arch,
            weights: Vec::new(),
            used: HashSet::new(),
        }
    }

    /// The names that a tensor with this GGUF name may have in the files; `{}` stands for the layer, a second one for the
    /// expert.
    fn names(&self, name: &str, layer: Option<usize>) -> Vec<String> {
        let stored: Vec<&str> = match self.checkpoint.container {
            Container::Gguf => vec![name],
            Container::Safetensors => self
                .arch
                .published()
                .filter_map(|(published, gguf)| (gguf == name).then_some(published))
                .collect(),
        };
        let full = |s: &str| layer.map_or_else(|| s.to_owned(), |n| s.replacen("{}", &n.to_string(), 1));
        let all = stored.into_iter().map(full);
        match self.checkpoint.container {
            Container::Gguf => all.collect(),
            Container::Safetensors => all.flat_map(|s| spellings(&s)).collect(),
        }
    }

    /// The tensors with this GGUF name: none, one, or one an expert.
    fn entries(&self, name: &str, layer: Option<usize>) -> Vec<&'a Entry> {
        let tensors = &self.checkpoint.tensors;
        for name in self.names(name, layer) {
            if name.contains("{}") {
                let each = (0..).map_while(|n: usize| tensors.get(&name.replacen("{}", &n.to_string(), 1)));
                let each: Vec<_> = each.collect();
                if !each.is_empty() {
                    return each;
                }
            } else if let Some(entry) = tensors.get(&name) {
                return vec![entry];
            }
        }
        Vec::new()
    }

    /// The tensor with this GGUF name.
    pub(super) fn entry(&self, name: &str, layer: Option<usize>) -> Option<&'a Entry> {
        self.entries(name, layer).first().copied()
    }

    /// How many tensors have this GGUF name: one an expert or head in some checkpoints.
    pub(super) fn count(&self, name: &str, layer: Option<usize>) -> usize {
        self.entries(name, layer).len()
    }

    /// Notes that a tensor is used otherwise than as a weight, or rightly not at all.
    pub(super) fn note(&mut self, name: &str, layer: Option<usize>) {
        self.used.extend(self.names(name, layer));
    }

    /// Notes so of all tensors whose names in the files begin like this.
    pub(super) fn note_all(&mut self, beginning: &str) {
        let all = self.checkpoint.tensors.keys().chain(self.checkpoint.skipped.keys());
        self.used
            .extend(all.filter(|name| name.starts_with(beginning)).cloned());
    }

    /// Whether there is such a tensor, even one that cannot be read: an optional part is never left out silently.
    pub(super) fn has(&self, name: &str, layer: Option<usize>) -> bool {
        let there = |n: &String| {
            let n = n.replacen("{}", "0", 1);
            self.checkpoint.tensors.contains_key(&n) || self.checkpoint.skipped.contains_key(&n)
        };
        self.names(name, layer).iter().any(there)
    }

    /// The number of a tensor that must be there and has this shape on the device.
    pub(super) fn take(
        &mut self,
        name: &str,
        layer: Option<usize>,
        shape: impl Into<Shape>,
        layout: Layout,
    ) -> Result<usize> {
        self.take_shape(name, layer, shape.into(), layout, None)
    }

    /// The same for matrices in a tensor, so many of its rows each, that are `[in, out]`.
    pub(super) fn take_transposed(&mut self, name: &str, layer: usize, shape: [usize; 2], each: Part) -> Result<usize> {
        let layout = Layout {
            transposed: true,
            ..Layout::default()
        };
        self.take_shape(name, Some(layer), shape.into(), layout, Some(each))
    }

    fn take_shape(
        &mut self,
        name: &str,
        layer: Option<usize>,
        shape: Shape,
        layout: Layout,
        each: Option<Part>,
    ) -> Result<usize> {
        let file = &self.checkpoint.name;
        let named = layer.map_or_else(|| name.to_owned(), |n| name.replacen("{}", &n.to_string(), 1));
        let entries = self.entries(name, layer);
        let Some(first) = entries.first().copied() else {
            let names = self.names(name, layer).into_iter();
            let mut unreadable = names.filter(|n| self.checkpoint.skipped.contains_key(n));
            return Err(match unreadable.next().map(|n| self.checkpoint.tensor(&n)) {
                Some(Err(error)) => error,
                _ => Error::bad(file, &named, format!("a tensor {shape:?}"), "none"),
            });
        };
        let vector = shape.dims().len() == 1;
        // Matrices that are transposed one by one.
        let apart: Vec<Entry> = match entries[..] {
            [whole] if layout.transposed && !vector => matrices(whole, each),
            _ => entries.into_iter().cloned().collect(),
        };
        let entries = apart;
        // Columns of blocks are no blocks.
        let plain = if layout.transposed { quant::F16 } else { first.format };
        let format = if first.format.block > 1 { plain } else { first.format };
        let rows = if vector { shape.width() } else { shape.rows() };
        let columns = if vector { 1 } else { shape.width() };
        let one = rows / entries.len();
        let expected = layout.in_file(one, columns);
        let mut sources = Vec::new();
        for (n, entry) in entries.iter().enumerate() {
            let found = if vector {
                [entry.shape.count(), 1]
            } else {
                [entry.shape.rows(), entry.shape.width()]
            };
            if found != expected || one * entries.len() != rows || entry.format != first.format {
                let expected = match vector {
                    true => format!("[{}]", expected[0]),
                    false => format!("{expected:?}"),
                };
                let found = format!("{:?} {:?}", entry.format, entry.shape);
                return Err(Error::bad(file, &entry.name, expected, found));
            }
            if (layout.columns.is_some() && entry.format.block > 1 || layout.transposed && entry.scales.is_some())
                && !vector
            {
                return Err(Error::Unsupported {
                    kind: Unsupported::Format,
                    file: file.clone(),
                    what: format!("{:?} of {} by columns", entry.format, entry.name),
                    supported: "F32, F16, BF16".into(),
                });
            }
            self.used.insert(entry.name.clone());
            sources.push(Source {
                entry: entry.clone(),
                first: n * one,
                layout,
            });
        }
        self.weights.push(Weight {
            format: self.checkpoint.on_device(name, format, shape),
            shape,
            sources,
        });
        Ok(self.weights.len() - 1)
    }

    /// Makes one weight of this one and those that were taken after it, below each other.
    pub(super) fn stack(&mut self, number: usize) {
        let below = self.weights.split_off(number + 1);
        let Some(weight) = self.weights.last_mut() else { return };
        let mut rows = weight.shape.rows();
        for part in below {
            let moved = |source: Source| Source {
                first: source.first + rows,
                ..source
            };
            weight.sources.extend(part.sources.into_iter().map(moved));
            rows += part.shape.rows();
        }
        weight.shape = [rows, weight.shape.width()].into();
    }

    /// An error for a tensor that this family does not use: nothing is left out silently. Other parts of a model
    /// (towers for images, heads for training) may be there.
    pub(super) fn finish(self) -> Result<Vec<Weight>> {
        let gguf = self.checkpoint.container == Container::Gguf;
        let layers = self.layers();
        let all = self.checkpoint.tensors.keys().chain(self.checkpoint.skipped.keys());
        let known: HashSet<String> = self
            .arch
            .published()
            .flat_map(|(published, _)| spellings(published))
            .collect();
        let counts = |name: &str| {
            let of_layer = layers.iter().any(|layers| name.starts_with(layers));
            gguf || of_layer || known.contains(name)
        };
        let derived = |name: &str| !gguf && DERIVED.iter().any(|d| name.ends_with(d));
        match all
            .into_iter()
            .find(|n| !self.used.contains(*n) && counts(n) && !derived(n))
        {
            None => Ok(self.weights),
            Some(name) => Err(Error::Unsupported {
                kind: Unsupported::Architecture,
                file: self.checkpoint.name.clone(),
                what: format!("{} with {name}", self.arch.name),
                supported: format!("{} without it", self.arch.name),
            }),
        }
    }

    /// What the names of tensors of layers begin with.
    fn layers(&self) -> HashSet<String> {
        let of_layer = |name: &&str| name.contains(".{}.");
        let published = self.arch.published().map(|(published, _)| published).filter(of_layer);
        let all = published.flat_map(|p| spellings(&p.replacen("{}", "0", 1)));
        all.filter(|name| self.used.contains(name))
            .filter_map(|name| Some(name.split(".0.").next()?.to_owned() + "."))
            .collect()
    }
}

/// More than any model has of them in a tensor.
const MATRICES: usize = 1 << 16;

/// The matrices of a tensor of three dimensions, or those that a part of its rows is.
fn matrices(whole: &Entry, part: Option<Part>) -> Vec<Entry> {
    let (count, columns, part) = match (whole.shape.dims(), part) {
        (&[rows, columns], Some(part)) if rows >= part.stride => (rows / part.stride, columns, part),
        (&[count, rows, columns], None) => {
            let all = Part {
                offset: 0,
                block: rows,
                stride: rows,
            };
            (count, columns, all)
        }
        _ => return vec![whole.clone()],
    };
    if count > MATRICES {
        return vec![whole.clone()];
    }
    let row = whole.row_bytes();
    let one = |n: usize| Entry {
        shape: [part.block, columns].into(),
        offset: whole.offset + (n * part.stride + part.offset) as u64 * row,
        bytes: part.block as u64 * row,
        ..whole.clone()
    };
    (0..count).map(one).collect()
}

/// How checkpoints spell a name: without the outer prefix when saved from the inner model, with more of it when the text
/// model is part of a larger one.
fn spellings(full: &str) -> Vec<String> {
    let mut all = vec![full.to_owned()];
    let rest = full
        .split_once('.')
        .filter(|(outer, _)| ["model", "transformer", "gpt_neox", "bert"].contains(outer));
    if let Some((_, rest)) = rest {
        all.push(rest.to_owned());
        all.push(format!("model.language_model.{rest}"));
    }
    all.push(format!("language_model.{full}"));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(layout: Layout, rows: usize) -> Vec<Option<usize>> {
        (0..rows).map(|r| layout.target(r)).collect()
    }

    #[test]
    fn paired_rows_part_into_halves_and_what_does_not_turn_stays() {
        let all = |head_dim, rotated| {
            let paired = Some(Paired { head_dim, rotated });
            targets(
                Layout {
                    paired,
                    ..Layout::default()
                },
                8,
            )
        };
        assert_eq!(all(4, 4), [0, 2, 1, 3, 4, 6, 5, 7].map(Some));
        assert_eq!(all(8, 4), [0, 2, 1, 3, 4, 5, 6, 7].map(Some));
    }

    #[test]
    fn parts_are_taken_by_block_and_groups_widened() {
        let layout = Layout {
            part: Some(Part {
                offset: 2,
                block: 2,
                stride: 4,
            }),
            rows: Some(Widen { from: 2, to: 4 }),
            ..Layout::default()
        };
        let expected = [None, None, Some(0), Some(1), None, None, Some(4), Some(5)];
        assert_eq!(targets(layout, 8), expected);
        assert_eq!(layout.in_file(8, 3), [8, 3]);
    }
}
