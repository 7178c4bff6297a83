// SPDX-License-Identifier: MIT
//
// The library's parser keeps its state on the heap and reports events; DocumentBuilder turns them into a
// document and stops the parser at the first broken limit. Events carry no positions, so the parser reads
// through an iterator that records how far it has come.
#include "io/json_file.h"

#include <cstdint>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>
#include <vector>

#include "io/file_bytes.h"

namespace anneal::io {
namespace {

using nlohmann::json;

// An input iterator over characters; all copies record their progress in one place.
class RecordedChars {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  RecordedChars(const char* at, const char** furthest) : at_(at), furthest_(furthest) {}

  reference operator*() const { return *at_; }
  RecordedChars& operator++() {
    *furthest_ = ++at_;
    return *this;
  }
  RecordedChars operator++(int) {
    RecordedChars before = *this;
    ++*this;
    return before;
  }
  bool operator==(const RecordedChars& other) const { return at_ == other.at_; }
  bool operator!=(const RecordedChars& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** furthest_;
};

// "[json.exception.parse_error.101] parse error at line 1, column 2: REASON" -> REASON.
std::string_view reason_of(std::string_view what) {
  const auto cut_through = [&what](std::string_view mark) {
    const size_t found = what.find(mark);
    if (found != std::string_view::npos) what.remove_prefix(found + mark.size());
  };
  cut_through("] ");
  if (what.starts_with("parse error")) cut_through(": ");
  return what;
}

// Receives the events of json::sax_parse; a method that returns false ends the parse.
class DocumentBuilder {
 public:
  DocumentBuilder(std::string_view text, std::string_view label, const JsonLimits& limits, size_t text_offset)
      : text_(text), label_(label), limits_(limits), text_offset_(text_offset), furthest_(text.data()) {}

  Result<json> build() {
    const RecordedChars first(text_.data(), &furthest_);
    const RecordedChars last(text_.data() + text_.size(), &furthest_);
    if (json::sax_parse(first, last, this)) return std::move(document_);
    return Failure{std::move(message_)};
  }

  bool null() { return place(nullptr) != nullptr; }
  bool boolean(bool value) { return place(value) != nullptr; }
  bool number_integer(json::number_integer_t value) { return place(value) != nullptr; }
  bool number_unsigned(json::number_unsigned_t value) { return place(value) != nullptr; }
  bool number_float(json::number_float_t value, const json::string_t&) { return place(value) != nullptr; }
  bool string(json::string_t& value) { return place(std::move(value)) != nullptr; }
  bool binary(json::binary_t&) { return fail("binary values are not JSON", consumed()); }

  bool start_object(size_t) { return open(json::value_t::object); }
  bool end_object() { return close(); }
  bool start_array(size_t) { return open(json::value_t::array); }
  bool end_array() { return close(); }

  bool key(json::string_t& name) {
    json::object_t& members = open_.back()->get_ref<json::object_t&>();
    const auto [member, is_new] = members.try_emplace(name);
    if (!is_new)
      return fail(concat("the name ", in_quotes(name), " stands twice in one object"), start_of_string());
    slot_ = &member->second;
    return true;
  }

  template <typename Exception>
  bool parse_error(size_t characters_read, const std::string&, const Exception& error) {
    const size_t offset = characters_read == 0 ? 0 : characters_read - 1;
    return fail(concat("not valid JSON: ", printable(reason_of(error.what()))), offset);
  }

 private:
  size_t consumed() const { return static_cast<size_t>(furthest_ - text_.data()); }

  bool fail(std::string_view complaint, size_t offset) {
    message_ = concat(label_, ": byte ", text_offset_ + offset, ": ", complaint);
    return false;
  }

  // The offset of the quote that opens the string whose closing quote was read last.
  size_t start_of_string() const {
    size_t quote = consumed() - 1;
    bool is_escaped = true;
    while (is_escaped && quote > 0) {
      quote = text_.rfind('"', quote - 1);
      size_t backslashes = 0;
      while (backslashes < quote && text_[quote - 1 - backslashes] == '\\') ++backslashes;
      is_escaped = backslashes % 2 != 0;
    }
    return quote;
  }

  // Puts a value where the document goes on: at the top, at the name just read, or at the end of an array.
  json* place(json value) {
    if (values_ == limits_.max_values) {
      fail(concat("more than ", limits_.max_values, " values"), consumed());
      return nullptr;
    }
    ++values_;
    if (open_.empty()) {
      document_ = std::move(value);
      return &document_;
    }
    if (open_.back()->is_array())
      return &open_.back()->get_ref<json::array_t&>().emplace_back(std::move(value));
    *slot_ = std::move(value);
    return slot_;
  }

  // A pointer to an open value stays good: its array or object gets nothing new until it is closed.
  bool open(json::value_t kind) {
    if (open_.size() >= static_cast<size_t>(limits_.max_depth)) {
      return fail(concat("nested deeper than ", limits_.max_depth, " levels"), consumed() - 1);
    }
    json* placed = place(kind);
    if (placed == nullptr) return false;
    open_.push_back(placed);
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  std::string_view label_;
  const JsonLimits& limits_;
  size_t text_offset_;
  const char* furthest_;
  json document_;
  std::vector<json*> open_;
  json* slot_ = nullptr;
  size_t values_ = 0;
  std::string message_;
};

}  // namespace

Result<json> parse_json(std::string_view text, std::string_view label, const JsonLimits& limits,
                        size_t text_offset) {
  if (text.size() > limits.max_bytes) {
    return Failure{
        concat(label, ": ", text.size(), " bytes of JSON, more than the limit of ", limits.max_bytes)};
  }
  // The parser takes a zero byte for the end of the text and would not look at what follows.
  const size_t zero_byte = text.find('\0');
  if (zero_byte != std::string_view::npos) {
    return Failure{concat(label, ": byte ", text_offset + zero_byte, ": not valid JSON: a zero byte")};
  }
  return DocumentBuilder(text, label, limits, text_offset).build();
}

Result<json> read_json(const std::string& path, const JsonLimits& limits) {
  Result<std::shared_ptr<const FileBytes>> file = FileBytes::read(path, limits.max_bytes);
  if (!file) return std::move(file).failure();
  const std::span<const std::byte> bytes = (*file)->bytes();
  return parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path, limits);
}

}  // namespace anneal::io
