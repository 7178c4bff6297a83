// SPDX-License-Identifier: MIT
// Choosing the next token from logits. Tested by sampling_test.cc.
#pragma once

#include <cstdint>
#include <span>

#include "support/random_stream.h"

namespace anneal::training {

struct SampleOptions {
  double temperature = 1;  // 0: the greatest logit
  int64_t top_k = 0;       // of so many of the greatest; 0: of all
  double top_p = 1;        // of the fewest whose probabilities come to this
};

// Its position. The same on every machine for the same stream: ties go to the earlier one.
int32_t sample(std::span<const float> logits, const SampleOptions& options, support::RandomStream& random);

}  // namespace anneal::training
