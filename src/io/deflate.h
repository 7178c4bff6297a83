// SPDX-License-Identifier: MIT
//
// Compressed bytes, with a bound on what they may unfold to: a small file cannot ask for all memory.
// Tested by deflate_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "io/message.h"

namespace anneal::io {

// How much a compressed file of `bytes` may hold: 100 times as much, or 256 MiB where that is more.
uint64_t unfolded_limit(uint64_t bytes);

// Deflate without a wrapper, as in zip: exactly `size` bytes must come out, and all input be used. `size` has
// been compared with a limit.
Result<std::vector<std::byte>> inflate(std::span<const std::byte> stored, uint64_t size,
                                       std::string_view label);
std::vector<std::byte> deflate(std::span<const std::byte> bytes);

// A gzip file of one or several members. More than `max_bytes` is a failure.
bool is_gzip(std::span<const std::byte> bytes);
Result<std::vector<std::byte>> gunzip(std::span<const std::byte> stored, uint64_t max_bytes,
                                      std::string_view label);

// CRC-32 as zip and gzip have it.
uint32_t crc32_of(std::span<const std::byte> bytes);
// Of two parts, one after the other, from that of each.
uint32_t crc32_join(uint32_t first, uint32_t second, uint64_t second_size);

}  // namespace anneal::io
