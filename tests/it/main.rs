//! The one test binary. Files are rooms of claims; each says in its first line what it is about.
mod containers;
mod conversion;
mod disk;
mod goldens;
mod heap;
mod hostile;
mod malformed;
mod ops;
mod program;
mod quants;
mod reference;
mod scan;
mod shaders;
mod text;
mod tidy;
mod zoo;
