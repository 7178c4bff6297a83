// SPDX-License-Identifier: MIT
// Small differentiable programs for the tests of gradients: for every op with a derivative one for each form
// of its argument, at points away from its jumps.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ir/builder.h"

namespace anneal::autodiff {

struct SampleInput {
  std::vector<int64_t> shape;
  std::vector<double> values;
};

struct Sample {
  ir::Op op;
  std::string name;
  std::vector<SampleInput> inputs;
  std::function<ir::Node(const ir::Builder& b, std::span<const ir::Node> in)> build;
};

std::vector<Sample> gradient_samples();

// Numbers in (low, high), no two alike, the same ones for the same seed.
SampleInput random_input(std::vector<int64_t> shape, double low, double high, uint64_t seed = 1);

}  // namespace anneal::autodiff
