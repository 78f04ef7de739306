//! Whether a subgroup is the four lanes of a CPU, as SwiftShader's are. There a load is what costs, whatever lanes read, so it should
//! bring four words that differ; and what lanes need of one another comes by broadcasts, which are next to free.
override LANES: bool = false;
