// SPDX-License-Identifier: MIT
// Choosing the next token from logits.
// Not in the core for WebAssembly. Tested by src/text/sampling_test.cc.
#pragma once

#include <cstdint>
#include <span>

namespace anneal {

struct SampleOptions {
  double temperature = 1;  // less is bolder on what is likely; 0: the greatest logit
  int64_t top_k = 0;       // of so many of the greatest; 0: of all
  double top_p = 1;        // of the fewest whose probabilities come to this
};

// Draws positions. The same ones on every machine for the same seed: ties go to the earlier one.
class Sampler {
 public:
  explicit Sampler(const SampleOptions& options = {}, uint64_t seed = 1);
  int32_t operator()(std::span<const float> logits);

 private:
  SampleOptions options_;
  uint64_t state_;
};

}  // namespace anneal
