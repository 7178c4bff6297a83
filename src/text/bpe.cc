// SPDX-License-Identifier: MIT
//
// Encoding a text remembers its words: most are there many times. The memory is that of one call, so that
// threads share nothing that changes.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "anneal/error.h"
#include "anneal/tokenizer.h"
#include "io/file_bytes.h"
#include "text/vocabulary.h"
#include "text/words.h"

namespace anneal {

struct Bpe::Data {
  text::Vocabulary vocabulary;
  std::vector<int32_t> specials;  // longer texts first
};

namespace {

class WordEncoder {
 public:
  WordEncoder(const text::Vocabulary& vocabulary, std::vector<int32_t>& out)
      : vocabulary_(vocabulary), out_(out) {}

  void encode(std::string_view text) {
    text::Words words(text);
    for (std::string_view word; words.next(word);) encode_word(word);
  }

 private:
  struct Place {
    size_t start, size;  // in out_
  };

  void encode_word(std::string_view word) {
    constexpr size_t kMaxWord = 64, kMaxWords = size_t{1} << 18, kLongest = size_t{1} << 31;
    if (word.size() > kLongest)
      raise(ErrorCode::kLimit, io::concat("Bpe::encode: a word of ", word.size(), " bytes without a space"));
    if (word.size() == 1) {
      out_.push_back(vocabulary_.byte_ids[static_cast<uint8_t>(word[0])]);
      return;
    }
    if (const auto known = known_.find(word); known != known_.end()) {
      const auto [start, size] = known->second;
      for (size_t i = 0; i < size; ++i) out_.push_back(out_[start + i]);
      return;
    }
    tokens_.clear();
    for (const char c : word) tokens_.push_back(vocabulary_.byte_ids[static_cast<uint8_t>(c)]);
    text::merge_word(vocabulary_.merges, tokens_);
    if (word.size() <= kMaxWord && known_.size() < kMaxWords)
      known_.emplace(word, Place{out_.size(), tokens_.size()});
    out_.insert(out_.end(), tokens_.begin(), tokens_.end());
  }

