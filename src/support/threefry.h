// SPDX-License-Identifier: MIT
//
// Threefry-2x32 with 20 rounds: the counter-based generator behind the RNG op. Output is a pure function of
// key and counter, in 32-bit adds, rotations and xors only, so every target gives the same bits.
// Tested by threefry_test.cc against the published known answers.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace anneal::support {

constexpr std::array<uint32_t, 2> threefry2x32(std::array<uint32_t, 2> key, std::array<uint32_t, 2> counter) {
  constexpr int kGroups = 5;  // of four rounds, each closed by adding a part of the key
  constexpr std::array<std::array<int, 4>, 2> kRotations = {{{13, 15, 26, 6}, {17, 29, 16, 24}}};
  constexpr uint32_t kKeyParity = 0x1bd11bda;
  const std::array<uint32_t, 3> schedule = {key[0], key[1], kKeyParity ^ key[0] ^ key[1]};

  uint32_t x0 = counter[0] + schedule[0];
  uint32_t x1 = counter[1] + schedule[1];
  for (uint32_t group = 1; group <= kGroups; ++group) {
    for (int rotation : kRotations[(group - 1) % 2]) {
      x0 += x1;
      x1 = std::rotl(x1, rotation) ^ x0;
    }
    x0 += schedule[group % 3];
    x1 += schedule[(group + 1) % 3] + group;
  }
  return {x0, x1};
}

}  // namespace anneal::support
