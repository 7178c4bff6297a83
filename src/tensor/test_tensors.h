// SPDX-License-Identifier: MIT
// What the tests of this folder share: values as lists of doubles, comparisons, and the message of what is
// raised.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "anneal/anneal.h"

namespace anneal {

using Doubles = std::vector<double>;
using Ints = std::vector<int64_t>;
using Bools = std::vector<bool>;
using Ins = std::vector<Tensor>;

inline constexpr double kInf = std::numeric_limits<double>::infinity();
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

inline Doubles values(const Tensor& t, const RunOptions& options = {}) {
  return t.to_vector<double>(options);
}
inline Ints ints(const Tensor& t, const RunOptions& options = {}) { return t.to_vector<int64_t>(options); }

// Data of any type, from doubles; and 0, 1, 2, ...
inline Tensor data(const Doubles& v, const Ints& shape, DType t = f64) { return from_data(v, shape).to(t); }
inline Tensor counting(const Ints& shape, DType t = f64) {
  int64_t count = 1;
  for (int64_t d : shape) count *= d;
  Doubles v;
  for (int64_t i = 0; i < count; ++i) v.push_back(static_cast<double>(i));
  return data(v, shape, t);
}
// Values in (-2, 2) that do not come close to each other or to 0.
inline Doubles spread_values(size_t count, uint64_t seed = 1) {
  Doubles v;
  for (size_t i = 0; i < count; ++i) {
    const double turn = std::fmod(0.61803398875 * static_cast<double>(i + seed), 1.0);
    v.push_back(turn < 0.5 ? -1.9 + 3.6 * turn : 0.1 + 3.6 * (turn - 0.5));
  }
  return v;
}
inline Tensor spread(const Ints& shape, uint64_t seed = 1, DType t = f64) {
  int64_t count = 1;
  for (int64_t d : shape) count *= d;
  return data(spread_values(static_cast<size_t>(count), seed), shape, t);
}

// Empty when all elements are within `tolerance` of the expected ones; NaN equals NaN.
inline std::string differences(const Doubles& actual, const Doubles& expected, double tolerance) {
  if (actual.size() != expected.size())
    return std::to_string(actual.size()) + " elements, not " + std::to_string(expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    const bool both_nan = std::isnan(actual[i]) && std::isnan(expected[i]);
    if (both_nan || actual[i] == expected[i]) continue;
    if (!(std::abs(actual[i] - expected[i]) <= tolerance * (1 + std::abs(expected[i])))) {
      char text[96];
      std::snprintf(text, sizeof text, "element %zu is %.12g, not %.12g", i, actual[i], expected[i]);
      return text;
    }
  }
  return {};
}

#define EXPECT_VALUES(tensor, ...) \
  EXPECT_EQ(::anneal::differences(::anneal::values(tensor), __VA_ARGS__, 1e-12), "")
#define EXPECT_CLOSE(tensor, tolerance, ...) \
  EXPECT_EQ(::anneal::differences(::anneal::values(tensor), __VA_ARGS__, tolerance), "")
#define EXPECT_TYPE(tensor, text) EXPECT_EQ((tensor).type(), text)

template <typename F>
std::string failure(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e.message();
  }
  return "nothing was raised";
}
// The last line of a message that blames this line of the test.
inline std::string at_line(int line, const char* file) {
  return std::string(file) + ":" + std::to_string(line);
}

// d(sum(f(x) * weights))/dx of f64 tensors against central differences of fourth order.
template <typename F>
std::string gradient_differences(const F& f, const std::vector<Tensor>& inputs, double tolerance = 1e-7) {
  const auto loss_of = [&](const std::vector<Tensor>& in) {
    const Tensor y = f(in);
    const Tensor flat = y.reshape({-1}).to(f64);
    return sum(flat * cos(arange(flat.size(0), f64) * 1.3 + 0.4));
  };
  std::vector<Tensor> own;
  for (const Tensor& t : inputs) own.push_back(alias(t));
  const std::vector<Tensor> found = realize(gradients(loss_of(own), own));
  constexpr double kStep = 1e-3;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Doubles at = values(inputs[i]);
    // Every perturbed loss in one run.
    std::vector<Tensor> losses;
    for (size_t e = 0; e < at.size(); ++e)
      for (double steps : {1.0, -1.0, 2.0, -2.0}) {
        Doubles moved = at;
        moved[e] += steps * kStep;
        std::vector<Tensor> in = inputs;
        in[i] = data(moved, inputs[i].shape());
        losses.push_back(loss_of(in));
      }
    Doubles expected;
    const std::vector<Tensor> results = realize(losses);
    for (size_t e = 0; e < at.size(); ++e) {
      const auto value = [&](size_t k) { return results[4 * e + k].item<double>(); };
      expected.push_back((8 * (value(0) - value(1)) - (value(2) - value(3))) / (12 * kStep));
    }
    const std::string wrong = differences(values(found[i]), expected, tolerance);
    if (!wrong.empty()) return "input " + std::to_string(i) + ": " + wrong;
  }
  return {};
}

}  // namespace anneal
