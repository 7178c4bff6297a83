// SPDX-License-Identifier: MIT
#include "tensor/call.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "ir/dims.h"
#include "ir/text.h"

namespace anneal {

using ir::Dim;
using ir::Node;

std::string number_text(double v) {
  if (std::abs(v) < 1e9 && v == std::trunc(v)) return std::to_string(static_cast<int64_t>(v));
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", v);
  for (int digits = 1; digits < 17; ++digits) {
    char shorter[32];
    std::snprintf(shorter, sizeof shorter, "%.*g", digits, v);
    if (std::strtod(shorter, nullptr) == v) return shorter;
  }
  return text;
}

namespace {

thread_local const Loc* t_blamed = nullptr;
thread_local const Loc* t_site = nullptr;

}  // namespace

Blame::Blame(const Loc& loc, bool sites) : errors_(t_blamed), sites_(t_site) {
  if (t_blamed == nullptr) t_blamed = &loc;
  if (sites) t_site = &loc;
}
Blame::~Blame() {
  t_blamed = errors_;
  t_site = sites_;
}
const Loc& Blame::for_errors(const Loc& loc) { return t_blamed != nullptr ? *t_blamed : loc; }
const Loc& Blame::for_sites(const Loc& loc) { return t_site != nullptr ? *t_site : loc; }

namespace {

const Loc& first_loc(std::initializer_list<const In*> operands) {
  // The operand nearest to the call: conversions on one line agree, and any of them is the user's.
  return (*operands.begin())->loc();
}

}  // namespace

Call::Call(std::string_view name, std::initializer_list<const In*> operands)
    : g(ir::default_graph()), b{g}, scope_(g), name_(name), loc_(Blame::for_errors(first_loc(operands))) {
  for (const In* x : operands) {
    if (x->kind() == In::Kind::kTensor)
      take(node_of(x->tensor()));
    else
      ++seen_;
  }
  open(first_loc(operands));
}

Call::Call(std::string_view name, std::initializer_list<const In*> operands,
           std::initializer_list<const std::optional<Tensor>*> options)
    : Call(name, operands) {
  for (const std::optional<Tensor>* x : options)  // an empty tensor is refused by its name
    if (*x && (*x)->defined()) take(node_of(**x));
}

Call::Call(std::string_view name, const std::vector<Tensor>& operands, const Loc& loc)
    : g(ir::default_graph()), b{g}, scope_(g), name_(name), loc_(Blame::for_errors(loc)) {
  for (const Tensor& t : operands) take(node_of(t));
  open(loc);
}

Call::Call(std::string_view name, const Tensor& operand, const Loc& loc)
    : g(ir::default_graph()), b{g}, scope_(g), name_(name), loc_(Blame::for_errors(loc)) {
  take(node_of(operand));
  open(loc);
}

Call::Call(std::string_view name, const Loc& loc)
    : g(ir::default_graph()), b{g}, scope_(g), name_(name), loc_(Blame::for_errors(loc)) {
  open(loc);
}

void Call::take(Node operand) {
  ++seen_;
  if (!operand && empty_ == 0) empty_ = seen_;
  if (operand && num_operands_ < std::size(operands_)) operands_[num_operands_++] = operand;
}

void Call::open(const Loc& loc) {
  if (empty_ != 0) fail(ErrorCode::kArgument, "operand " + std::to_string(empty_) + " is an empty tensor");
  saved_site_ = g.current_origin().site;
  if (!scope_.outermost()) return;
  const Loc& site = Blame::for_sites(loc);
  g.set_site(g.intern_site(site.file_name(), static_cast<int>(site.line()), name_));
}

Call::~Call() { g.set_site(saved_site_); }

void detail::fail(std::string_view name, ErrorCode code, const std::string& what, const Loc& loc) {
  const Call call(name, loc);
  call.fail(code, what);
}

void Call::fail(ErrorCode code, const std::string& what) const {
  raise(code, std::string(name_) + ": " + what);
}

void Call::describe(std::string& message) const {
  // "error[shape] mul: shapes ..." of a call inside becomes "error[shape] layer_norm: mul: shapes ...".
  const size_t start = message.find("] ") + 2;
  if (!inner_.empty() && std::string_view(message).substr(start).starts_with(std::string(inner_) + ": "))
    message.erase(start, inner_.size() + 2);
  if (!std::string_view(message).substr(start).starts_with(std::string(name_) + ":"))
    message.insert(start, std::string(name_) + ": ");
  // An op inside names its own sources, of which the user need not know: the operands follow.
  for (size_t line = message.find("\n  "); line != std::string::npos;) {
    const size_t next = message.find("\n", line + 1), length = std::min(next, message.size()) - line;
    const bool is_source =
        std::string_view(message).substr(line, length).find("  from ") != std::string::npos;
    if (is_source) message.erase(line, length);
    line = message.find("\n  ", is_source ? line : line + length);
  }
  for (size_t i = 0; i < num_operands_; ++i) {
    const Node n = operands_[i];
    if (!n) continue;
    message += "\n  " + ir::type_text(g, n);
    if (const auto* param = std::get_if<ir::ParamArg>(&g.arg(n)); param != nullptr && !param->name.empty())
      message += "  " + param->name;
    const ir::Site& site = g.site(g.origin(n).site);
    message += "  from " + (site.call.empty() ? std::string(ir::op_text(g.op(n))) : site.call);
    if (!site.file.empty()) message += "  " + site.file + ":" + std::to_string(site.line);
  }
  if (loc_.line() == 0) return;  // called where the user's line is not known, as in out << tensor
  message += "\n  at " + std::string(loc_.function_name()) + "  " + loc_.file_name() + ":" +
             std::to_string(loc_.line());
}

Node Call::node(const In& x, DType t) const {
  if (x.kind() == In::Kind::kTensor) return b.cast(node_of(x.tensor()), t);
  // A number takes the type of the tensor it meets, unchanged: -1 as u8 would silently be 255, and 2.5 as i32
  // be 2.
  if (is_float(t)) return b.constant_float(x.float_value(), t);
  const double v = x.float_value();
  const ir::Scalar as_t =
      x.kind() == In::Kind::kFloat ? ir::Scalar::from_double(v, t) : ir::Scalar::from_int(x.int_value(), t);
  const bool fits = is_bool(t) || (x.kind() == In::Kind::kFloat ? as_t.as_double(t) == v
                                   : x.is_huge()                ? t == u64
                                                 : as_t.as_int(t) == x.int_value() && (t != u64 || v >= 0));
  if (!fits) {
    const std::string number =
        x.kind() == In::Kind::kFloat || x.is_huge() ? number_text(v) : std::to_string(x.int_value());
    fail(ErrorCode::kArgument, "the number " + number + " does not fit " + std::string(dtype_name(t)));
  }
  return b.constant(as_t, t);
}

Node Call::node(const In& x) const {
  switch (x.kind()) {
    case In::Kind::kTensor: return node_of(x.tensor());
    case In::Kind::kBool: return node(x, DType::kBool);
    case In::Kind::kInt: return node(x, DType::kI32);
    case In::Kind::kFloat: return node(x, DType::kF32);
  }
  return {};
}

Node Call::own(Node n) const {
  if (!is_float(g.dtype(n))) return n;
  static const auto kMade = std::make_shared<const ir::BufferData>();  // what tells it from alias()
  return b.make(ir::Op::Alias, {n}, ir::BufferArg{g.add_buffer(kMade)});
}

Node Call::required(const Tensor& t, std::string_view what) const {
  if (!t.defined()) fail(ErrorCode::kArgument, std::string(what) + " is an empty tensor");
  return node_of(t);
}

Node Call::float_node(const In& x) const {
  const Node n = node(x);
  return is_float(g.dtype(n)) ? n : b.cast(n, f32);
}

// Tensors decide; a number only adds what its kind needs.
DType Call::joint_dtype(std::initializer_list<const In*> operands) const {
  DType t = DType::kVoid;
  In::Kind weak = In::Kind::kTensor;
  for (const In* x : operands) {
    if (x->kind() == In::Kind::kTensor) {
      const DType u = g.dtype(node_of(x->tensor()));
      t = t == DType::kVoid ? u : promote(t, u);
    } else if (x->kind() > weak) {
      weak = x->kind();
    }
  }
  const DType needed = weak == In::Kind::kFloat ? f32 : weak == In::Kind::kInt ? i32 : DType::kBool;
  if (weak == In::Kind::kTensor) return t;
  if (t == DType::kVoid) return needed;
  if (weak == In::Kind::kFloat) return is_float(t) ? t : needed;
  return weak == In::Kind::kInt && is_bool(t) ? needed : t;
}

DType Call::float_dtype(std::initializer_list<const In*> operands) const {
  const DType t = joint_dtype(operands);
  return is_float(t) ? t : f32;
}

std::vector<Dim> Call::broadcast_shapes(std::initializer_list<Node> nodes) const {
  std::vector<Dim> out;
  for (Node n : nodes) {
    const ir::Shape shape = g.shape(n);
    if (shape.size() > out.size()) out.insert(out.begin(), shape.size() - out.size(), Dim(1));
    for (size_t i = 0; i < shape.size(); ++i) {
      Dim& d = out[out.size() - shape.size() + i];
      const Dim& s = shape[i];
      if (d == s || s.is(1)) continue;
      if (d.is(1)) {
        d = s;
      } else if (ir::dim_equal(g, d, s) == ir::Tri::kFalse) {
        std::string shapes;
        for (Node m : nodes) shapes += (shapes.empty() ? "" : " and ") + ir::shape_text(g, g.shape(m));
        fail(ErrorCode::kShape,
             "shapes " + shapes + " do not broadcast: axis " +
                 std::to_string(static_cast<int64_t>(i) - static_cast<int64_t>(shape.size())) + " has " +
                 ir::dim_text(g, d) + " and " + ir::dim_text(g, s) + "; extents must be equal or 1");
      }
    }
  }
  return out;
}

Node Call::broadcast(Node n, ir::Shape to) const {
  const ir::Shape from = g.shape(n);
  if (from.empty()) return n;
  if (from.size() < to.size()) {
    std::vector<Dim> dims(to.size() - from.size(), Dim(1));
    dims.insert(dims.end(), from.begin(), from.end());
    n = b.reshape(n, dims);
  }
  return b.expand(n, to);
}

Call::Pair Call::broadcast_pair(const In& x, const In& y, DType t) const {
  Node m = node(x, t), n = node(y, t);
  if (g.shape_id(m) == g.shape_id(n) || g.rank(m) == 0 || g.rank(n) == 0) return {m, n};
  const std::vector<Dim> shape = broadcast_shapes({m, n});
  return {broadcast(m, shape), broadcast(n, shape)};
}

std::vector<Dim> Call::shape(Node n) const {
  const ir::Shape s = g.shape(n);
  return {s.begin(), s.end()};
}

int Call::axis(int64_t a, size_t rank) const {
  const auto r = static_cast<int64_t>(rank);
  if (a < -r || a >= r) {
    if (rank == 0) fail(ErrorCode::kArgument, "axis " + std::to_string(a) + " of a scalar, which has none");
    fail(ErrorCode::kArgument, "axis " + std::to_string(a) + " is out of range: a tensor of rank " +
                                   std::to_string(r) + " has axes " + std::to_string(-r) + " to " +
                                   std::to_string(r - 1));
  }
  return static_cast<int>(a < 0 ? a + r : a);
}

ir::AxisMask Call::axes(const Axes& list, size_t rank) const {
  if (list.empty()) return static_cast<ir::AxisMask>((uint64_t{1} << rank) - 1);
  ir::AxisMask mask = 0;
  for (int a : list) {
    const ir::AxisMask bit = 1u << axis(a, std::max<size_t>(rank, 1));
    if ((mask & bit) != 0) fail(ErrorCode::kArgument, "axis " + std::to_string(a) + " is named twice");
    mask |= bit;
  }
  return rank == 0 ? 0 : mask;
}

std::vector<Dim> Call::dims(const Sizes& sizes) const {
  std::vector<Dim> out;
  for (const Extent& e : sizes) {
    if (e.is_const() && e.value() < 0)
      fail(ErrorCode::kShape,
           "negative extent " + std::to_string(e.value()) + " on axis " + std::to_string(out.size()));
    out.push_back(to_dim(e));
  }
  return out;
}

Extent to_extent(Dim d) { return d.is_const() ? Extent(d.value) : Extent(detail::Handle(d.expr.id)); }

Dim to_dim(const Extent& e) { return e.is_const() ? Dim(e.value()) : Dim(Node{e.node().id()}); }

}  // namespace anneal
