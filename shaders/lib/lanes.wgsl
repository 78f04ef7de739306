//! Where a subgroup is lanes of a CPU, a load is what costs. SwiftShader has four: a load costs the same whatever they read, so it
//! should bring four words that differ, and what lanes need of one another comes by broadcasts, which are next to free. lavapipe has
//! more and loads for one after the other, but only once what is the same for all. For both, each lane has rows of its own.
override LANES: u32 = 0u;   // of a CPU, in a subgroup; else 0
