// SPDX-License-Identifier: MIT
//
// The tokens and merges of a byte pair encoding, out of vocab.json and merges.txt. There bytes are written as
// printable characters: those that are printable as themselves, the others as U+0100 and on, in order.
// Tested by bpe_test.cc and bpe_fuzz.cc.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/message.h"
#include "text/merges.h"

namespace anneal::text {

struct Vocabulary {
  std::vector<std::string> bytes;                     // of each id; empty where there is none
  std::unordered_map<std::string_view, int32_t> ids;  // of those bytes
  std::array<int32_t, 256> byte_ids = {};
  MergeTable merges;

  Vocabulary() = default;
  Vocabulary(Vocabulary&&) = default;  // strings stay where they are
  Vocabulary& operator=(Vocabulary&&) = default;
};

// The labels name the texts in messages.
io::Result<Vocabulary> read_vocabulary(std::string_view vocab_json, std::string_view vocab_label,
                                       std::string_view merges, std::string_view merges_label);

// Bytes as those files write them.
std::string printable_bytes(std::string_view bytes);

}  // namespace anneal::text
