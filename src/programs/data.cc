// SPDX-License-Identifier: MIT
#include "programs/data.h"

#include <cmath>
#include <numbers>

#include "autodiff/gradient.h"
#include "ir/op.h"
#include "support/hash.h"

namespace anneal::programs {
namespace {

// Numbers by position: a hash of seed, step and place.
class Numbers {
 public:
  Numbers(uint64_t seed, int64_t step) : seed_(seed), step_(static_cast<uint64_t>(step)) {}

  uint64_t bits() { return support::Hasher(seed_).add(step_).add(place_++).finish().lo; }
  int64_t below(int64_t n) { return static_cast<int64_t>(bits() % static_cast<uint64_t>(n)); }
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }  // [0, 1)
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  uint64_t seed_, step_, place_ = 0;
};

}  // namespace

std::vector<Named> spiral_data(int64_t batch, uint64_t seed, int64_t step) {
  Numbers numbers(seed, step);
  std::vector<float> x;
  std::vector<int32_t> y;
  for (int64_t i = 0; i < batch; ++i) {
    const auto arm = static_cast<int32_t>(numbers.below(3));
    const double t = numbers.uniform(), angle = 2 * std::numbers::pi * (arm / 3.0 + 0.75 * t);
    x.push_back(static_cast<float>(t * std::cos(angle) + 0.02 * numbers.normal()));
    x.push_back(static_cast<float>(t * std::sin(angle) + 0.02 * numbers.normal()));
    y.push_back(arm);
  }
  return {{"x", from_data(x, {batch, 2})}, {"y", from_data(y, {batch})}};
}

std::vector<Named> bar_data(int64_t batch, int64_t size, uint64_t seed, int64_t step) {
  Numbers numbers(seed, step);
  std::vector<float> x;
  std::vector<int32_t> y;
  for (int64_t i = 0; i < batch; ++i) {
    const auto kind = static_cast<int32_t>(numbers.below(4));
    const int64_t place = numbers.below(size / 2) + size / 4;
    for (int64_t row = 0; row < size; ++row)
      for (int64_t column = 0; column < size; ++column) {
        const int64_t at[] = {row, column, (row + column) / 2, (row - column + size) / 2};
        const double bar = at[kind] == place ? 1 : 0;
        x.push_back(static_cast<float>(bar + 0.3 * numbers.normal()));
      }
    y.push_back(kind);
  }
  return {{"x", from_data(x, {batch, 1, size, size})}, {"y", from_data(y, {batch})}};
}

const std::string& corpus() {
  static const std::string text = [] {
    std::string out;
    for (const ir::OpInfo& info : ir::kOpTable) {
      out += std::string(info.text) + ": " + std::string(info.meaning) + "\n";
      out += "gradient of " + std::string(info.text) + ": ";
      out += std::string(autodiff::gradient_info(*ir::op_from_text(info.text)).text) + ".\n";
    }
    return out;
  }();
  return text;
}

int to_token(char c) {
  if (c == '\n') return kCharacters - 1;
  return c >= ' ' && c <= '~' ? c - ' ' : '?' - ' ';
}

std::vector<Named> text_data(int64_t batch, int64_t length, uint64_t seed, int64_t step) {
  Numbers numbers(seed, step);
  const std::string& text = corpus();
  std::vector<int32_t> ids, targets;
  for (int64_t i = 0; i < batch; ++i) {
    const auto start = static_cast<uint64_t>(numbers.below(static_cast<int64_t>(text.size())));
    for (uint64_t j = start; j < start + static_cast<uint64_t>(length); ++j) {
      ids.push_back(to_token(text[j % text.size()]));
      targets.push_back(to_token(text[(j + 1) % text.size()]));
    }
  }
  return {{"ids", from_data(ids, {batch, length})}, {"targets", from_data(targets, {batch, length})}};
}

}  // namespace anneal::programs
