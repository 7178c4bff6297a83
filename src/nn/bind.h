// SPDX-License-Identifier: MIT
// The inputs of a step or forward: open ends to trace with, and the tensors of a call bound to them. Tested
// by training_test.cc.
#pragma once

#include "anneal/training.h"
#include "tensor/call.h"

namespace anneal::nn::detail {

// Numbers of open ends, beyond those of users and of captured functions.
inline constexpr int64_t kFirstOpen = int64_t{1} << 41;

// Open ends in the order they are made, which is the order of a program's arguments.
class OpenEnds {
 public:
  Tensor make(const Sizes& sizes, DType dtype, std::string_view name, std::string_view call, const Loc& loc);
  const std::vector<Tensor>& all() const { return all_; }

 private:
  std::vector<Tensor> all_;
};

// Names are there once, and extents are such as can be bound.
void check_specs(const Call& call, const InputSpecs& specs);

struct Bound {
  std::vector<Tensor> values;  // data, in the order of the specs
  RunOptions run;              // values of named dimensions
};
Bound bind(std::string_view caller, const InputSpecs& specs, const NamedTensors& given, const Loc& loc);

}  // namespace anneal::nn::detail
