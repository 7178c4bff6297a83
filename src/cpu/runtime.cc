// SPDX-License-Identifier: MIT
// See runtime.h.
#include "cpu/runtime.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

namespace anneal::cpu {
namespace {

// Scratch of the thread; sorts do not nest.
thread_local std::vector<uint64_t> sort_keys;
thread_local std::vector<int32_t> sort_order;

uint64_t* keys_of(int64_t count) {
  sort_keys.resize(static_cast<size_t>(count));
  return sort_keys.data();
}

int32_t* sort(const uint64_t* keys, int64_t count) {
  sort_order.resize(static_cast<size_t>(count));
  std::iota(sort_order.begin(), sort_order.end(), 0);
  std::stable_sort(sort_order.begin(), sort_order.end(), [&](int32_t a, int32_t b) { return keys[a] < keys[b]; });
  return sort_order.data();
}

float remainder_f32(float a, float b) { return std::fmod(a, b); }
double remainder_f64(double a, double b) { return std::fmod(a, b); }
double fma_f64(double a, double b, double c) { return std::fma(a, b, c); }

template <typename F>
void* address_of(F* f) {
  return reinterpret_cast<void*>(f);
}

}  // namespace

std::span<const RuntimeFunction> runtime_functions() {
  static const RuntimeFunction functions[] = {
      {"anneal_cpu_sort_keys", address_of(keys_of)},    {"anneal_cpu_sort", address_of(sort)},
      {"anneal_cpu_fmodf", address_of(remainder_f32)},  {"anneal_cpu_fmod", address_of(remainder_f64)},
      {"anneal_cpu_fma", address_of(fma_f64)},
  };
  return functions;
}

}  // namespace anneal::cpu
