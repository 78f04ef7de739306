;; The tile of `wasm.rs` with one instruction for a product and a sum. A module of its own, since one that names relaxed SIMD is
;; invalid where that is not known: it is put into the table of the large module, whose memory it takes.
(module
  (import "nomoat" "memory" (memory 1))
  ;; Dots of 4 rows at $w with each 2 of $pairs * 2 tokens at $x: `[n, 4, 4]`, `[pairs, n, 2, 4]`, `[pairs, 2, 4]` at $y.
  (func (export "tiles") (param $w i32) (param $x i32) (param $n i32) (param $y i32) (param $pairs i32)
    (local $at i32) (local $end i32)
    (local $x0 v128) (local $x1 v128) (local $r v128)
    (local $a0 v128) (local $b0 v128) (local $c0 v128) (local $d0 v128)
    (local $a1 v128) (local $b1 v128) (local $c1 v128) (local $d1 v128)
    (local.set $end (i32.add (local.get $w) (i32.shl (local.get $n) (i32.const 6))))
    (block $done
      (loop $pair
        (br_if $done (i32.eqz (local.get $pairs)))
        (local.set $pairs (i32.sub (local.get $pairs) (i32.const 1)))
        (local.set $at (local.get $w))
        (local.set $a0 (v128.const i32x4 0 0 0 0))
        (local.set $b0 (v128.const i32x4 0 0 0 0))
        (local.set $c0 (v128.const i32x4 0 0 0 0))
        (local.set $d0 (v128.const i32x4 0 0 0 0))
        (local.set $a1 (v128.const i32x4 0 0 0 0))
        (local.set $b1 (v128.const i32x4 0 0 0 0))
        (local.set $c1 (v128.const i32x4 0 0 0 0))
        (local.set $d1 (v128.const i32x4 0 0 0 0))
        (block $full
          (loop $lanes
            (br_if $full (i32.eq (local.get $at) (local.get $end)))
            (local.set $x0 (v128.load (local.get $x)))
            (local.set $x1 (v128.load offset=16 (local.get $x)))
            (local.set $r (v128.load (local.get $at)))
            (local.set $a0 (f32x4.relaxed_madd (local.get $r) (local.get $x0) (local.get $a0)))
            (local.set $a1 (f32x4.relaxed_madd (local.get $r) (local.get $x1) (local.get $a1)))
            (local.set $r (v128.load offset=16 (local.get $at)))
            (local.set $b0 (f32x4.relaxed_madd (local.get $r) (local.get $x0) (local.get $b0)))
            (local.set $b1 (f32x4.relaxed_madd (local.get $r) (local.get $x1) (local.get $b1)))
            (local.set $r (v128.load offset=32 (local.get $at)))
            (local.set $c0 (f32x4.relaxed_madd (local.get $r) (local.get $x0) (local.get $c0)))
            (local.set $c1 (f32x4.relaxed_madd (local.get $r) (local.get $x1) (local.get $c1)))
            (local.set $r (v128.load offset=48 (local.get $at)))
            (local.set $d0 (f32x4.relaxed_madd (local.get $r) (local.get $x0) (local.get $d0)))
            (local.set $d1 (f32x4.relaxed_madd (local.get $r) (local.get $x1) (local.get $d1)))
            (local.set $x (i32.add (local.get $x) (i32.const 32)))
            (local.set $at (i32.add (local.get $at) (i32.const 64)))
            (br $lanes)))
        (v128.store (local.get $y) (call $across (local.get $a0) (local.get $b0) (local.get $c0) (local.get $d0)))
        (v128.store offset=16 (local.get $y) (call $across (local.get $a1) (local.get $b1) (local.get $c1) (local.get $d1)))
        (local.set $y (i32.add (local.get $y) (i32.const 32)))
        (br $pair))))
  ;; The sums of each of four vectors, as one.
  (func $across (param $a v128) (param $b v128) (param $c v128) (param $d v128) (result v128)
    (local $e v128) (local $f v128)
    (local.set $e (f32x4.add
      (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $a) (local.get $b))
      (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $a) (local.get $b))))
    (local.set $f (f32x4.add
      (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $c) (local.get $d))
      (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $c) (local.get $d))))
    (f32x4.add
      (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $e) (local.get $f))
      (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $e) (local.get $f)))))
