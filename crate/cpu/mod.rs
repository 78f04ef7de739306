//! The CPU as a device: fast versions of the heavy operators and the interpreter of a graph.
