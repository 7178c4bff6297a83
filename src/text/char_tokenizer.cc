// SPDX-License-Identifier: MIT
#include <algorithm>
#include <set>

#include "anneal/error.h"
#include "anneal/tokenizer.h"
#include "io/message.h"

namespace anneal {
namespace {

// The length of the character at `at`; raises where there is none.
size_t character_at(std::string_view text, size_t at) {
  const size_t length = io::utf8_length(text, at);
  if (length == 0)
    raise(ErrorCode::kData, io::concat("CharTokenizer: the text is not UTF-8 at byte ", at, ": ",
                                       io::in_quotes(text.substr(at, 4))));
  return length;
}

}  // namespace

CharTokenizer CharTokenizer::of(std::string_view text) {
  std::set<std::string_view> characters;  // UTF-8 has the order of code points
  for (size_t at = 0; at < text.size();) {
    const size_t length = character_at(text, at);
    characters.insert(text.substr(at, length));
    at += length;
  }
  CharTokenizer out;
  out.characters_.assign(characters.begin(), characters.end());
  return out;
}

std::vector<int32_t> CharTokenizer::encode(std::string_view text) const {
  std::vector<int32_t> out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const std::string_view character = text.substr(at, character_at(text, at));
    const auto found = std::lower_bound(characters_.begin(), characters_.end(), character);
    if (found == characters_.end() || *found != character)
      raise(ErrorCode::kData,
            io::concat("CharTokenizer: the character ", io::in_quotes(character), " at byte ", at,
                       " is not one of the ", characters_.size(), " of its alphabet"));
    out.push_back(static_cast<int32_t>(found - characters_.begin()));
    at += character.size();
  }
  return out;
}

std::string CharTokenizer::decode(std::span<const int32_t> ids) const {
  std::string out;
  for (const int32_t id : ids) {
    if (id < 0 || static_cast<size_t>(id) >= characters_.size())
      raise(ErrorCode::kArgument, io::concat("CharTokenizer: there is no character ", id,
                                             "; the alphabet has ", characters_.size()));
    out += characters_[static_cast<size_t>(id)];
  }
  return out;
}

std::string CharTokenizer::alphabet() const {
  std::string out;
  for (const std::string& character : characters_) out += character;
  return out;
}

}  // namespace anneal
