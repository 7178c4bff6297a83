// SPDX-License-Identifier: MIT
// The arguments of ops. See parser.h.
#include <cmath>

#include "ir/parser.h"
#include "support/number_text.h"

namespace anneal::ir {

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
  if (i == nullptr) return fail(joined({"needs ", key, "="}));
  return (!i->is_list && parse_int(i->value, out)) || fail(joined({key, "= must be an integer"}));
}

bool Parser::get_bool(std::string_view key, bool* out) {
  const Item* i = find(key);
  *out = i != nullptr && i->value == "true";
  return i == nullptr || i->value == "true" || i->value == "false" ||
         fail(joined({key, "= must be true or false"}));
}

template <size_t N>
bool Parser::get_choice(std::string_view key, const std::array<std::string_view, N>& choices, size_t* out) {
  const Item* i = find(key);
  if (i == nullptr) return fail(joined({"needs ", key, "="}));
  for (size_t c = 0; c < N; ++c)
    if (choices[c] == i->value) return *out = c, true;
  std::string list;
  for (std::string_view c : choices) list += (list.empty() ? "" : ", ") + std::string(c);
  return fail(joined({key, "= is one of ", list}));
}

bool Parser::get_dims(std::string_view key, std::vector<Dim>* out) {
  const Item* i = find(key);
  if (i == nullptr) return fail(joined({"needs ", key, "=[...]"}));
  *out = i->list;
  return i->is_list || fail(joined({key, "= must be a list"}));
}

bool Parser::get_ints(std::string_view key, std::vector<int64_t>* out) {
  std::vector<Dim> dims;
  if (!get_dims(key, &dims)) return false;
  for (const Dim& d : dims) {
    if (!d.is_const()) return fail(joined({key, "= must hold integers"}));
    out->push_back(d.value);
  }
  return true;
}

bool Parser::get_axes(AxisMask* out) {
  std::vector<int64_t> axes;
  if (!get_ints("axes", &axes)) return false;
  for (int64_t a : axes) {
    if (a < 0 || a >= kMaxRank) return fail("axis " + std::to_string(a) + " is out of range");
    if ((*out >> a & 1) != 0) return fail("axis " + std::to_string(a) + " is named twice");
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
      return fail(joined({"'", v.substr(0, 40), "' is not an integer of 64 bits"}));
    *out = is_u64 ? Scalar{u} : Scalar::from_int(s, t);
    const bool fits = is_u64 || (t != DType::kU64 && out->as_int(t) == s);
    return fits || fail(joined({std::to_string(s), " does not fit ", dtype_name(t)}));
  }
  double d = 0;
  if (!support::parse_double(v, &d)) return fail(joined({"'", v.substr(0, 40), "' is not a number"}));
  *out = Scalar::from_double(d, t);
  // Infinity is what "inf" says; from digits it is a number too large.
  const bool digits = v.find_first_of("0123456789") != std::string_view::npos;
  const bool fits = std::isfinite(out->as_double(t)) || !digits;
  return fits || fail(joined({v.substr(0, 40), " is beyond the range of ", dtype_name(t)}));
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
  if (axis < 0 || axis >= kMaxRank) return fail("axis " + std::to_string(axis) + " is out of range");
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
        if (a < 0 || a >= kMaxRank) return fail("axis " + std::to_string(a) + " is out of range");
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
  return fail(joined({op_text(op), " has an argument it does not take"}));
}

}  // namespace anneal::ir
