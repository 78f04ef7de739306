//! The one test binary. Files are rooms of claims; each says in its first line what it is about.
mod containers;
mod disk;
mod quants;
mod text;
