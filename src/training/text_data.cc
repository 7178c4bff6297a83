// SPDX-License-Identifier: MIT
#include "training/text_data.h"

#include <algorithm>

#include "anneal/creation.h"
#include "support/hash.h"
#include "support/random_stream.h"

namespace anneal::training {

TextData::TextData(std::vector<int32_t> tokens, int64_t block)
    : tokens_(std::move(tokens)),
      block_(block),
      trained_(static_cast<int64_t>(tokens_.size()) - static_cast<int64_t>(tokens_.size()) / 10) {
  const int64_t held_out = static_cast<int64_t>(tokens_.size()) - trained_;
  if (held_out <= block_)
    raise(ErrorCode::kData,
          "a text of " + std::to_string(tokens_.size()) +
              " tokens is too short: its last tenth is held out, and must be longer than a block of " +
              std::to_string(block_) + "; give more text, or a shorter --block");
}

NamedTensors TextData::batch(int64_t batch, uint64_t seed, int64_t step) const {
  support::RandomStream random(support::Hasher(seed).add(static_cast<uint64_t>(step)).finish().lo);
  std::vector<int64_t> starts;
  for (int64_t i = 0; i < batch; ++i) starts.push_back(random.below(trained_ - block_));
  return pieces(starts);
}

int64_t TextData::held_out_batches(int64_t batch) const {
  const int64_t pieces = (static_cast<int64_t>(tokens_.size()) - trained_ - 1) / block_;
  return std::max<int64_t>(1, pieces / batch);
}

NamedTensors TextData::held_out(int64_t batch, int64_t which) const {
  const int64_t last = static_cast<int64_t>(tokens_.size()) - block_ - 1;
  std::vector<int64_t> starts;
  for (int64_t i = 0; i < batch; ++i)
    starts.push_back(std::min(trained_ + (which * batch + i) * block_, last));
  return pieces(starts);
}

NamedTensors TextData::pieces(const std::vector<int64_t>& starts) const {
  std::vector<int32_t> ids, targets;
  for (const int64_t start : starts) {
    const auto first = tokens_.begin() + start;
    ids.insert(ids.end(), first, first + block_);
    targets.insert(targets.end(), first + 1, first + 1 + block_);
  }
  const std::vector<int64_t> shape = {static_cast<int64_t>(starts.size()), block_};
  return {{"ids", from_data(ids, shape)}, {"targets", from_data(targets, shape)}};
}

}  // namespace anneal::training
