//! The one test binary. Files are rooms of claims; each says in its first line what it is about.
mod containers;
mod conversion;
mod disk;
mod goldens;
<<<<<<< HEAD
mod ops;
mod program;
=======
>>>>>>> b49395c (format: keep messages about hostile names to one short line)
mod heap;
mod hostile;
mod malformed;
mod program;
mod quants;
mod reference;
mod scan;
mod shaders;
mod tidy;
mod zoo;
