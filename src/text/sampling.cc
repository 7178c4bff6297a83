// SPDX-License-Identifier: MIT
#include "anneal/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "anneal/error.h"
#include "support/random_stream.h"

namespace anneal {

Sampler::Sampler(const SampleOptions& options, uint64_t seed) : options_(options), state_(seed) {
  if (!(options.temperature >= 0)) raise(ErrorCode::kArgument, "a temperature is 0 or more");
  if (options.top_k < 0) raise(ErrorCode::kArgument, "top_k is how many to draw from; 0: all");
  if (!(options.top_p > 0 && options.top_p <= 1))
    raise(ErrorCode::kArgument, "top_p is a share: more than 0, at most 1");
}

int32_t Sampler::operator()(std::span<const float> logits) {
  if (logits.empty()) raise(ErrorCode::kArgument, "there are no logits to draw from");
  for (const float logit : logits)
    if (std::isnan(logit)) raise(ErrorCode::kData, "a logit is NaN");
  const auto count = static_cast<int64_t>(logits.size());
  const int64_t kept = options_.temperature == 0 ? 1
                       : options_.top_k > 0      ? std::min(options_.top_k, count)
                                                 : count;
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](int32_t a, int32_t b) {
    const float x = logits[static_cast<size_t>(a)], y = logits[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  };
  // Only what is drawn from needs an order, and that only where something is left out of it.
  if (kept < count || options_.top_p < 1)
    std::partial_sort(order.begin(), order.begin() + kept, order.end(), before);
  order.resize(static_cast<size_t>(kept));
  if (kept == 1) return order[0];
  const double high = logits[static_cast<size_t>(*std::min_element(order.begin(), order.end(), before))];
  if (std::isinf(high)) raise(ErrorCode::kData, "the greatest logit is infinite");
  std::vector<double> weights;
  for (const int32_t i : order)
    weights.push_back(std::exp((logits[static_cast<size_t>(i)] - high) / options_.temperature));
  double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (options_.top_p < 1) {
    size_t used = 0;
    double sum = 0;
    while (used < weights.size() && (used == 0 || sum < options_.top_p * total)) sum += weights[used++];
    weights.resize(used);
    total = sum;
  }
  support::RandomStream random(state_);
  double left = random.unit() * total;
  state_ = random.state();
  for (size_t i = 0; i < weights.size(); ++i)
    if ((left -= weights[i]) < 0) return order[i];
  return order[weights.size() - 1];
}

}  // namespace anneal
