// SPDX-License-Identifier: MIT
// The small vocabulary of tests/golden/text/bpe_small.txt, and the texts that another implementation encoded
// with it.
#pragma once

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "anneal/tokenizer.h"
#include "io/message.h"
#include "tests/support/test_golden.h"
#include "text/vocabulary.h"

namespace anneal::text {

struct EncodedText {
  std::string text;
  std::vector<int32_t> ids;
};

// "HEX id id ..."
inline EncodedText encoded_text(const std::string& line) {
  std::istringstream words(line);
  std::string hex;
  words >> hex;
  EncodedText out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out.text += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  for (int32_t id = 0; words >> id;) out.ids.push_back(id);
  return out;
}

// The bytes, then what each line of `merges` makes, then <|endoftext|>; as a JSON object.
inline std::string vocab_json_of(const std::string& merges) {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) {
    const char one = static_cast<char>(byte);
    tokens.push_back(printable_bytes(std::string_view(&one, 1)));
  }
  std::istringstream lines(merges);
  for (std::string line; std::getline(lines, line);) {
    const size_t space = line.find(' ');
    if (!line.starts_with("#version")) tokens.push_back(line.substr(0, space) + line.substr(space + 1));
  }
  tokens.push_back("<|endoftext|>");
  std::string out = "{";
  for (size_t i = 0; i < tokens.size(); ++i) {
    out += i == 0 ? "\"" : ",\"";
    for (const char c : tokens[i]) out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    out += "\":" + std::to_string(i);
  }
  return out + "}";
}

struct SmallVocabulary {
  std::string merges, vocab_json;
  std::vector<EncodedText> cases;
  Bpe bpe;
};

inline SmallVocabulary small_vocabulary() {
  std::istringstream file(test::read_text(test::golden_path("text/bpe_small.txt")));
  std::string line, merges;
  std::getline(file, line);  // how it was written
  while (std::getline(file, line) && line != "cases") merges += line + "\n";
  std::vector<EncodedText> cases;
  while (std::getline(file, line)) cases.push_back(encoded_text(line));
  std::string vocab_json = vocab_json_of(merges);
  Bpe bpe = Bpe::parse(vocab_json, merges);
  return {std::move(merges), std::move(vocab_json), std::move(cases), std::move(bpe)};
}

}  // namespace anneal::text
