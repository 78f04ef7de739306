//! Forms of the kernels that multiply few tokens with a weight: equal answers, unequal speed. Which is fastest depends on the adapter
//! and on the block format, so it is measured there (`engine/tuner.rs`).

use crate::{gpu::Caps, tensor::Format};

/// How such a kernel shares out its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// Whether four rows belong to a subgroup, or to a lane where those are a CPU's; else to a workgroup.
    pub(crate) subgroups: bool,
    /// Invocations a workgroup: a power of two.
    pub(crate) invocations: u32,
    /// Fours of rows at a time, where a norm or a residual sum is part of the kernel: 2 with subgroups only.
    pub(crate) quads: u32,
}

impl Form {
    /// What is taken unless another one is known to be faster. On a CPU what is done to x for each four rows costs as
    /// much as the products.
    pub(crate) fn usual(caps: &Caps) -> Self {
        let subgroups = caps.subgroups();
        // Each lane of a CPU has its own rows, so few of them are enough work for a core.
        let (invocations, quads) = match caps.cpu_lanes() {
            0 => (64, 1),
            lanes => (lanes.max(8), 2),
        };
        Self {
            subgroups,
            invocations,
            quads,
        }
    }

    /// Those to choose from, the usual one first; six at most.
    pub(crate) fn all(caps: &Caps) -> Vec<Self> {
        let form = |subgroups, invocations, quads| Self {
            subgroups,
            invocations,
            quads,
        };
        let mut all = vec![Self::usual(caps)];
        let others = if caps.cpu_lanes() > 0 {
            vec![form(true, 4, 1), form(true, 8, 1), form(true, 16, 1), form(true, 16, 2)]
        } else if caps.subgroups() {
            vec![
                form(true, 64, 1),
                form(true, 64, 2),
                form(true, 128, 1),
                form(true, 128, 2),
                form(false, 64, 1),
                form(false, 128, 1),
            ]
        } else {
            vec![
                form(false, 64, 1),
                form(false, 32, 1),
                form(false, 128, 1),
                form(false, 256, 1),
            ]
        };
        all.extend(others.into_iter().filter(|form| *form != Self::usual(caps)));
        all.retain(|form| form.works(caps));
        all
    }

    /// Whether an adapter can run it.
    pub(crate) fn works(self, caps: &Caps) -> bool {
        let Self {
            subgroups,
            invocations,
            quads,
        } = self;
        (caps.subgroups() || !subgroups)
            && invocations.is_power_of_two()
            && (4..=caps.invocations).contains(&invocations)
            && (invocations >= caps.subgroup_max() || !subgroups)
            && (quads == 1 || quads == 2 && subgroups)
    }

    /// Workgroups for so many items, one for each subgroup (of a CPU, lane) or, without, workgroup; enough for the widest subgroups
    /// that there are, surplus ones find nothing.
    pub(crate) fn groups(self, caps: &Caps, items: usize) -> usize {
        let per_group = if self.subgroups && caps.cpu_lanes() > 0 {
            self.invocations
        } else if self.subgroups {
            (self.invocations / caps.subgroup_max()).max(1)
        } else {
            1
        };
        items.div_ceil(per_group as usize).clamp(1, 65_535)
    }

    /// Workgroups for so many items, each with so many tokens. Where there are enough items, a workgroup takes one token after the
    /// other, since an item's rows are near after the first; but not lanes of a CPU, which are slower so (`SwiftShader`: by 15 to 48 %).
    pub(crate) fn grid(self, caps: &Caps, items: usize, tokens: usize) -> [usize; 3] {
        let shared = match caps.cpu_lanes() {
            0 => ENOUGH.div_ceil(items.max(1)).min(tokens),
            _ => tokens,
        };
        [self.groups(caps, items), shared.max(1), 1]
    }
}

/// Items at a time, of which each is four rows or eight and a subgroup's or a workgroup's: some for each scheduler of a large GPU.
const ENOUGH: usize = 2048;

/// The forms that are known to be fastest on an adapter, by block format.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Forms(pub(crate) Vec<(&'static Format, Form)>);

impl Forms {
    /// The form for weights of a format.
    pub(crate) fn of(&self, format: &'static Format, caps: &Caps) -> Form {
        let known = self
            .0
            .iter()
            .find(|(f, form)| *f == format && Form::all(caps).contains(form));
        known.map_or_else(|| Form::usual(caps), |(_, form)| *form)
    }

    /// Takes a form for weights of a format from now on.
    pub(crate) fn set(&mut self, format: &'static Format, form: Form) {
        self.0.retain(|(f, _)| *f != format);
        self.0.push((format, form));
    }
}
