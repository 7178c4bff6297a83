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
  // Positions break ties, which keeps equal elements in order.
  std::sort(sort_order.begin(), sort_order.end(),
            [&](int32_t a, int32_t b) { return keys[a] != keys[b] ? keys[a] < keys[b] : a < b; });
  return sort_order.data();
}

float remainder_f32(float a, float b) { return std::fmod(a, b); }
double remainder_f64(double a, double b) { return std::fmod(a, b); }
double fma_f64(double a, double b, double c) { return std::fma(a, b, c); }

// 2 / pi, 1280 bits after the point.
constexpr uint64_t kTwoOverPi[] = {
    0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561, 0xb7246e3a424dd2e0,
    0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41, 0x3991d639835339f4,
    0x9c845f8bbdf9283b, 0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab, 0xf0cfbc209af4361d};
__extension__ using Wide = unsigned __int128;

// |x| >= 4 modulo pi/2: the quadrant, and the rest as high + low. x is m * 2^e; of 2/pi only the 192 bits
// count whose products with m lie below 4 and are not too small to matter.
int64_t reduce(double x, double* rest) {
  rest[0] = rest[1] = 0;
  if (!std::isfinite(x)) return 0;
  int exponent;
  const auto m = static_cast<uint64_t>(std::ldexp(std::frexp(std::fabs(x), &exponent), 53));
  const int skip = exponent - 53 - 2;  // bits of 2/pi before the first one that counts; negative: zeros ahead
  uint64_t bits[3];
  for (int i = 0; i < 3; ++i) {
    const int first = skip + 64 * i, word = first >> 6, shift = first & 63;
    const auto at = [](int w) { return w < 0 ? 0 : kTwoOverPi[w]; };
    bits[i] = shift == 0 ? at(word) : at(word) << shift | at(word + 1) >> (64 - shift);
  }
  // The product modulo 2^192: 190 bits of it lie after the point.
  const Wide low = Wide{bits[2]} * m;
  const Wide middle = Wide{bits[1]} * m + static_cast<uint64_t>(low >> 64);
  const uint64_t top = bits[0] * m + static_cast<uint64_t>(middle >> 64);
  uint64_t part[] = {top, static_cast<uint64_t>(middle), static_cast<uint64_t>(low)};
  auto quadrant = static_cast<int64_t>(part[0] >> 62);
  // What is left, from -1/2 to 1/2 of a quadrant, as a magnitude.
  part[0] &= ~uint64_t{0} >> 2;
  const bool above = (part[0] >> 61) != 0;
  if (above) {
    ++quadrant;
    Wide carry = 1;
    for (int i = 2; i >= 0; --i) {
      carry += static_cast<uint64_t>(~part[i]);
      part[i] = static_cast<uint64_t>(carry);
      carry >>= 64;
    }
    part[0] &= ~uint64_t{0} >> 2;
  }
  // Three exact pieces of 64 bits make a sum of two doubles that is good to 2^-150.
  const auto piece = [](uint64_t v, int scale, double* big, double* small) {
    const uint64_t upper = v & ~uint64_t{0x7ff};
    *big = std::ldexp(static_cast<double>(upper), scale);
    *small = std::ldexp(static_cast<double>(v - upper), scale);
  };
  double high = 0, tail = 0;
  const int scales[] = {-62, -126, -190};
  for (int i = 0; i < 3; ++i) {
    double values[2];
    piece(part[i], scales[i], &values[0], &values[1]);
    for (const double v : values) {
      const double sum = high + v;
      tail += v - (sum - high);
      high = sum;
    }
  }
  // Times pi/2, itself a sum of two.
  constexpr double kHigh = 0x1.921fb54442d18p+0, kLow = 0x1.1a62633145c07p-54;
  const double product = high * kHigh;
  const double error = std::fma(high, kHigh, -product) + (high * kLow + tail * kHigh);
  const double result = product + error;
  const double sign = above != (x < 0) ? -1 : 1;
  rest[0] = sign * result;
  rest[1] = sign * (error - (result - product));
  return x < 0 ? -quadrant : quadrant;
}

template <typename F>
void* address_of(F* f) {
  return reinterpret_cast<void*>(f);
}

}  // namespace

std::span<const RuntimeFunction> runtime_functions() {
  static const RuntimeFunction functions[] = {
      {"anneal_cpu_sort_keys", address_of(keys_of)},   {"anneal_cpu_sort", address_of(sort)},
      {"anneal_cpu_fmodf", address_of(remainder_f32)}, {"anneal_cpu_fmod", address_of(remainder_f64)},
      {"anneal_cpu_fma", address_of(fma_f64)},         {"anneal_cpu_reduce", address_of(reduce)},
  };
  return functions;
}

}  // namespace anneal::cpu
