//! The table of block formats on a device: each decoded, multiplied (for few tokens and for many) and looked up. `ops.rs`
//! prints it; `./build.sh formats` does so for every driver and browser.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::{disk, quants::vectors};
use nomoat::{dev::Report, quant::FORMATS, tensor::Format};
use std::collections::BTreeMap;

const FORMS: [&str; 4] = ["dequantise", "vec", "tiled", "embed"];

/// Blocks as weights of three a row.
pub(crate) type Blocks = (&'static Format, usize, Vec<u8>);

/// The largest error by format and form; none where that was not tried.
#[derive(Default)]
pub(crate) struct Table(BTreeMap<(&'static str, &'static str), f64>);

/// What a case is of: `matmul Q4_K t5/8 n130 k512` or `embed Q4_K small`.
fn form(report: &Report) -> Option<(&'static str, &'static str)> {
    let words: Vec<&str> = report.name.split_whitespace().collect();
    let format = FORMATS.iter().find(|f| words.get(1) == Some(&f.name))?.name;
    let bucket = || words.get(2)?.split_once('/')?.1.parse::<usize>().ok();
    match words[0] {
        "embed" => Some((format, "embed")),
        "matmul" if bucket()? <= 8 => Some((format, "vec")),
        "matmul" => Some((format, "tiled")),
        _ => None,
    }
}

/// The error of decoded values, 0 where all bits are the same.
fn error(expected: &[f32], found: &[f32]) -> f64 {
    let pairs = || expected.iter().zip(found).map(|(e, f)| (f64::from(*e), f64::from(*f)));
    if expected.len() == found.len() && expected.iter().zip(found).all(|(e, f)| e.to_bits() == f.to_bits()) {
        return 0.0;
    }
    let wrong: f64 = pairs().map(|(e, f)| (e - f).powi(2)).sum();
    wrong / pairs().map(|(e, _)| e * e).sum::<f64>()
}

/// Blocks of every format that other tools decoded, as another tool did.
fn blocks() -> Vec<(Blocks, Vec<f32>)> {
    let Some(shared) = disk::shared() else { return vec![] };
    let all = FORMATS.iter().filter_map(|format| {
        let (mut raw, mut values) = vectors(&shared, format)?;
        let width = 3 * format.block.max(4);
        let rows = values.len() / width;
        values.truncate(rows * width);
        raw.truncate(rows * width / format.block * format.bytes);
        Some(((*format, width, raw), values))
    });
    all.collect()
}

impl Table {
    /// Adds how the cases of operators went.
    pub(crate) fn of(reports: &[Report]) -> Self {
        let mut table = Self::default();
        for report in reports {
            if let Some(at) = form(report) {
                table.add(at, report.nmse);
            }
        }
        table
    }

    fn add(&mut self, at: (&'static str, &'static str), error: f64) {
        let most = self.0.entry(at).or_insert(0.0);
        *most = if error.is_nan() { f64::INFINITY } else { most.max(error) };
    }

    /// Adds what `decode` makes of blocks.
    pub(crate) fn decoded(&mut self, decode: impl FnOnce(&[Blocks]) -> Vec<Vec<f32>>) {
        let (blocks, expected): (Vec<_>, Vec<_>) = blocks().into_iter().unzip();
        let found = decode(&blocks);
        for (((format, ..), expected), found) in blocks.iter().zip(&expected).zip(&found) {
            self.add((format.name, "dequantise"), error(expected, found));
        }
    }

    /// Prints it and holds it: decoding is exact, and every other form of every format was tried.
    pub(crate) fn print(&self, device: &str) {
        println!("| {device} | {} |", FORMS.join(" | "));
        for format in FORMATS {
            let cell = |form| match self.0.get(&(format.name, form)) {
                None => "not tried".into(),
                Some(0.0) => "exact".into(),
                Some(error) => format!("{error:.0e}"),
            };
            println!("| {} | {} |", format.name, FORMS.map(cell).join(" | "));
        }
        for ((format, form), error) in &self.0 {
            assert!(
                *form != "dequantise" || *error == 0.0,
                "on {device}: {format} {error:e}"
            );
        }
        let tried = self.0.keys().filter(|(_, form)| *form != "dequantise");
        assert_eq!(tried.count(), (FORMS.len() - 1) * FORMATS.len(), "on {device}");
    }
}
