//! The unit of x that `w_dot` takes, its vec4: a kernel fills it once for several rows. Needs `UNIT4`.
var<private> xs: array<vec4<f32>, UNIT4>;
