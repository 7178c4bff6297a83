// SPDX-License-Identifier: MIT
//
// Fuzz target for byte pair encoding. The input up to the first byte 0xff is a merges.txt over a vocabulary
// made for it, when it fits; the rest is a text, which must come back from its tokens, whole and as a stream.
// The same input is also read as a vocab.json, which may only be refused.
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "anneal/tokenizer.h"
#include "text/vocabulary.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

std::string quoted(const std::string& token) {
  std::string out = "\"";
  for (const char c : token) out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "\"";
}

// All bytes, and whatever a line joins.
std::string vocabulary_for(const std::string& merges) {
  std::string out = "{";
  std::set<std::string> seen;
  int id = 0;
  const auto add = [&](const std::string& token) {
    if (!token.empty() && seen.insert(token).second)
      out += (id == 0 ? "" : ",") + quoted(token) + ":" + std::to_string(id), ++id;
  };
  for (int byte = 0; byte < 256; ++byte) {
    const char one = static_cast<char>(byte);
    add(anneal::text::printable_bytes(std::string_view(&one, 1)));
  }
  for (size_t start = 0; start < merges.size();) {
    const size_t end = std::min(merges.find('\n', start), merges.size());
    const std::string line = merges.substr(start, end - start);
    const size_t space = line.find(' ');
    if (space != std::string::npos) add(line.substr(0, space) + line.substr(space + 1));
    start = end + 1;
  }
  return out + "}";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const size_t split = std::min(input.find('\xff'), input.size());
  const std::string merges = input.substr(0, split), text = input.substr(split);
  static const anneal::Bpe bytes_alone = anneal::Bpe::parse(vocabulary_for(""), "");
  anneal::Bpe bpe = bytes_alone;
  if (!merges.empty()) {
    const std::string vocab = vocabulary_for(merges);
    if (anneal::text::read_vocabulary(vocab, "v", merges, "m").ok()) bpe = anneal::Bpe::parse(vocab, merges);
  }
  const std::vector<int32_t> ids = bpe.encode(text);
  require(bpe.decode(ids) == text);
  require(ids.size() <= text.size());
  anneal::StreamDecoder stream(bpe);
  std::string streamed;
  for (const int32_t id : ids) streamed += stream.push(id);
  require(streamed + stream.finish() == text);
  require(bpe.decode(bpe.encode(text, anneal::Bpe::Special::kRecognize)) == text);
  static_cast<void>(anneal::text::read_vocabulary(input, "v", merges, "m").ok());
  return 0;
}
