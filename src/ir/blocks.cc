// SPDX-License-Identifier: MIT
// Typed loops around scalar_ops.h, and the table that gives every op of ops.def its loop or says that it has
// none.
#include "ir/blocks.h"

#include <cstring>

#include "ir/scalar_ops.h"
#include "support/float_formats.h"
#include "support/threefry.h"

namespace anneal::ir {
namespace {

// -- Memory forms --

struct F16Format {
  using Bits = uint16_t;
  static float decode(Bits b) { return support::f16_to_f32(b); }
  static Bits encode(float v) { return support::f16_from_f32(v); }
  static Bits encode(double v) { return support::f16_from_f64(v); }
};
struct Bf16Format {
  using Bits = uint16_t;
  static float decode(Bits b) { return support::bf16_to_f32(b); }
  static Bits encode(float v) { return support::bf16_from_f32(v); }
  static Bits encode(double v) { return support::bf16_from_f64(v); }
};
struct E4m3Format {
  using Bits = uint8_t;
  static float decode(Bits b) { return support::e4m3_to_f32(b); }
  static Bits encode(float v) { return support::e4m3_from_f32(v); }
  static Bits encode(double v) { return support::e4m3_from_f64(v); }
};
struct E5m2Format {
  using Bits = uint8_t;
  static float decode(Bits b) { return support::e5m2_to_f32(b); }
  static Bits encode(float v) { return support::e5m2_from_f32(v); }
  static Bits encode(double v) { return support::e5m2_from_f64(v); }
};

template <typename Fn>
void visit_narrow(DType t, Fn&& fn) {
  switch (t) {
    case DType::kF16: return fn.template operator()<F16Format>();
    case DType::kBF16: return fn.template operator()<Bf16Format>();
    case DType::kF8E4M3: return fn.template operator()<E4m3Format>();
    case DType::kF8E5M2: return fn.template operator()<E5m2Format>();
    default: ANNEAL_UNREACHABLE("not a narrow float");
  }
}

template <typename Stored, typename T, typename Convert>
void load_as(const std::byte* from, int64_t stride, size_t n, T* to, Convert convert) {
  const auto step = stride * static_cast<int64_t>(sizeof(Stored));
  for (size_t i = 0; i < n; ++i) {
    Stored v;
    std::memcpy(&v, from + static_cast<int64_t>(i) * step, sizeof v);
    to[i] = convert(v);
  }
}

// Rounds floats in place to the values of t.
void round_elements(DType t, void* elements, size_t n) {
  if (!is_narrow_float(t)) return;
  auto* v = static_cast<float*>(elements);
  visit_narrow(t, [&]<typename Format>() {
    for (size_t i = 0; i < n; ++i) v[i] = Format::decode(Format::encode(v[i]));
  });
}

// -- Loops, one kind of op each --

using Sources = const void* const*;

template <typename T>
const T* run_of(const void* from) {
  return static_cast<const T*>(from);
}

template <Op op>
void run_unary(const Elementwise& what, Sources sources, void* out, size_t n) {
  visit_compute(what.source, [&]<typename T>() {
    if constexpr (rule_allows<T>(op_info(op).dtype_rule)) {
      const T* a = run_of<T>(sources[0]);
      T* r = static_cast<T*>(out);
      for (size_t i = 0; i < n; ++i) r[i] = unary_op<op>(a[i]);
    } else {
      ANNEAL_UNREACHABLE("the op does not take this type");
    }
  });
  round_elements(what.result, out, n);
}

template <Op op>
void run_binary(const Elementwise& what, Sources sources, void* out, size_t n) {
  visit_compute(what.source, [&]<typename T>() {
    if constexpr (rule_allows<T>(op_info(op).dtype_rule)) {
      const T* a = run_of<T>(sources[0]);
      const T* b = run_of<T>(sources[1]);
      T* r = static_cast<T*>(out);
      for (size_t i = 0; i < n; ++i) r[i] = binary_op<op>(a[i], b[i]);
    } else {
      ANNEAL_UNREACHABLE("the op does not take this type");
    }
  });
  round_elements(what.result, out, n);
}

template <Op op>
void run_compare(const Elementwise& what, Sources sources, void* out, size_t n) {
  visit_compute(what.source, [&]<typename T>() {
    const T* a = run_of<T>(sources[0]);
    const T* b = run_of<T>(sources[1]);
    bool* r = static_cast<bool*>(out);
    for (size_t i = 0; i < n; ++i) r[i] = compare_op<op>(a[i], b[i]);
  });
}

void run_where(const Elementwise& what, Sources sources, void* out, size_t n) {
  visit_compute(what.result, [&]<typename T>() {
    const bool* chosen = run_of<bool>(sources[0]);
    const T* a = run_of<T>(sources[1]);
    const T* b = run_of<T>(sources[2]);
    T* r = static_cast<T*>(out);
    for (size_t i = 0; i < n; ++i) r[i] = chosen[i] ? a[i] : b[i];
  });
}

void run_threefry(const Elementwise& what, Sources sources, void* out, size_t n) {
  const uint32_t* key[] = {run_of<uint32_t>(sources[0]), run_of<uint32_t>(sources[1])};
  const uint32_t* counter[] = {run_of<uint32_t>(sources[2]), run_of<uint32_t>(sources[3])};
  auto* r = static_cast<uint32_t*>(out);
  const auto lane = static_cast<size_t>(what.lane);
  for (size_t i = 0; i < n; ++i)
    r[i] = support::threefry2x32({key[0][i], key[1][i]}, {counter[0][i], counter[1][i]})[lane];
}

// To a narrow float straight from the source: going through float would round twice.
template <typename From>
void cast_to_narrow(DType result, const From* a, float* r, size_t n) {
  visit_narrow(result, [&]<typename Format>() {
    for (size_t i = 0; i < n; ++i) {
      if constexpr (std::same_as<From, float>) {
        r[i] = Format::decode(Format::encode(a[i]));
      } else {
        r[i] = Format::decode(Format::encode(convert_for_rounding(a[i])));
      }
    }
  });
}

void run_cast(const Elementwise& what, Sources sources, void* out, size_t n) {
  visit_compute(what.source, [&]<typename From>() {
    const From* a = run_of<From>(sources[0]);
    if (is_narrow_float(what.result)) return cast_to_narrow(what.result, a, static_cast<float*>(out), n);
    visit_compute(what.result, [&]<typename To>() {
      To* r = static_cast<To*>(out);
      for (size_t i = 0; i < n; ++i) r[i] = convert<To>(a[i]);
    });
  });
}

void run_bitcast(const Elementwise& what, Sources sources, void* out, size_t n) {
  const auto from = static_cast<size_t>(dtype_size(compute_dtype(what.source)));
  const auto to = static_cast<size_t>(dtype_size(compute_dtype(what.result)));
  for (size_t i = 0; i < n; ++i) {
    std::byte bits[8];
    store_elements(what.source, run_of<std::byte>(sources[0]) + i * from, 1, bits);
    load_elements(what.result, bits, 1, 1, static_cast<std::byte*>(out) + i * to);
  }
}

// -- The table --

using Loop = void (*)(const Elementwise&, Sources, void* out, size_t n);
constexpr Loop kNotElementwise = nullptr;

constexpr auto kLoops = make_op_table<Loop>({
    {Op::Const, kNotElementwise},
    {Op::Var, kNotElementwise},
    {Op::Range, kNotElementwise},
    {Op::Param, kNotElementwise},
    {Op::Buffer, kNotElementwise},
    {Op::Iota, kNotElementwise},
    {Op::Neg, run_unary<Op::Neg>},
    {Op::Abs, run_unary<Op::Abs>},
    {Op::Not, run_unary<Op::Not>},
    {Op::Recip, run_unary<Op::Recip>},
    {Op::Sqrt, run_unary<Op::Sqrt>},
    {Op::Exp, run_unary<Op::Exp>},
    {Op::Exp2, run_unary<Op::Exp2>},
    {Op::Expm1, run_unary<Op::Expm1>},
    {Op::Log, run_unary<Op::Log>},
    {Op::Log2, run_unary<Op::Log2>},
    {Op::Log1p, run_unary<Op::Log1p>},
    {Op::Sin, run_unary<Op::Sin>},
    {Op::Cos, run_unary<Op::Cos>},
    {Op::Tanh, run_unary<Op::Tanh>},
    {Op::Atan, run_unary<Op::Atan>},
    {Op::Erf, run_unary<Op::Erf>},
    {Op::Floor, run_unary<Op::Floor>},
    {Op::Ceil, run_unary<Op::Ceil>},
    {Op::Round, run_unary<Op::Round>},
    {Op::Trunc, run_unary<Op::Trunc>},
    {Op::Cast, run_cast},
    {Op::Bitcast, run_bitcast},
    {Op::Add, run_binary<Op::Add>},
    {Op::Sub, run_binary<Op::Sub>},
    {Op::Mul, run_binary<Op::Mul>},
    {Op::Div, run_binary<Op::Div>},
    {Op::FloorDiv, run_binary<Op::FloorDiv>},
    {Op::FloorMod, run_binary<Op::FloorMod>},
    {Op::TruncDiv, run_binary<Op::TruncDiv>},
    {Op::TruncMod, run_binary<Op::TruncMod>},
    {Op::Pow, run_binary<Op::Pow>},
    {Op::Max, run_binary<Op::Max>},
    {Op::Min, run_binary<Op::Min>},
    {Op::And, run_binary<Op::And>},
    {Op::Or, run_binary<Op::Or>},
    {Op::Xor, run_binary<Op::Xor>},
    {Op::Shl, run_binary<Op::Shl>},
    {Op::Shr, run_binary<Op::Shr>},
    {Op::Lt, run_compare<Op::Lt>},
    {Op::Le, run_compare<Op::Le>},
    {Op::Eq, run_compare<Op::Eq>},
    {Op::Ne, run_compare<Op::Ne>},
    {Op::Where, run_where},
    {Op::Threefry, run_threefry},
    {Op::Reshape, kNotElementwise},
    {Op::Expand, kNotElementwise},
    {Op::Permute, kNotElementwise},
    {Op::Pad, kNotElementwise},
    {Op::Slice, kNotElementwise},
    {Op::Flip, kNotElementwise},
    {Op::Concat, kNotElementwise},
    {Op::Reduce, kNotElementwise},
    {Op::ArgReduce, kNotElementwise},
    {Op::Scan, kNotElementwise},
    {Op::ArgSort, kNotElementwise},
    {Op::Gather, kNotElementwise},
    {Op::Scatter, kNotElementwise},
    {Op::Load, kNotElementwise},
    {Op::Accumulate, kNotElementwise},
    {Op::Store, kNotElementwise},
    {Op::ScanStore, kNotElementwise},
    {Op::ScatterStore, kNotElementwise},
    {Op::SortStore, kNotElementwise},
    {Op::StopGradient, kNotElementwise},
    {Op::CustomGradient, kNotElementwise},
    {Op::Alias, kNotElementwise},
    {Op::Sink, kNotElementwise},
});

[[maybe_unused]] consteval bool loops_match_the_flags() {
  for (size_t i = 0; i < kLoops.size(); ++i)
    if ((kLoops[i] != kNotElementwise) != has_flag(static_cast<Op>(i), kElementwise)) return false;
  return true;
}
#ifndef __SANITIZE_ADDRESS__  // under its sanitizers GCC 12 cannot compare function addresses at compile time
static_assert(loops_match_the_flags());
#endif

}  // namespace

void load_elements(DType t, const std::byte* from, int64_t stride, size_t n, void* to) {
  if (n == 0) return;  // from and to may be null
  if (is_narrow_float(t)) {
    visit_narrow(t, [&]<typename Format>() {
      load_as<typename Format::Bits>(from, stride, n, static_cast<float*>(to), Format::decode);
    });
  } else if (is_bool(t)) {
    load_as<uint8_t>(from, stride, n, static_cast<bool*>(to), [](uint8_t v) { return v != 0; });
  } else if (stride == 1) {
    std::memcpy(to, from, n * static_cast<size_t>(dtype_size(t)));
  } else {
    visit_compute(
        t, [&]<typename T>() { load_as<T>(from, stride, n, static_cast<T*>(to), [](T v) { return v; }); });
  }
}

void store_elements(DType t, const void* from, size_t n, std::byte* to) {
  if (n == 0) return;
  if (!is_narrow_float(t)) {
    std::memcpy(to, from, n * static_cast<size_t>(dtype_size(t)));
    return;
  }
  visit_narrow(t, [&]<typename Format>() {
    for (size_t i = 0; i < n; ++i) {
      const typename Format::Bits bits = Format::encode(run_of<float>(from)[i]);
      std::memcpy(to + i * sizeof bits, &bits, sizeof bits);
    }
  });
}

void load_scalar(DType t, Scalar value, void* to) {
  visit_compute(t, [&]<typename T>() {
    T v;
    if constexpr (FloatElement<T>) {
      v = static_cast<T>(value.as_double(t));
    } else {
      v = static_cast<T>(value.as_int(t));
    }
    std::memcpy(to, &v, sizeof v);
  });
}

Scalar scalar_of(DType t, const void* from) {
  Scalar result;
  visit_compute(t, [&]<typename T>() {
    T v;
    std::memcpy(&v, from, sizeof v);
    if constexpr (FloatElement<T>) {
      result = Scalar::from_double(static_cast<double>(v), t);
    } else {
      result = Scalar::from_int(static_cast<int64_t>(v), t);
    }
  });
  return result;
}

void run_elementwise(const Elementwise& what, const void* const* sources, void* out, size_t n) {
  const Loop loop = kLoops[static_cast<size_t>(what.op)];
  ANNEAL_CHECK_MSG(loop != kNotElementwise, op_text(what.op).data());
  loop(what, sources, out, n);
}

}  // namespace anneal::ir
