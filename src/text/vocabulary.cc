// SPDX-License-Identifier: MIT
#include "text/vocabulary.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "io/json_file.h"

namespace anneal::text {
namespace {

using io::concat;
using io::Failure;
using io::in_quotes;
using io::Result;

constexpr uint64_t kMaxId = uint64_t{1} << 22;  // bounds the memory that one large id may ask for
constexpr uint32_t kFirstStandIn = 0x100;

constexpr bool is_printable_byte(uint32_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

// The code point that stands for each byte.
constexpr std::array<uint32_t, 256> byte_characters() {
  std::array<uint32_t, 256> out = {};
  uint32_t next = kFirstStandIn;
  for (uint32_t byte = 0; byte < out.size(); ++byte) out[byte] = is_printable_byte(byte) ? byte : next++;
  return out;
}
constexpr std::array<uint32_t, 256> kByteCharacters = byte_characters();

// One or two bytes of UTF-8: stand-ins end well below U+0800.
std::string utf8_of(uint32_t code_point) {
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  return {static_cast<char>(0xc0 | code_point >> 6), static_cast<char>(0x80 | (code_point & 0x3f))};
}

// The inverse of kByteCharacters.
constexpr std::array<int16_t, 0x200> character_bytes() {
  std::array<int16_t, 0x200> out = {};
  for (int16_t& byte : out) byte = -1;
  for (uint32_t byte = 0; byte < kByteCharacters.size(); ++byte)
    out[kByteCharacters[byte]] = static_cast<int16_t>(byte);
  return out;
}
constexpr std::array<int16_t, 0x200> kCharacterBytes = character_bytes();

// Nothing when a character stands for no byte.
std::optional<std::string> bytes_from(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t length = io::utf8_length(text, at);
    if (length == 0 || length > 2) return std::nullopt;
    const auto lead = static_cast<uint8_t>(text[at]);
    const uint32_t character =
        length == 1 ? lead : (lead & 0x1fu) << 6 | (static_cast<uint8_t>(text[at + 1]) & 0x3fu);
    if (character >= kCharacterBytes.size() || kCharacterBytes[character] < 0) return std::nullopt;
    out += static_cast<char>(kCharacterBytes[character]);
    at += length;
  }
  return out;
}

class VocabularyReader {
 public:
  VocabularyReader(std::string_view vocab_label, std::string_view merges_label)
      : vocab_label_(vocab_label), merges_label_(merges_label) {}

  Result<Vocabulary> read(std::string_view vocab_json, std::string_view merges) {
    if (Result<void> tokens = read_tokens(vocab_json); !tokens) return std::move(tokens).failure();
    if (Result<void> bytes = find_bytes(); !bytes) return std::move(bytes).failure();
    if (Result<void> table = read_merges(merges); !table) return std::move(table).failure();
    return std::move(out_);
  }

 private:
  Result<void> read_tokens(std::string_view text) {
    const Result<nlohmann::json> json = io::parse_json(text, vocab_label_);
    if (!json) return json.failure();
    if (!json->is_object()) return fail_vocab("the vocabulary must be an object of numbers");
    for (const auto& [token, value] : json->get_ref<const nlohmann::json::object_t&>()) {
      const std::string shown = concat("token ", in_quotes(token), ": ");
      if (!value.is_number_unsigned()) return fail_vocab(shown + "its id must be a whole number from 0 up");
      const uint64_t id = *value.get_ptr<const nlohmann::json::number_unsigned_t*>();
      if (id >= kMaxId) return fail_vocab(concat(shown, "id ", id, " is above the limit of ", kMaxId - 1));
      std::optional<std::string> bytes = bytes_from(token);
      if (!bytes) return fail_vocab(shown + "a character of it stands for no byte");
      if (bytes->empty()) return fail_vocab(shown + "it is empty");
      if (id >= out_.bytes.size()) out_.bytes.resize(static_cast<size_t>(id) + 1);
      std::string& place = out_.bytes[static_cast<size_t>(id)];
      if (!place.empty())
        return fail_vocab(concat(shown, "token ", in_quotes(printable_bytes(place)), " has id ", id, " too"));
      place = std::move(*bytes);
    }
    // Only now: strings move while the vector grows.
    out_.ids.reserve(out_.bytes.size());
    for (size_t id = 0; id < out_.bytes.size(); ++id)
      if (!out_.bytes[id].empty()) out_.ids.emplace(out_.bytes[id], static_cast<int32_t>(id));
    return {};
  }

  Result<void> find_bytes() {
    for (uint32_t byte = 0; byte < kByteCharacters.size(); ++byte) {
      const char one = static_cast<char>(byte);
      const auto found = out_.ids.find(std::string_view(&one, 1));
      if (found == out_.ids.end())
        return fail_vocab(concat("there is no token for byte ", byte, ", ",
                                 in_quotes(utf8_of(kByteCharacters[byte])),
                                 ": not every text could be encoded"));
      out_.byte_ids[byte] = found->second;
    }
    return {};
  }

  Result<void> read_merges(std::string_view text) {
    std::vector<std::string_view> lines;
    for (size_t start = 0; start < text.size();) {
      const size_t end = std::min(text.find('\n', start), text.size());
      std::string_view line = text.substr(start, end - start);
      if (line.ends_with('\r')) line.remove_suffix(1);
      lines.push_back(line);
      start = end + 1;
    }
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    const size_t first = !lines.empty() && lines[0].starts_with("#version") ? 1 : 0;
    out_.merges = MergeTable(lines.size());
    for (size_t i = first; i < lines.size(); ++i) {
      const Result<void> added = add_merge(lines[i], i + 1, static_cast<uint32_t>(i - first));
      if (!added) return added;
    }
    return {};
  }

  Result<void> add_merge(std::string_view line, size_t number, uint32_t rank) {
    const auto fail = [&](std::string_view what) {
      return Failure{concat(merges_label_, ":", number, ": ", in_quotes(line), ": ", what)};
    };
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
      return fail("two tokens with a space between are needed");
    int32_t ids[3] = {};
    std::string joined;
    for (const int part : {0, 1, 2}) {
      const std::string_view written = part == 0 ? line.substr(0, space) : line.substr(space + 1);
      const std::optional<std::string> bytes = part == 2 ? std::optional(joined) : bytes_from(written);
      const auto found = bytes ? out_.ids.find(*bytes) : out_.ids.end();
      if (found == out_.ids.end())
        return fail(concat(in_quotes(part == 2 ? printable_bytes(joined) : std::string(written)),
                           " is not in ", vocab_label_, ": the two files do not belong together"));
      ids[part] = found->second;
      joined += part == 2 ? std::string() : *bytes;
    }
    if (!out_.merges.add(ids[0], ids[1], {rank, ids[2]})) return fail("the same merge stands further up");
    return {};
  }

  Failure fail_vocab(std::string_view what) const { return Failure{concat(vocab_label_, ": ", what)}; }

  std::string_view vocab_label_, merges_label_;
  Vocabulary out_;
};

}  // namespace

std::string printable_bytes(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += utf8_of(kByteCharacters[static_cast<uint8_t>(c)]);
  return out;
}

io::Result<Vocabulary> read_vocabulary(std::string_view vocab_json, std::string_view vocab_label,
                                       std::string_view merges, std::string_view merges_label) {
  return VocabularyReader(vocab_label, merges_label).read(vocab_json, merges);
}

}  // namespace anneal::text
