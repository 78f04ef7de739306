//! Two runs of the benchmark side by side.

use crate::{files::failed, print};
use nomoat::{Error, Result};
use serde_json::Value;
use std::path::Path;

/// The rows of both files that are of one case, each with how much faster the second one is; also answers the file that an
/// error is about.
pub(super) fn compare<'a>(before: &'a Path, after: &'a Path) -> (Option<&'a Path>, Result<()>) {
    let read = |path: &'a Path| rows(path).map_err(|error| (Some(path), Err(error)));
    match (read(before), read(after)) {
        (Ok(before), Ok(after)) => (None, show(&before, &after)),
        (Err(failed), _) | (_, Err(failed)) => failed,
    }
}

/// What was measured of a case.
struct Figure {
    case: String,
    unit: &'static str,
    value: f64,
}

fn rows(path: &Path) -> Result<Vec<Figure>> {
    let text = std::fs::read_to_string(path).map_err(|e| failed(path.display().to_string(), &e))?;
    let mut figures = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |found: String| {
            let expected = "a row as `nomoat bench --json` writes it";
            Error::bad(
                path.display().to_string(),
                format!("line {}", number + 1),
                expected,
                found,
            )
        };
        let row: Value = serde_json::from_str(line).map_err(|e| wrong(e.to_string()))?;
        figures.extend(figures_of(&row).ok_or_else(|| wrong(line.chars().take(60).collect()))?);
    }
    Ok(figures)
}

/// The figures of a row; `None` if it is none.
fn figures_of(row: &Value) -> Option<Vec<Figure>> {
    let text = |key: &str| row[key].as_str();
    let figure = |case: String, unit, value: Option<f64>| value.map(|value| Figure { case, unit, value });
    let device = text("device")?;
    let all = match text("kind")? {
        "device" => vec![
            figure(format!("{device} read"), "GB/s", row["readGBps"].as_f64()),
            figure(format!("{device} f32"), "GFLOP/s", row["fmaGflops"].as_f64()),
        ],
        "operator" => {
            let case = format!("{device} {} {}", text("op")?, text("case")?);
            vec![figure(case, "ms", row["ms"].as_f64())]
        }
        "model" => {
            let case = |what| {
                format!(
                    "{device} {} at {} {what}",
                    text("model").unwrap_or_default(),
                    row["promptTokens"]
                )
            };
            vec![
                figure(case("prefill"), "tokens/s", row["prefillTps"].as_f64()),
                figure(case("decode"), "tokens/s", row["decodeTps"].as_f64()),
            ]
        }
        _ => return None,
    };
    Some(all.into_iter().flatten().collect())
}

fn show(before: &[Figure], after: &[Figure]) -> Result<()> {
    let (mut known, mut missing) = (0, 0);
    print(&format!(
        "{:<60} {:>12} {:>12} {:>8}\n",
        "case", "before", "after", "faster"
    ))?;
    for old in before {
        let Some(new) = after.iter().find(|new| new.case == old.case) else {
            missing += 1;
            continue;
        };
        known += 1;
        let times = if old.unit == "ms" {
            old.value / new.value
        } else {
            new.value / old.value
        };
        print(&format!(
            "{:<60} {:>12.3} {:>12.3} {times:>7.2}x {}\n",
            old.case, old.value, new.value, old.unit
        ))?;
    }
    let is_new = |new: &&Figure| !before.iter().any(|old| old.case == new.case);
    let added = after.iter().filter(is_new).count();
    print(&format!(
        "{known} cases in both, {missing} only before, {added} only after\n"
    ))
}
