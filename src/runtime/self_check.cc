// SPDX-License-Identifier: MIT
#include "runtime/self_check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "anneal/anneal.h"
#include "runtime/backend.h"

namespace anneal::runtime {
namespace {

struct Probe {
  std::string_view name;
  double tolerance;  // of the largest difference, over the largest value
  Tensor (*make)();
};

Tensor numbers(const Sizes& sizes, uint64_t seed) { return randn(sizes, {.seed = seed}); }

const Probe kProbes[] = {
    {"elementwise functions", 1e-5,
     [] {
       const Tensor x = numbers({67, 33}, 1);
       return tanh(x) + exp(x * 0.25) * sin(x) + log(square(x) + 1) - erf(x);
     }},
    {"sums and maxima", 1e-5,
     [] {
       const Tensor x = numbers({45, 131}, 2);
       return softmax(x, -1).sum({0}) + x.max({0}) - x.mean({0});
     }},
    {"products of matrices", 1e-5,
     [] {
       const Tensor x = numbers({70, 45}, 3), w = numbers({45, 61}, 4);
       return gelu(matmul(x, w) + numbers({61}, 5));
     }},
    {"gradients of a gather", 1e-5,
     [] {
       const Tensor table = numbers({19, 24}, 6), ids = randint(0, 19, {50}, 7);
       return grad([&](const Tensor& t) { return sum(square(embedding(ids, t))); })(table);
     }},
    {"f16 and bf16", 1e-2,
     [] {
       const Tensor x = numbers({40, 32}, 8);
       return matmul(x.to(f16), transpose(x.to(f16))).to(f32) + (x.to(bf16) * 2).to(f32).sum();
     }},
    {"integers and random bits", 0,
     [] {
       const Tensor bits = Rng(9).bits({500}).to(i64);
       return (bits % int64_t{1000} * int64_t{77} + sort(bits) / int64_t{3}).to(f64);
     }},
};

// Empty when they agree.
std::string difference(const std::vector<double>& got, const std::vector<double>& wanted, double tolerance) {
  double worst = 0, largest = 0;
  size_t where = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const double d = std::fabs(got[i] - wanted[i]);
    if (!(d <= worst)) worst = d, where = i;  // NaN counts
    largest = std::max(largest, std::fabs(wanted[i]));
  }
  if (worst <= tolerance * largest) return {};
  char text[120];
  std::snprintf(text, sizeof text, "element %zu is %.9g and should be %.9g", where, got[where],
                wanted[where]);
  return text;
}

std::vector<double> values_on(std::string_view device, const Probe& probe) {
  const Using settings({.device = std::string(device)});
  return probe.make().flatten().to(f64).to_vector<double>();
}

}  // namespace

std::vector<std::string_view> self_checks() {
  std::vector<std::string_view> out;
  for (const Probe& probe : kProbes) out.push_back(probe.name);
  return out;
}

std::string self_check(std::string_view device, size_t which) {
  const Probe& probe = kProbes[which];
  return difference(values_on(device, probe), values_on("interp", probe), probe.tolerance);
}

}  // namespace anneal::runtime
