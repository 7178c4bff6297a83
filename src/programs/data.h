// SPDX-License-Identifier: MIT
// Made-up data for the built-in programs: small tasks that a model can learn, the same on every machine.
// Tested by programs_test.cc.
#pragma once

#include <string>

#include "anneal/nn/module.h"

namespace anneal::programs {

using Named = NamedTensor;

// Points on three interleaved spirals: x f32 [batch, 2], y i32 [batch].
std::vector<Named> spiral_data(int64_t batch, uint64_t seed, int64_t step);

// Noisy images with a bar that lies, stands, rises or falls: x f32 [batch, 1, size, size], y i32 [batch]
// below 4.
std::vector<Named> bar_data(int64_t batch, int64_t size, uint64_t seed, int64_t step);

// Text: what the op table and the gradient table say of every op.
const std::string& corpus();
// Characters are numbers below kCharacters: printable ASCII, then the end of a line.
inline constexpr int kCharacters = 96;
int to_token(char c);

// Pieces of the corpus: ids and targets, i32 [batch, length]; targets are one character ahead.
std::vector<Named> text_data(int64_t batch, int64_t length, uint64_t seed, int64_t step);

}  // namespace anneal::programs
