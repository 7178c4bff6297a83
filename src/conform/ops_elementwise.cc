// SPDX-License-Identifier: MIT
// Elementwise operations, activations and comparisons.
#include <cmath>

#include "conform/ops.h"

namespace anneal::conform {
namespace {

// add and sub scale the second operand.
Tensor scaled_second(const OpCall& c) {
  const In other = c.second();
  const Tensor t = other.kind() == In::Kind::kTensor ? other.tensor() : full({}, other);
  return c.args.has("alpha") ? mul(t, c.args.operand("alpha")) : t;
}
Outputs add_op(const OpCall& c) {
  return c.args.has("alpha") ? add(c.x(), scaled_second(c)) : add(c.x(), c.second());
}
Outputs sub_op(const OpCall& c) {
  return c.args.has("alpha") ? sub(c.x(), scaled_second(c)) : sub(c.x(), c.second());
}
Outputs rsub_op(const OpCall& c) { return sub(c.second(), c.x()); }

Outputs div_op(const OpCall& c) {
  const std::string mode = c.args.text("rounding_mode", "");
  if (mode == "floor") return floordiv(c.x(), c.second());
  if (mode == "trunc") return truncdiv(c.x(), c.second());
  if (!mode.empty()) Args::fail("rounding_mode", "floor or trunc is needed");
  return div(c.x(), c.second());
}

// The base may be the number.
Outputs pow_op(const OpCall& c) {
  if (c.in.size() == 1 && c.args.has("base")) return pow(c.args.operand("base"), c.x());
  return pow(c.x(), c.second());
}

Outputs round_op(const OpCall& c) {
  const int64_t decimals = c.args.integer("decimals", 0);
  if (decimals < -300 || decimals > 300) Args::fail("decimals", "from -300 to 300 are needed");
  return round(c.x(), static_cast<int>(decimals));
}

Outputs logical_op(const OpCall& c, Tensor (*fn)(In, In)) { return fn(truth(c.in[0]), truth(c.in[1])); }

Outputs where_op(const OpCall& c) {
  const Tensor condition = truth(c.x());
  if (c.in.size() == 3) return where(condition, c.in[1], c.in[2]);
  if (c.in.size() == 2) return where(condition, c.in[1], c.args.operand("other|value"));
  return where(condition, c.args.operand("input|a"), c.args.operand("other|b"));
}

Outputs clamp_op(const OpCall& c) {
  if (c.in.size() == 3) return clamp(c.x(), c.in[1], c.in[2]);
  if (c.in.size() == 2) return maximum(c.x(), c.in[1]);
  // Numbers of the reference say nothing of their kind: whole ones leave integers integers.
  const auto bound = [&](std::string_view name) -> std::optional<In> {
    if (!c.args.has(name)) return std::nullopt;
    const double v = c.args.number(name);
    return v == std::floor(v) && std::abs(v) < 9e15 ? In(static_cast<int64_t>(v)) : In(v);
  };
  return clamp(c.x(), bound("min|low"), bound("max|high"));
}

Outputs masked_fill_op(const OpCall& c) {
  return masked_fill(c.x(), truth(c.in[1]), c.in.size() > 2 ? In(c.in[2]) : c.args.operand("value"));
}
Outputs lerp_op(const OpCall& c) {
  return lerp(c.x(), c.in[1], c.in.size() > 2 ? In(c.in[2]) : c.args.operand("weight"));
}

Outputs gelu_op(const OpCall& c) {
  const std::string form = c.args.text("approximate", "none");
  if (form != "none" && form != "tanh") Args::fail("approximate", "none or tanh is needed");
  return gelu(c.x(), form == "tanh" ? Gelu::kTanh : Gelu::kErf);
}
Outputs logit_op(const OpCall& c) { return c.args.has("eps") ? logit(c.x(), c.args.eps(0)) : logit(c.x()); }
double shrinkage(const OpCall& c) { return c.args.number("lambd|lambda", 0.5); }
Outputs nan_to_num_op(const OpCall& c) {
  std::optional<double> above, below;
  if (c.args.has("posinf")) above = c.args.number("posinf");
  if (c.args.has("neginf")) below = c.args.number("neginf");
  return nan_to_num(c.x(), c.args.number("nan", 0), above, below);
}
// Which elements are dropped is not part of a reference: only calls that drop none.
Outputs dropout_op(const OpCall& c) {
  const bool drops = c.args.flag("training", true) && c.args.number("p", 0.5) != 0;
  if (drops) Args::fail("p", "0 is needed, or training false");
  return c.x();
}

Outputs cast_op(const OpCall& c) {
  std::string name = c.args.text("dtype");
  if (name.starts_with("torch.")) name = name.substr(6);
  constexpr std::pair<std::string_view, DType> kNames[] = {
      {"float32", f32}, {"float", f32},     {"float64", f64}, {"double", f64}, {"float16", f16},
      {"half", f16},    {"bfloat16", bf16}, {"int8", i8},     {"int16", i16},  {"int32", i32},
      {"int", i32},     {"int64", i64},     {"long", i64},    {"uint8", u8},   {"bool", boolean}};
  for (const auto& [text, t] : kNames)
    if (text == name) return cast(c.x(), t);
  const DType t = dtype_from_name(name);
  if (t == DType::kVoid) Args::fail("dtype", "there is no type " + name);
  return cast(c.x(), t);
}

Outputs identity_op(const OpCall& c) { return c.x(); }

constexpr OpEntry kElementwiseOps[] = {
    // -- One operand --
    {"neg", 1, 1, unary<neg>},
    {"abs", 1, 1, unary<abs>},
    {"sign", 1, 1, unary<sign>},
    {"reciprocal", 1, 1, unary<reciprocal>},
    {"sqrt", 1, 1, unary<sqrt>},
    {"rsqrt", 1, 1, unary<rsqrt>},
    {"square", 1, 1, unary<square>},
    {"exp", 1, 1, unary<exp>},
    {"exp2", 1, 1, unary<exp2>},
    {"expm1", 1, 1, unary<expm1>},
    {"log", 1, 1, unary<log>},
    {"log2", 1, 1, unary<log2>},
    {"log10", 1, 1, unary<log10>},
    {"log1p", 1, 1, unary<log1p>},
    {"sin", 1, 1, unary<sin>},
    {"cos", 1, 1, unary<cos>},
    {"tan", 1, 1, unary<tan>},
    {"asin", 1, 1, unary<asin>},
    {"acos", 1, 1, unary<acos>},
    {"atan", 1, 1, unary<atan>},
    {"sinh", 1, 1, unary<sinh>},
    {"cosh", 1, 1, unary<cosh>},
    {"tanh", 1, 1, unary<tanh>},
    {"asinh", 1, 1, unary<asinh>},
    {"acosh", 1, 1, unary<acosh>},
    {"atanh", 1, 1, unary<atanh>},
    {"erf", 1, 1, unary<erf>},
    {"erfc", 1, 1, unary<erfc>},
    {"sinc", 1, 1, unary<sinc>},
    {"floor", 1, 1, unary<floor>},
    {"ceil", 1, 1, unary<ceil>},
    {"round", 1, 1, round_op},
    {"trunc", 1, 1, unary<trunc>},
    {"frac", 1, 1, unary<frac>},
    {"isnan", 1, 1, unary<isnan>},
    {"isinf", 1, 1, unary<isinf>},
    {"isfinite", 1, 1, unary<isfinite>},
    {"isposinf", 1, 1, unary<isposinf>},
    {"isneginf", 1, 1, unary<isneginf>},
    {"nan_to_num", 1, 1, nan_to_num_op},
    {"logical_not", 1, 1, [](const OpCall& c) -> Outputs { return logical_not(truth(c.x())); }},
    {"bitwise_not", 1, 1, unary<bitwise_not>},
    {"deg2rad", 1, 1, unary<deg2rad>},
    {"rad2deg", 1, 1, unary<rad2deg>},
    {"logit", 1, 1, logit_op},
    {"cast", 1, 1, cast_op},
    {"to", 1, 1, cast_op},
    {"positive", 1, 1, identity_op},
    {"clone", 1, 1, identity_op},
    {"contiguous", 1, 1, identity_op},
    {"identity", 1, 1, identity_op},
    {"dropout", 1, 1, dropout_op},
    {"detach", 1, 1, unary<stop_gradient>},
    {"stop_gradient", 1, 1, unary<stop_gradient>},

    // -- Activations --
    {"relu", 1, 1, unary<relu>},
    {"relu6", 1, 1, unary<relu6>},
    {"leaky_relu", 1, 1,
     [](const OpCall& c) -> Outputs {
       return leaky_relu(c.x(), c.args.number("negative_slope|slope", 0.01));
     }},
    {"prelu", 2, 2, binary<prelu>},
    {"elu", 1, 1, [](const OpCall& c) -> Outputs { return elu(c.x(), c.args.number("alpha", 1)); }},
    {"celu", 1, 1, [](const OpCall& c) -> Outputs { return celu(c.x(), c.args.number("alpha", 1)); }},
    {"selu", 1, 1, unary<selu>},
    {"gelu", 1, 1, gelu_op},
    {"sigmoid", 1, 1, unary<sigmoid>},
    {"log_sigmoid", 1, 1, unary<log_sigmoid>},
    {"hardsigmoid", 1, 1, unary<hardsigmoid>},
    {"hardswish", 1, 1, unary<hardswish>},
    {"hardtanh", 1, 1,
     [](const OpCall& c) -> Outputs {
       return hardtanh(c.x(), c.args.number("min_val|min|low", -1), c.args.number("max_val|max|high", 1));
     }},
    {"silu", 1, 1, unary<silu>},
    {"mish", 1, 1, unary<mish>},
    {"softplus", 1, 1,
     [](const OpCall& c) -> Outputs {
       return softplus(c.x(), c.args.number("beta", 1), c.args.number("threshold", 20));
     }},
    {"softsign", 1, 1, unary<softsign>},
    {"tanhshrink", 1, 1, unary<tanhshrink>},
    {"softshrink", 1, 1, [](const OpCall& c) -> Outputs { return softshrink(c.x(), shrinkage(c)); }},
    {"hardshrink", 1, 1, [](const OpCall& c) -> Outputs { return hardshrink(c.x(), shrinkage(c)); }},
    {"threshold", 1, 1,
     [](const OpCall& c) -> Outputs {
       return threshold(c.x(), c.args.number("threshold"), c.args.operand("value"));
     }},
    {"glu", 1, 1, [](const OpCall& c) -> Outputs { return glu(c.x(), c.args.axis(-1)); }},

    // -- Two operands, of which the second may be an argument --
    {"add", 1, 2, add_op},
    {"sub", 1, 2, sub_op},
    {"rsub", 1, 2, rsub_op},
    {"mul", 1, 2, binary<mul>},
    {"div", 1, 2, div_op},
    {"floordiv", 1, 2, binary<floordiv>},
    {"truncdiv", 1, 2, binary<truncdiv>},
    {"remainder", 1, 2, binary<remainder>},
    {"fmod", 1, 2, binary<fmod>},
    {"pow", 1, 2, pow_op},
    {"maximum", 1, 2, binary<maximum>},
    {"minimum", 1, 2, binary<minimum>},
    {"fmax", 2, 2, binary<fmax>},
    {"fmin", 2, 2, binary<fmin>},
    {"atan2", 1, 2, binary<atan2>},
    {"hypot", 1, 2, binary<hypot>},
    {"logaddexp", 1, 2, binary<logaddexp>},
    {"logaddexp2", 2, 2, binary<logaddexp2>},
    {"xlogy", 1, 2, binary<xlogy>},
    {"lt", 1, 2, binary<lt>},
    {"le", 1, 2, binary<le>},
    {"gt", 1, 2, binary<gt>},
    {"ge", 1, 2, binary<ge>},
    {"eq", 1, 2, binary<eq>},
    {"ne", 1, 2, binary<ne>},
    {"logical_and", 2, 2, [](const OpCall& c) -> Outputs { return logical_op(c, logical_and); }},
    {"logical_or", 2, 2, [](const OpCall& c) -> Outputs { return logical_op(c, logical_or); }},
    {"logical_xor", 2, 2, [](const OpCall& c) -> Outputs { return logical_op(c, logical_xor); }},
    {"bitwise_and", 1, 2, binary<bitwise_and>},
    {"bitwise_or", 1, 2, binary<bitwise_or>},
    {"bitwise_xor", 1, 2, binary<bitwise_xor>},
    {"shift_left", 1, 2, binary<shift_left>},
    {"shift_right", 1, 2, binary<shift_right>},

    // -- Three operands --
    {"where", 1, 3, where_op},
    {"clamp", 1, 3, clamp_op},
    {"clamp_min", 1, 2,
     [](const OpCall& c) -> Outputs {
       return maximum(c.x(), c.in.size() > 1 ? In(c.in[1]) : c.args.operand("min"));
     }},
    {"clamp_max", 1, 2,
     [](const OpCall& c) -> Outputs {
       return minimum(c.x(), c.in.size() > 1 ? In(c.in[1]) : c.args.operand("max"));
     }},
    {"masked_fill", 2, 3, masked_fill_op},
    {"lerp", 2, 3, lerp_op},
    {"addcmul", 3, 3,
     [](const OpCall& c) -> Outputs { return addcmul(c.x(), c.in[1], c.in[2], c.args.number("value", 1)); }},
    {"addcdiv", 3, 3,
     [](const OpCall& c) -> Outputs { return addcdiv(c.x(), c.in[1], c.in[2], c.args.number("value", 1)); }},
};

}  // namespace

std::span<const OpEntry> elementwise_ops() { return kElementwiseOps; }

}  // namespace anneal::conform
