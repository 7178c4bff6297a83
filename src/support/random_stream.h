// SPDX-License-Identifier: MIT
// The random numbers of tests, examples and made-up data: splitmix64, the same on every machine. Those of
// programs are Threefry, an op of the graph. Tested by random_stream_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anneal::support {

class RandomStream {
 public:
  explicit RandomStream(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  int64_t below(int64_t n) { return static_cast<int64_t>(next() % static_cast<uint64_t>(n)); }
  bool one_in(int64_t n) { return below(n) == 0; }
  bool chance(int percent) { return below(100) < percent; }
  uint64_t state() const { return state_; }  // a stream of this seed goes on from here
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  template <typename T, size_t N>
  const T& pick(const T (&values)[N]) {
    return values[below(static_cast<int64_t>(N))];
  }

 private:
  uint64_t state_;
};

}  // namespace anneal::support
