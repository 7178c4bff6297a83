// SPDX-License-Identifier: MIT
#include "training/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace anneal::training {

int32_t sample(std::span<const float> logits, const SampleOptions& options, support::RandomStream& random) {
  const auto count = static_cast<int64_t>(logits.size());
  const int64_t kept = options.temperature <= 0 ? 1
                       : options.top_k > 0      ? std::min(options.top_k, count)
                                                : count;
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](int32_t a, int32_t b) {
    const float x = logits[static_cast<size_t>(a)], y = logits[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  };
  // Only what is drawn from needs an order, and that only where something is left out of it.
  if (kept < count || options.top_p < 1)
    std::partial_sort(order.begin(), order.begin() + kept, order.end(), before);
  order.resize(static_cast<size_t>(kept));
  if (kept == 1) return order[0];
  const double high = logits[static_cast<size_t>(*std::min_element(order.begin(), order.end(), before))];
  std::vector<double> weights;
  for (const int32_t i : order)
    weights.push_back(std::exp((logits[static_cast<size_t>(i)] - high) / options.temperature));
  double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (options.top_p < 1) {
    size_t used = 0;
    double sum = 0;
    while (used < weights.size() && (used == 0 || sum < options.top_p * total)) sum += weights[used++];
    weights.resize(used);
    total = sum;
  }
  double left = random.unit() * total;
  for (size_t i = 0; i < weights.size(); ++i)
    if ((left -= weights[i]) < 0) return order[i];
  return order[weights.size() - 1];
}

}  // namespace anneal::training
