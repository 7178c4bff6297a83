// SPDX-License-Identifier: MIT
// The parser half of text.h: one line at a time, no recursion, every node typed as it is made. A node can
// only use what stands above it, so a cycle cannot be written.
#define FMT_HEADER_ONLY
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <utility>

#include "anneal/error.h"
#include "ir/infer.h"
#include "ir/side_table.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "support/nearest.h"
#include "support/number_text.h"

namespace anneal::ir {
namespace {

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
    return fmt::format("{}:{}: {}", line_, at_ - line_start_ + 1, message);
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
  bool expect(char c) { return accept(c) || fail(fmt::format("expected '{}'{}", c, found())); }
  bool at_end_of_line() {
    skip_blanks();
    return peek() == '\n';
  }
  std::string found() const {
    if (at_ >= text_.size()) return ", found the end of the text";
    if (peek() == '\n') return ", found the end of the line";
    const auto byte = static_cast<unsigned char>(peek());
    return byte >= 0x20 && byte < 0x7f ? fmt::format(", found '{}'", peek())
                                       : fmt::format(", found byte 0x{:02x}", byte);
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

bool parse_int(std::string_view text, int64_t* out) {
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return !text.empty() && status == std::errc() && end == text.data() + text.size();
}

void Parser::note_closed(Node n) {
  bool closed = legal_in_extent(graph_, n);
  for (Node s : graph_.sources(n)) closed = closed && is_closed(s);
  if (closed) closed_.set(n, 1);
}

bool Parser::number(uint32_t* out) {
  const std::string_view digits = word();
  int64_t v = 0;
  if (!parse_int(digits, &v) || v < 0) return fail_at_word("expected a node number after '%'");
  if (v > 4 * line_ + 1000) return fail_at_word(fmt::format("node number {} is too large for its line", v));
  *out = static_cast<uint32_t>(v);
  return true;
}

bool Parser::reference(Node* out) {
  uint32_t id = 0;
  if (!expect('%') || !number(&id)) return false;
  if (id >= nodes_.size() || !nodes_[id])
    return fail_at_word(fmt::format("%{} is not defined above: a node uses only earlier ones", id));
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
    if (out->size() > kMaxRank) return fail(fmt::format("more than {} axes", kMaxRank));
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
  return !out->value.empty() || fail(fmt::format("expected a value after '{}='", out->key));
}

const std::vector<std::string_view>& element_type_names() {
  static const auto& names = *new std::vector<std::string_view>([] {
    std::vector<std::string_view> all;
    for (int t = static_cast<int>(DType::kBool); t < kNumDTypes; ++t)
      all.push_back(dtype_name(static_cast<DType>(t)));
    return all;
  }());
  return names;
}

bool Parser::type(Type* out, std::vector<Dim>* dims, bool may_be_void) {
  const std::string_view name = word();
  out->dtype = dtype_from_name(name);
  if (out->dtype == DType::kVoid && !(may_be_void && name == dtype_name(DType::kVoid)))
    return fail_at_word(fmt::format(
        "unknown element type '{}'{}", name.substr(0, 40),
        support::nearest_hint(": did you mean '", name.substr(0, 40), element_type_names(), "'?")));
  skip_blanks();
  if (peek() == '[' && !dim_list(dims)) return false;
  int64_t product = 1;
  for (const Dim& d : *dims) {
    if (!d.is_const()) continue;
    if (d.value < 0) return fail(fmt::format("negative extent {}", d.value));
    if (d.value != 0 && __builtin_mul_overflow(product, d.value, &product))
      return fail("the shape has more than 2^63 - 1 elements");
  }
  out->shape = graph_.intern_shape(*dims);
  return true;
}

// -- Arguments --

const Item* Parser::find(std::string_view key) const {
  for (const Item& i : items_)
    if (i.key == key && !key.empty()) {
      ++used_;
      return &i;
    }
  return nullptr;
}

bool Parser::get_int(std::string_view key, int64_t* out, std::optional<int64_t> fallback) {
  const Item* i = find(key);
  if (i == nullptr && fallback) return *out = *fallback, true;
  if (i == nullptr) return fail(fmt::format("needs {}=", key));
  return (!i->is_list && parse_int(i->value, out)) || fail(fmt::format("{}= must be an integer", key));
}

bool Parser::get_bool(std::string_view key, bool* out) {
  const Item* i = find(key);
  *out = i != nullptr && i->value == "true";
  return i == nullptr || i->value == "true" || i->value == "false" ||
         fail(fmt::format("{}= must be true or false", key));
}

template <size_t N>
bool Parser::get_choice(std::string_view key, const std::array<std::string_view, N>& choices, size_t* out) {
  const Item* i = find(key);
  if (i == nullptr) return fail(fmt::format("needs {}=", key));
  for (size_t c = 0; c < N; ++c)
    if (choices[c] == i->value) return *out = c, true;
  std::string list;
  for (std::string_view c : choices) list += (list.empty() ? "" : ", ") + std::string(c);
  return fail(fmt::format("{}= is one of {}", key, list));
}

bool Parser::get_dims(std::string_view key, std::vector<Dim>* out) {
  const Item* i = find(key);
  if (i == nullptr) return fail(fmt::format("needs {}=[...]", key));
  *out = i->list;
  return i->is_list || fail(fmt::format("{}= must be a list", key));
}

bool Parser::get_ints(std::string_view key, std::vector<int64_t>* out) {
  std::vector<Dim> dims;
  if (!get_dims(key, &dims)) return false;
  for (const Dim& d : dims) {
    if (!d.is_const()) return fail(fmt::format("{}= must hold integers", key));
    out->push_back(d.value);
  }
  return true;
}

bool Parser::get_axes(AxisMask* out) {
  std::vector<int64_t> axes;
  if (!get_ints("axes", &axes)) return false;
  for (int64_t a : axes) {
    if (a < 0 || a >= kMaxRank) return fail(fmt::format("axis {} is out of range", a));
    if ((*out >> a & 1) != 0) return fail(fmt::format("axis {} is named twice", a));
    *out |= 1u << a;
  }
  return true;
}

bool Parser::get_scalar(DType t, Scalar* out) {
  if (items_.empty() || !items_[0].key.empty() || items_[0].is_string) return fail("needs a value");
  ++used_;
  const std::string_view v = items_[0].value;
  if (is_bool(t)) {
    *out = {v == "true" ? 1u : 0u};
    return v == "true" || v == "false" || fail("a bool is true or false");
  }
  if (!is_float(t)) {
    uint64_t u = 0;
    int64_t s = 0;
    const auto [end, status] = std::from_chars(v.data(), v.data() + v.size(), u);
    const bool is_u64 = t == DType::kU64 && status == std::errc() && end == v.data() + v.size();
    if (!is_u64 && !parse_int(v, &s))
      return fail(fmt::format("'{}' is not an integer of 64 bits", v.substr(0, 40)));
    *out = is_u64 ? Scalar{u} : Scalar::from_int(s, t);
    const bool fits = is_u64 || (t != DType::kU64 && out->as_int(t) == s);
    return fits || fail(fmt::format("{} does not fit {}", s, dtype_name(t)));
  }
  double d = 0;
  if (!support::parse_double(v, &d)) return fail(fmt::format("'{}' is not a number", v.substr(0, 40)));
  *out = Scalar::from_double(d, t);
  // Infinity is what "inf" says; from digits it is a number too large.
  const bool digits = v.find_first_of("0123456789") != std::string_view::npos;
  const bool fits = std::isfinite(out->as_double(t)) || !digits;
  return fits || fail(fmt::format("{} is beyond the range of {}", v.substr(0, 40), dtype_name(t)));
}

bool Parser::leaf_argument(ArgKind kind, const Type& given, Arg* out) {
  switch (kind) {
    case ArgKind::Const: {
      ConstArg c;
      if (!get_scalar(given.dtype, &c.value)) return false;
      *out = c;
      return true;
    }
    case ArgKind::Var: {
      VarArg v;
      if (items_.empty() || !items_[0].is_string) return fail("needs a name in quotes");
      ++used_;
      v.name = items_[0].string;
      if (!get_int("min", &v.min) || !get_int("max", &v.max) || !get_int("multiple", &v.multiple_of, 1))
        return false;
      *out = v;
      return true;
    }
    case ArgKind::Range: {
      RangeArg r;
      size_t axis_kind = 0;
      if (!get_int("id", &r.id) || !get_choice("kind", kAxisKindText, &axis_kind)) return false;
      r.kind = static_cast<AxisKind>(axis_kind);
      *out = r;
      return true;
    }
    case ArgKind::Param: {
      ParamArg p;
      if (items_.empty() || !items_[0].key.empty() || !parse_int(items_[0].value, &p.index))
        return fail("needs its number");
      ++used_;
      if (items_.size() > 1 && items_[1].is_string) {
        p.name = items_[1].string;
        ++used_;
      }
      *out = p;
      return true;
    }
    default: {  // Buffer: a serial number
      int64_t v = 0;
      if (items_.empty() || !items_[0].key.empty() || !parse_int(items_[0].value, &v))
        return fail("needs its number");
      ++used_;
      auto [it, fresh] = buffers_.emplace(static_cast<uint64_t>(v), 0);
      if (fresh) it->second = graph_.add_buffer(nullptr);
      *out = BufferArg{it->second};
      return true;
    }
  }
}

bool Parser::axis_argument(ArgKind kind, Arg* out) {
  int64_t axis = 0;
  size_t choice = 0;
  if (kind == ArgKind::Scan && !get_choice("op", kReduceOpText, &choice)) return false;
  if (kind == ArgKind::Scatter && !get_choice("mode", kScatterModeText, &choice)) return false;
  bool flag = false;
  if (kind == ArgKind::Scan && !get_bool("reverse", &flag)) return false;
  if (kind == ArgKind::Sort && !get_bool("descending", &flag)) return false;
  if (!get_int("axis", &axis)) return false;
  if (axis < 0 || axis >= kMaxRank) return fail(fmt::format("axis {} is out of range", axis));
  const auto a = static_cast<int32_t>(axis);
  if (kind == ArgKind::Axis) *out = AxisArg{a};
  if (kind == ArgKind::Scan) *out = ScanArg{static_cast<ReduceOp>(choice), a, flag};
  if (kind == ArgKind::Sort) *out = SortArg{a, flag};
  if (kind == ArgKind::Scatter) *out = ScatterArg{static_cast<ScatterMode>(choice), a};
  return true;
}

bool Parser::argument(Op op, const Type& given, Arg* out) {
  const ArgKind kind = op_info(op).arg;
  switch (kind) {
    case ArgKind::None: *out = NoArg{}; return true;
    case ArgKind::Const:
    case ArgKind::Var:
    case ArgKind::Range:
    case ArgKind::Param:
    case ArgKind::Buffer: return leaf_argument(kind, given, out);
    case ArgKind::Axis:
    case ArgKind::Scan:
    case ArgKind::Sort:
    case ArgKind::Scatter: return axis_argument(kind, out);
    case ArgKind::Lane: {
      int64_t lane = 0;
      if (!get_int("lane", &lane)) return false;
      *out = LaneArg{lane == 0 || lane == 1 ? static_cast<int32_t>(lane) : -1};
      return true;
    }
    case ArgKind::Perm: {
      PermArg perm;
      std::vector<int64_t> axes;
      if (!get_ints("perm", &axes)) return false;
      for (int64_t a : axes) {
        if (a < 0 || a >= kMaxRank) return fail(fmt::format("axis {} is out of range", a));
        perm.perm.push_back(static_cast<uint8_t>(a));
      }
      *out = perm;
      return true;
    }
    case ArgKind::Pad: {
      PadArg pad;
      if (!get_dims("low", &pad.low) || !get_dims("high", &pad.high)) return false;
      pad.interior.assign(pad.low.size(), 0);
      for (const Item& i : items_)
        if (i.key == "interior") pad.interior.clear();
      if (pad.interior.empty() && !pad.low.empty() && !get_ints("interior", &pad.interior)) return false;
      *out = pad;
      return true;
    }
    case ArgKind::Slice: {
      SliceArg slice;
      if (!get_dims("start", &slice.start)) return false;
      slice.step.assign(slice.start.size(), 1);
      for (const Item& i : items_)
        if (i.key == "step") slice.step.clear();
      if (slice.step.empty() && !slice.start.empty() && !get_ints("step", &slice.step)) return false;
      *out = slice;
      return true;
    }
    case ArgKind::Axes: {
      AxesArg axes;
      if (!get_axes(&axes.axes)) return false;
      *out = axes;
      return true;
    }
    case ArgKind::Reduce: {
      ReduceArg reduce;
      size_t fold = 0;
      if (!get_choice("op", kReduceOpText, &fold) || !get_axes(&reduce.axes)) return false;
      reduce.op = static_cast<ReduceOp>(fold);
      *out = reduce;
      return true;
    }
    case ArgKind::Custom: {
      int64_t v = 0;
      if (!get_int("function", &v)) return false;
      auto [it, fresh] = functions_.emplace(static_cast<uint64_t>(v), 0);
      if (fresh) it->second = graph_.add_buffer(nullptr);
      *out = CustomArg{it->second};
      return true;
    }
  }
  return false;
}

bool Parser::all_items_used(Op op) {
  if (used_ == items_.size()) return true;
  return fail(fmt::format("{} has an argument it does not take", op_text(op)));
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
    return fail(fmt::format("unknown op '{}'{}", shown,
                            support::nearest_hint(": did you mean '", shown, std::span(&nearest, 1), "'?")));
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
  if (!argument(*op, given, &arg)) return error_ = fmt::format("{} ({})", error_, op_text(*op)), false;
  if (!all_items_used(*op)) return false;
  const Inferred inferred = infer(graph_, *op, sources_, arg, given);
  if (!inferred.error.empty()) return fail(fmt::format("{}: {}", op_text(*op), inferred.error));
  if (!(inferred.type == given)) {
    std::string type(dtype_name(inferred.type.dtype));
    type += shape_text(graph_, graph_.shape(inferred.type.shape));
    return fail(fmt::format("{} has type {} here, not what is written", op_text(*op), type));
  }
  if (number >= nodes_.size()) nodes_.resize(number + 1);
  if (nodes_[number]) return fail(fmt::format("%{} is defined twice", number));
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
        fail(fmt::format("more than {} nodes", limits_.max_nodes));
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

}  // namespace

Parsed parse(Graph& graph, std::string_view text, const ParseLimits& limits) {
  Parser parser(graph, text, limits);
#if defined(__cpp_exceptions)
  // Extent arithmetic inside inference raises on overflow; it becomes this text's error.
  try {
    return parser.run();
  } catch (const Error& e) {
    const std::string_view message = e.message();
    return {{}, parser.placed(message.substr(message.find("] ") + 2))};  // without its "error[limit] "
  }
#else
  return parser.run();
#endif
}

}  // namespace anneal::ir
