// SPDX-License-Identifier: MIT
// Going on with the run of a bundle, and running it again to see whether it comes out the same, bit for bit.
// Tested by recorder_test.cc.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bundles/program_log.h"
#include "bundles/store.h"
#include "training/trainable.h"

namespace anneal::bundles {

// Settings of a training run as a bundle keeps them, and back.
std::map<std::string, Value> values_of(const training::Settings& settings);
training::Settings training_settings(const Config& config);

// The file from which a bundle's run goes on: its checkpoint, else what it began with; empty: its beginning.
// Raises for a bundle that is of no training, or whose file is not there.
std::string resume_point(const Bundle& bundle);

// What is not as it was: "version: 0.1.0 then, 0.2.0 now". Of data too: changed, or gone.
std::vector<std::string> changes_since(const Bundle& bundle, const Manifest& now);

struct Deviation {
  int64_t step = 0;
  double recorded = 0, now = 0;
};
struct Comparison {
  int64_t compared = 0;                                // steps, or tokens
  std::optional<Deviation> first, greatest;            // where losses or tokens differ
  std::vector<std::string> kernels_gone, kernels_new;  // files of the bundle; how many came up instead
  bool is_same() const { return !first && kernels_gone.empty() && kernels_new.empty(); }
};

// Trains again as far as there are losses. `programs` must be told of what is compiled meanwhile; `progress`
// is told of each step. Raises where there is nothing to compare.
Comparison replay_training(const Bundle& bundle, ProgramLog& programs,
                           const std::function<void(int64_t step)>& progress = {});

// Kernels by their content. Of a run that did not come to its end, new ones are no difference.
void compare_kernels(const Bundle& bundle, const ProgramLog& programs, Comparison& out);

}  // namespace anneal::bundles
