// SPDX-License-Identifier: MIT
// The parser half of text.h: one line at a time, no recursion, every node typed as it is made. A node can
// only use what stands above it, so a cycle cannot be written. Private to this folder.
#pragma once

#include <array>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <unordered_map>

#include "ir/infer.h"
#include "ir/side_table.h"
#include "ir/text.h"

namespace anneal::ir {

inline std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (std::string_view part : parts) out += part;
  return out;
}

inline bool parse_int(std::string_view text, int64_t* out) {
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return !text.empty() && status == std::errc() && end == text.data() + text.size();
}

struct Item {  // "key=value", or a value alone
  std::string_view key;
  std::string_view value;  // a number, a word, or the inside of a string
  std::vector<Dim> list;   // when is_list
  bool is_list = false, is_string = false;
  std::string string;
};

class Parser {
 public:
  Parser(Graph& graph, std::string_view text, const ParseLimits& limits)
      : graph_(graph), text_(text), limits_(limits) {}
  Parsed run();
  std::string placed(std::string_view message) const {
    return joined({std::to_string(line_), ":", std::to_string(at_ - line_start_ + 1), ": ", message});
  }

 private:
  // -- Errors: the first one stays --
  bool fail(std::string_view message) {
    if (error_.empty()) error_ = placed(message);
    return false;
  }

  // -- Characters --
  char peek() const { return at_ < text_.size() ? text_[at_] : '\n'; }
  void skip_blanks() {
    while (at_ < text_.size() && (peek() == ' ' || peek() == '\t' || peek() == '\r')) ++at_;
    if (peek() == '#')
      while (at_ < text_.size() && peek() != '\n') ++at_;
  }
  bool accept(char c) {
    skip_blanks();
    if (at_ >= text_.size() || peek() != c || c == '\n') return false;
    ++at_;
    return true;
  }
  bool expect(char c) { return accept(c) || fail(joined({"expected '", {&c, 1}, "'", found()})); }
  bool at_end_of_line() {
    skip_blanks();
    return peek() == '\n';
  }
  std::string found() const {
    if (at_ >= text_.size()) return ", found the end of the text";
    if (peek() == '\n') return ", found the end of the line";
    const auto byte = static_cast<unsigned char>(peek());
    constexpr std::string_view kDigits = "0123456789abcdef";
    const char hex[] = {kDigits[byte >> 4], kDigits[byte & 15]};
    return byte >= 0x20 && byte < 0x7f ? joined({", found '", {&text_[at_], 1}, "'"})
                                       : joined({", found byte 0x", {hex, 2}});
  }
  static bool is_word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || c == '+';
  }
  std::string_view word() {
    skip_blanks();
    word_at_ = at_;
    while (at_ < text_.size() && is_word_char(peek())) ++at_;
    return text_.substr(word_at_, at_ - word_at_);
  }
  bool fail_at_word(std::string_view message) {
    at_ = word_at_;
    return fail(message);
  }

  // Whether the node is an index expression over variables, which an extent may be: known of the nodes above.
  bool is_closed(Node n) const { return closed_.get(n) != 0; }
  void note_closed(Node n);

  // -- Pieces --
  bool number(uint32_t* out);
  bool reference(Node* out);
  bool dim_list(std::vector<Dim>* out);
  bool string(std::string* out);
  bool item(Item* out);
  bool type(Type* out, std::vector<Dim>* dims, bool may_be_void);
  bool statement(Parsed* result);
  bool node_line(uint32_t number);

  // -- Arguments --
  const Item* find(std::string_view key) const;
  bool get_int(std::string_view key, int64_t* out, std::optional<int64_t> fallback = std::nullopt);
  bool get_bool(std::string_view key, bool* out);
  template <size_t N>
  bool get_choice(std::string_view key, const std::array<std::string_view, N>& choices, size_t* out);
  bool get_axes(AxisMask* out);
  bool get_ints(std::string_view key, std::vector<int64_t>* out);
  bool get_dims(std::string_view key, std::vector<Dim>* out);
  bool get_scalar(DType t, Scalar* out);
  bool argument(Op op, const Type& given, Arg* out);
  bool leaf_argument(ArgKind kind, const Type& given, Arg* out);
  bool axis_argument(ArgKind kind, Arg* out);
  bool all_items_used(Op op);

  Graph& graph_;
  std::string_view text_;
  const ParseLimits& limits_;
  size_t at_ = 0, line_start_ = 0, word_at_ = 0;
  int64_t line_ = 1;
  std::string error_;
  std::vector<Node> nodes_;
  SideTable<uint8_t> closed_;
  std::vector<Item> items_;
  std::vector<Node> sources_;
  mutable size_t used_ = 0;
  std::unordered_map<uint64_t, uint64_t> buffers_, functions_;  // number in the text -> serial
};

}  // namespace anneal::ir
