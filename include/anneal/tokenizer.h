// SPDX-License-Identifier: MIT
// Text to numbers and back: the byte-level pairs of GPT-2, and single characters.
// Not in the core for WebAssembly. Tested by src/text/bpe_test.cc and char_tokenizer_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anneal {

// GPT-2's byte-level byte pair encoding. Any bytes can be encoded, and come back as they were; text that is
// not UTF-8 too. Copies are cheap and share the vocabulary; any number of threads may use one.
class Bpe {
 public:
  // vocab.json and merges.txt, as published with the model. Raises when they do not fit each other. Tokens of
  // `specials` that the vocabulary has are special: no text becomes one of them unless it is asked for.
  static Bpe load(const std::string& vocab_path, const std::string& merges_path,
                  const std::vector<std::string>& specials = {"<|endoftext|>"});
  // The same from the contents of the files.
  static Bpe parse(std::string_view vocab_json, std::string_view merges,
                   const std::vector<std::string>& specials = {"<|endoftext|>"});
  // A token for each byte, of its value, and <|endoftext|>, 256: for small models, without files.
  static Bpe of_bytes();

  enum class Special : uint8_t {
    kAsText,     // "<|endoftext|>" in a text is text like any other
    kRecognize,  // it is the special token
  };
  std::vector<int32_t> encode(std::string_view text, Special special = Special::kAsText) const;

  // The bytes of the tokens. They need not be UTF-8: a token may be a part of a character. Raises when there
  // is no such token.
  std::string decode(std::span<const int32_t> ids) const;

  int64_t size() const;             // one more than the largest id
  bool contains(int32_t id) const;  // ids may have holes
  const std::string& bytes_of(int32_t id) const;
  std::optional<int32_t> id_of(std::string_view bytes) const;  // of one token, special ones included

  struct Data;

 private:
  explicit Bpe(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  std::shared_ptr<const Data> data_;
};

// Token by token: what it gives is what decode() gives, in pieces that do not cut a character in two.
class StreamDecoder {
 public:
  explicit StreamDecoder(Bpe bpe) : bpe_(std::move(bpe)) {}
  std::string push(int32_t id);  // may be empty: the character is not complete
  std::string finish();          // what is held back; the next token begins anew

 private:
  Bpe bpe_;
  std::string held_;
};

// A number for each character of an alphabet: their order by code point.
class CharTokenizer {
 public:
  // The characters of `text`, each once; it must be UTF-8.
  static CharTokenizer of(std::string_view text);

  // Raises at a character that is not in the alphabet.
  std::vector<int32_t> encode(std::string_view text) const;
  std::string decode(std::span<const int32_t> ids) const;

  int64_t size() const { return static_cast<int64_t>(characters_.size()); }
  std::string alphabet() const;  // of() makes the same tokenizer of it

 private:
  std::vector<std::string> characters_;
};

}  // namespace anneal
