//! Operators: what a network is written with. Each has a twin (its meaning on the CPU), kernels and test cases.
