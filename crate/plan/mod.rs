//! From recorded operators to a program: fuse known neighbours, place tensors in reused buffers, lower to dispatches.
