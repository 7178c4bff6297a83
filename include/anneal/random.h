// SPDX-License-Identifier: MIT
// Random numbers: Threefry-2x32, a pure function of (key, stream, position). The same bits on every device,
// in any order; nothing is stored, so a mask is recomputed rather than kept.
#pragma once

#include "anneal/functions.h"

namespace anneal {

// A key. Splitting gives independent keys; drawing twice from one key gives the same numbers twice.
class Rng {
 public:
  explicit Rng(uint64_t seed, Loc loc = Loc::current());
  Rng(Tensor word0, Tensor word1) : word0_(std::move(word0)), word1_(std::move(word1)) {}  // u32 scalars

  Rng split(uint64_t which, Loc loc = Loc::current()) const;  // key number `which` of 2^64
  Rng fold_in(const Tensor& data,
              Loc loc = Loc::current()) const;  // by an integer scalar, such as a step counter

  Tensor bits(const Sizes& sizes, Loc loc = Loc::current()) const;                     // u32
  Tensor rand(const Sizes& sizes, DType dtype = f32, Loc loc = Loc::current()) const;  // [0, 1)
  Tensor randn(const Sizes& sizes, DType dtype = f32, Loc loc = Loc::current()) const;
  Tensor randint(int64_t low, int64_t high, const Sizes& sizes, DType dtype = i32,
                 Loc loc = Loc::current()) const;
  Tensor bernoulli(In p, const Sizes& sizes) const;    // bool
  Tensor categorical(In logits, int axis = -1) const;  // i32 positions, by the Gumbel trick

 private:
  Tensor words(const Sizes& sizes, int lane, uint32_t stream) const;
  Tensor word0_, word1_;
};

struct RandomOptions {
  uint64_t seed = 0;
  DType dtype = f32;
};
Tensor rand(const Sizes& sizes, const RandomOptions& options = {}, Loc loc = Loc::current());
Tensor randn(const Sizes& sizes, const RandomOptions& options = {}, Loc loc = Loc::current());
Tensor randint(int64_t low, int64_t high, const Sizes& sizes, uint64_t seed = 0, Loc loc = Loc::current());
Tensor bernoulli(In p, const Sizes& sizes, uint64_t seed = 0);
Tensor categorical(In logits, uint64_t seed = 0, int axis = -1);

}  // namespace anneal
