//! `nomoat devices`: what models can run on here, and whether each kernel variant is right on it.

#[cfg(feature = "gpu")]
use crate::kept;
use crate::print;
use nomoat::{Result, dev};

/// Both sides of a case compute in f32, and the twin sums in f64.
const TOLERANCE: f64 = 1e-9;

pub(crate) fn devices() -> Result<()> {
    #[cfg(feature = "gpu")]
    gpus()?;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    print(&format!("cpu  {}, {threads} threads\n", std::env::consts::ARCH))?;
    print(&format!("     self-test, f32: {}\n", verdict(&dev::cpu())))
}

#[cfg(feature = "gpu")]
fn gpus() -> Result<()> {
    let (adapters, kept) = (pollster::block_on(dev::adapters()), kept::read());
    if adapters.is_empty() {
        print("gpu  none: there is no adapter\n")?;
    }
    for adapter in &adapters {
        print(&format!("gpu  {}\n", adapter.name))?;
        for line in abilities(adapter) {
            print(&format!("     {line}\n"))?;
        }
        if let Some(found) = kept.as_ref().and_then(|text| dev::kept(text, adapter)) {
            print(&format!("     found when models ran here: {found}\n"))?;
        }
    }
    if adapters.is_empty() {
        return Ok(());
    }
    for (name, subgroups) in [("f32", false), ("f32 with subgroups", true)] {
        let variant = dev::Variant {
            subgroups,
            as_hardware: false,
            max_binding: None,
            form: 0,
            only: None,
        };
        let tried = match pollster::block_on(dev::gpu(variant)) {
            Ok((adapter, _)) if subgroups && adapter.subgroup_sizes.is_none() => {
                format!("{}: none there", adapter.name)
            }
            Ok((adapter, reports)) => format!("{}: {}", adapter.name, verdict(&Ok(reports))),
            Err(error) => verdict(&Err(error)),
        };
        print(&format!("     self-test, {name}, {tried}\n"))?;
    }
    Ok(())
}

/// What an adapter is and can do, a line each.
#[cfg(feature = "gpu")]
pub(crate) fn abilities(adapter: &dev::Caps) -> Vec<String> {
    let kind = if adapter.software { "software" } else { "hardware" };
    let subgroups = match adapter.subgroup_sizes {
        Some((min, max)) if min == max => format!("of {min}"),
        Some((min, max)) => format!("of {min} to {max}"),
        None => "none".into(),
    };
    let f16 = if adapter.f16 { "yes" } else { "no" };
    vec![
        format!("{kind}, driver {}", adapter.driver),
        format!("features: subgroups {subgroups}, f16 {f16}"),
        format!(
            "limits: binding {} bytes, buffer {} bytes, workgroup memory {} bytes, {} invocations a workgroup",
            adapter.max_binding, adapter.max_buffer, adapter.workgroup_memory, adapter.invocations
        ),
    ]
}

/// How a variant did, in words.
fn verdict(tried: &Result<Vec<dev::Report>>) -> String {
    let reports = match tried {
        Ok(reports) => reports,
        Err(error) => return format!("could not be tried: {error}"),
    };
    let holds = |r: &&dev::Report| !r.overrun && r.nmse <= TOLERANCE;
    let worst = reports.iter().map(|r| r.nmse).fold(0.0, f64::max);
    let wrong: Vec<_> = reports.iter().filter(|r| !holds(r)).map(|r| r.name.as_str()).collect();
    if wrong.is_empty() {
        format!("right in {} cases (error at most {worst:.0e})", reports.len())
    } else {
        let (wrong, count, all) = (wrong.join(", "), wrong.len(), reports.len());
        format!("wrong in {count} of {all} cases: {wrong}")
    }
}