  const text::Vocabulary& vocabulary_;
  std::vector<int32_t>& out_;
  std::vector<int32_t> tokens_;
  std::unordered_map<std::string_view, Place> known_;  // of the text of this call
};

std::string content_of(const std::string& path) {
  constexpr size_t kMaxBytes = size_t{1} << 28;
  const auto file = io::FileBytes::read(path, kMaxBytes);
  if (!file) raise(ErrorCode::kData, "Bpe::load: " + file.message());
  const std::span<const std::byte> bytes = (*file)->bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::shared_ptr<const Bpe::Data> make_data(io::Result<text::Vocabulary> vocabulary, std::string_view function,
                                           const std::vector<std::string>& specials) {
  if (!vocabulary) raise(ErrorCode::kData, io::concat(function, ": ", vocabulary.message()));
  auto data = std::make_shared<Bpe::Data>();
  data->vocabulary = std::move(*vocabulary);
  const text::Vocabulary& v = data->vocabulary;
  for (const std::string& special : specials)
    if (const auto found = v.ids.find(special); found != v.ids.end()) data->specials.push_back(found->second);
  std::sort(data->specials.begin(), data->specials.end(), [&v](int32_t a, int32_t b) {
    const std::string &left = v.bytes[static_cast<size_t>(a)], &right = v.bytes[static_cast<size_t>(b)];
    return left.size() != right.size() ? left.size() > right.size() : left < right;
  });
  return data;
}

// Where the next special token of the text begins, and which; -1: there is none.
std::pair<size_t, int32_t> next_special(const Bpe::Data& data, std::string_view text, size_t from) {
  std::pair<size_t, int32_t> found = {text.size(), -1};
  for (const int32_t id : data.specials) {
    const size_t at = text.find(data.vocabulary.bytes[static_cast<size_t>(id)], from);
    if (at < found.first) found = {at, id};
  }
  return found;
}

// How many bytes at the end begin a character that is not complete yet.
size_t incomplete_tail(std::string_view text) {
  constexpr size_t kLongest = 3;
  for (size_t size = 1; size <= std::min(kLongest, text.size()); ++size) {
    const std::string tail(text.substr(text.size() - size));
    const auto lead = static_cast<uint8_t>(tail[0]);
    if ((lead & 0xc0) == 0x80) continue;
    // It is one if some continuation makes it whole; only the second byte has a range of its own.
    const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (size >= length) return 0;
    for (const char second : {'\x80', '\x90', '\xa0'}) {
      std::string whole = tail;
      if (whole.size() == 1) whole += second;
      whole.resize(length, '\x80');
      if (io::utf8_length(whole, 0) == length) return size;
    }
    return 0;
  }
  return 0;
}

}  // namespace

Bpe Bpe::load(const std::string& vocab_path, const std::string& merges_path,
              const std::vector<std::string>& specials) {
  return Bpe(make_data(
      text::read_vocabulary(content_of(vocab_path), vocab_path, content_of(merges_path), merges_path),
      "Bpe::load", specials));
}

Bpe Bpe::parse(std::string_view vocab_json, std::string_view merges,
               const std::vector<std::string>& specials) {
  return Bpe(
      make_data(text::read_vocabulary(vocab_json, "vocabulary", merges, "merges"), "Bpe::parse", specials));
}

Bpe Bpe::of_bytes() {
  std::string vocabulary = "{";
  for (int byte = 0; byte < 256; ++byte) {
    const char one = static_cast<char>(byte);
    const bool is_escaped = one == '"' || one == '\\';
    vocabulary +=
        (is_escaped ? "\"\\" : "\"") + text::printable_bytes({&one, 1}) + "\":" + std::to_string(byte) + ",";
  }
  return parse(vocabulary + "\"<|endoftext|>\":256}", "");
}

std::vector<int32_t> Bpe::encode(std::string_view text, Special special) const {
  std::vector<int32_t> out;
  WordEncoder encoder(data_->vocabulary, out);
  if (special == Special::kAsText) {
    encoder.encode(text);
    return out;
  }
  for (size_t at = 0; at < text.size();) {
    const auto [place, id] = next_special(*data_, text, at);
    encoder.encode(text.substr(at, place - at));
    if (id < 0) break;
    out.push_back(id);
    at = place + bytes_of(id).size();
  }
  return out;
}

std::string Bpe::decode(std::span<const int32_t> ids) const {
  std::string out;
  for (const int32_t id : ids) out += bytes_of(id);
  return out;
}

int64_t Bpe::size() const { return static_cast<int64_t>(data_->vocabulary.bytes.size()); }

bool Bpe::contains(int32_t id) const {
  const std::vector<std::string>& bytes = data_->vocabulary.bytes;
  return id >= 0 && static_cast<size_t>(id) < bytes.size() && !bytes[static_cast<size_t>(id)].empty();
}

const std::string& Bpe::bytes_of(int32_t id) const {
  if (!contains(id))
    raise(ErrorCode::kArgument, io::concat("Bpe: there is no token ", id,
                                           "; the ids of this vocabulary go from 0 to ", size() - 1));
  return data_->vocabulary.bytes[static_cast<size_t>(id)];
}

std::optional<int32_t> Bpe::id_of(std::string_view bytes) const {
  const auto found = data_->vocabulary.ids.find(bytes);
  return found == data_->vocabulary.ids.end() ? std::nullopt : std::optional(found->second);
}

std::string StreamDecoder::push(int32_t id) {
  held_ += bpe_.bytes_of(id);
  const size_t kept = incomplete_tail(held_);
  std::string out = held_.substr(0, held_.size() - kept);
  held_.erase(0, out.size());
  return out;
}

std::string StreamDecoder::finish() { return std::exchange(held_, {}); }

}  // namespace anneal
