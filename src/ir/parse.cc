// SPDX-License-Identifier: MIT
// Characters, names, types and lines. See parser.h.
#include <utility>

#include "anneal/error.h"
#include "ir/parser.h"
#include "ir/verify.h"
#include "support/error_text.h"
#include "support/nearest.h"

namespace anneal::ir {

void Parser::note_closed(Node n) {
  bool closed = legal_in_extent(graph_, n);
  for (Node s : graph_.sources(n)) closed = closed && is_closed(s);
  if (closed) closed_.set(n, 1);
}

bool Parser::number(uint32_t* out) {
  const std::string_view digits = word();
  int64_t v = 0;
  if (!parse_int(digits, &v) || v < 0) return fail_at_word("expected a node number after '%'");
  if (v > 4 * line_ + 1000)
    return fail_at_word("node number " + std::to_string(v) + " is too large for its line");
  *out = static_cast<uint32_t>(v);
  return true;
}

bool Parser::reference(Node* out) {
  uint32_t id = 0;
  if (!expect('%') || !number(&id)) return false;
  if (id >= nodes_.size() || !nodes_[id])
    return fail_at_word("%" + std::to_string(id) + " is not defined above: a node uses only earlier ones");
  *out = nodes_[id];
  return true;
}

bool Parser::dim_list(std::vector<Dim>* out) {
  if (!expect('[')) return false;
  if (accept(']')) return true;
  do {
    skip_blanks();
    if (peek() == '%') {
      Node n;
      if (!reference(&n)) return false;
      if (graph_.dtype(n) != DType::kIndex || graph_.rank(n) != 0)
        return fail_at_word("an extent must be a scalar index");
      if (!is_closed(n)) return fail_at_word("an extent must be made of variables and constants only");
      out->push_back(graph_.is_const(n) ? Dim(graph_.const_value(n).as_int(DType::kIndex)) : Dim(n));
    } else {
      int64_t v = 0;
      if (!parse_int(word(), &v)) return fail_at_word("expected an integer of 64 bits");
      out->push_back(Dim(v));
    }
    if (out->size() > kMaxRank) return fail("more than " + std::to_string(kMaxRank) + " axes");
  } while (accept(','));
  return expect(']');
}

bool Parser::string(std::string* out) {
  if (!expect('"')) return false;
  while (at_ < text_.size() && peek() != '"' && peek() != '\n') {
    char c = text_[at_++];
    if (c == '\\') {
      if (at_ >= text_.size()) break;
      c = text_[at_++];
      if (c == 'x') {
        unsigned byte = 0;
        const std::string_view digits = text_.substr(at_, 2);
        const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
        if (status != std::errc() || end != digits.data() + 2) return fail("expected two hexadecimal digits");
        at_ += 2;
        c = static_cast<char>(byte);
      } else if (c != '"' && c != '\\') {
        return fail("unknown escape");
      }
    }
    out->push_back(c);
  }
  return peek() == '"' && at_ < text_.size() ? (++at_, true) : fail("a string without its closing quote");
}

bool Parser::item(Item* out) {
  skip_blanks();
  if (peek() == '"') {
    out->is_string = true;
    return string(&out->string);
  }
  out->value = word();
  if (out->value.empty()) return fail("expected a source or an argument" + found());
  if (!accept('=')) return true;
  out->key = out->value;
  skip_blanks();
  if (peek() == '[') {
    out->is_list = true;
    out->value = {};
    return dim_list(&out->list);
  }
  out->value = word();
  return !out->value.empty() || fail(joined({"expected a value after '", out->key, "='"}));
}

namespace {

const std::vector<std::string_view>& element_type_names() {
  static const auto& names = *new std::vector<std::string_view>([] {
    std::vector<std::string_view> all;
    for (int t = static_cast<int>(DType::kBool); t < kNumDTypes; ++t)
      all.push_back(dtype_name(static_cast<DType>(t)));
    return all;
  }());
  return names;
}

}  // namespace

bool Parser::type(Type* out, std::vector<Dim>* dims, bool may_be_void) {
  const std::string_view name = word();
  out->dtype = dtype_from_name(name);
  if (out->dtype == DType::kVoid && !(may_be_void && name == dtype_name(DType::kVoid))) {
    std::string hint =
        support::nearest_hint(": did you mean '", name.substr(0, 40), element_type_names(), "'?");
    if (hint.empty())
      for (const std::string_view known : element_type_names())
        hint += std::string(hint.empty() ? ": there are " : ", ") + std::string(known);
    return fail_at_word(joined({"unknown element type '", name.substr(0, 40), "'", hint}));
  }
  skip_blanks();
  if (peek() == '[' && !dim_list(dims)) return false;
  int64_t product = 1;
  for (const Dim& d : *dims) {
    if (!d.is_const()) continue;
    if (d.value < 0) return fail("negative extent " + std::to_string(d.value));
    if (d.value != 0 && __builtin_mul_overflow(product, d.value, &product))
      return fail("the shape has more than 2^63 - 1 elements");
  }
  out->shape = graph_.intern_shape(*dims);
  return true;
}

// -- Lines --

bool Parser::node_line(uint32_t number) {
  skip_blanks();
  const size_t op_at = at_;
  const std::string_view name = word();
  const std::optional<Op> op = op_from_text(name);
  if (!op || *op == Op::Sink) {
    at_ = op_at;
    const std::string_view shown = name.substr(0, 40), nearest = nearest_op_text(shown);
    return fail(joined({"unknown op '", shown, "'",
                        support::nearest_hint(": did you mean '", shown, std::span(&nearest, 1), "'?")}));
  }
  items_.clear();
  sources_.clear();
  used_ = 0;
  skip_blanks();
  while (peek() != ':' && !at_end_of_line()) {
    if (peek() == '%') {
      Node s;
      if (!reference(&s)) return false;
      sources_.push_back(s);
    } else {
      items_.emplace_back();
      if (!item(&items_.back())) return false;
    }
    if (!accept(',')) break;
    skip_blanks();
  }
  Type given;
  std::vector<Dim> dims;
  if (!expect(':') || !type(&given, &dims, has_flag(*op, kStatement))) return false;
  if (!at_end_of_line()) return fail("unexpected text after the type" + found());
  const size_t end = std::exchange(at_, op_at);  // what is wrong from here on is the op's
  Arg arg;
  if (!argument(*op, given, &arg)) return error_ += joined({" (", op_text(*op), ")"}), false;
  if (!all_items_used(*op)) return false;
  const Inferred inferred = infer(graph_, *op, sources_, arg, given);
  if (!inferred.error.empty()) return fail(joined({op_text(*op), ": ", inferred.error}));
  if (!(inferred.type == given)) {
    const auto text = [&](const Type& t) {  // as it would be written: a scalar's without brackets
      const Shape shape = graph_.shape(t.shape);
      return std::string(dtype_name(t.dtype)) + (shape.empty() ? "" : shape_text(graph_, shape));
    };
    return fail(
        joined({op_text(*op), " has type ", text(inferred.type), " here, and ", text(given), " is written"}));
  }
  if (number >= nodes_.size()) nodes_.resize(number + 1);
  if (nodes_[number]) return fail("%" + std::to_string(number) + " is defined twice");
  nodes_[number] = graph_.intern({*op, given.dtype, given.shape, sources_, &arg});
  note_closed(nodes_[number]);
  at_ = end;
  return true;
}

bool Parser::statement(Parsed* result) {
  skip_blanks();
  if (peek() == '%') {
    ++at_;
    uint32_t id = 0;
    return number(&id) && expect('=') && node_line(id);
  }
  if (word() != "sink") return fail_at_word("a line is '%N = ...' or 'sink ...'");
  if (at_end_of_line()) return true;
  do {
    Node n;
    if (!reference(&n)) return false;
    result->roots.push_back(n);
  } while (accept(','));
  return at_end_of_line() || fail("unexpected text after the sink" + found());
}

Parsed Parser::run() {
  Parsed result;
  bool sunk = false;
  size_t statements = 0;
  while (at_ < text_.size() && error_.empty()) {
    if (!at_end_of_line()) {
      if (sunk) {
        fail("text after the sink line");
      } else if (++statements > limits_.max_nodes) {
        fail("more than " + std::to_string(limits_.max_nodes) + " nodes");
      } else {
        sunk = peek() != '%';
        statement(&result);
      }
    }
    if (at_ < text_.size() && peek() == '\n') {
      ++at_;
      ++line_;
      line_start_ = at_;
    }
  }
  if (error_.empty() && !sunk) fail("no sink line: the text is cut, or it names no results");
  if (!error_.empty()) result.roots.clear();
  result.error = std::move(error_);
  return result;
}

Parsed parse(Graph& graph, std::string_view text, const ParseLimits& limits) {
  Parser parser(graph, text, limits);
#if defined(__cpp_exceptions)
  // Extent arithmetic inside inference raises on overflow; it becomes this text's error.
  try {
    return parser.run();
  } catch (const Error& e) {
    return {{}, parser.placed(support::without_kind(e.message()))};
  }
#else
  return parser.run();
#endif
}

}  // namespace anneal::ir
