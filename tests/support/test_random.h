// SPDX-License-Identifier: MIT
// How many random cases a test runs, and from which seed: ANNEAL_FUZZ_PROGRAMS and ANNEAL_FUZZ_SEED say so
// for all tests, and each takes its share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ranges>

#include "support/flags.h"

namespace anneal::test {

inline uint64_t number(support::Flag flag) {
  return std::strtoull(support::flag_text(flag).c_str(), nullptr, 10);
}

// for (const uint64_t seed : seeds(0.1)): a tenth of the programs, one at least.
inline auto seeds(double share = 1) {
  const double programs = static_cast<double>(number(support::Flag::kFuzzPrograms));
  const uint64_t first = number(support::Flag::kFuzzSeed);
  return std::views::iota(first, first + std::max<uint64_t>(1, static_cast<uint64_t>(programs * share)));
}

}  // namespace anneal::test
