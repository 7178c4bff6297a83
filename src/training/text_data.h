// SPDX-License-Identifier: MIT
// A text as numbers, cut into a part to train on and a part held out, and the pieces that steps take of it.
// Tested by text_data_test.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "anneal/training.h"

namespace anneal::training {

class TextData {
 public:
  // The last tenth is held out. Raises when either part is shorter than one piece: block + 1 tokens.
  TextData(std::vector<int32_t> tokens, int64_t block);

  // `batch` pieces of the training part: ids and targets, i32 [batch, block], targets one token ahead. A
  // function of the seed and the step alone, so that a run goes on anywhere.
  NamedTensors batch(int64_t batch, uint64_t seed, int64_t step) const;

  // The held-out part in pieces one behind the other, `batch` at a time; what does not fill the last batch is
  // left out, unless there is no more than that.
  int64_t held_out_batches(int64_t batch) const;
  NamedTensors held_out(int64_t batch, int64_t which) const;

 private:
  NamedTensors pieces(const std::vector<int64_t>& starts) const;

  std::vector<int32_t> tokens_;
  int64_t block_, trained_;  // of tokens_: the first so many
};

}  // namespace anneal::training
