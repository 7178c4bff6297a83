// SPDX-License-Identifier: MIT
// Index arithmetic along the lanes: what stays a scalar and a stride needs no vector, and tells loads that
// they are contiguous. See emit.h.
#include <numeric>

#include "cpu/elementwise.h"
#include "cpu/emitter.h"

namespace anneal::cpu {

using ir::Op;
using llvm::Value;

namespace {

// The greatest number that a value is known to be a multiple of; 0 for 0, a multiple of everything.
int64_t known_multiple(const ir::Bounds& b) {
  if (b.is_const()) return b.min == INT64_MIN ? 1 : std::abs(b.min);
  return std::gcd(b.modulus, b.remainder);
}

int64_t product_or_one(int64_t a, int64_t b) {
  int64_t p;
  return __builtin_mul_overflow(a, b, &p) ? 1 : p;
}

Held uniform_if_constant(const Held& h) {
  const auto* stride = llvm::dyn_cast<llvm::ConstantInt>(h.stride);
  return stride != nullptr && stride->isZero() ? Held{h.value} : h;
}

}  // namespace

Held Emitter::linear_source(Node n) {
  Held h = held(n);
  if (h.form != Form::kUniform) return h;
  return {h.value, Form::kLinear, w_.getInt64(0), known_multiple(bounds_(n))};
}

// None when the value is no constant step from lane to lane, or is not seen to be.
std::optional<Held> Emitter::make_linear(Node n) {
  const std::span<const Node> sources = graph_.sources(n);
  const Op op = graph_.op(n);
  for (const Node s : sources)
    if (graph_.dtype(s) != DType::kIndex || held(s).form == Form::kVector) return std::nullopt;
  const Held a = linear_source(sources[0]);
  const Held b = sources.size() > 1 ? linear_source(sources[1]) : a;
  switch (op) {
    case Op::Neg: return Held{w_.CreateNeg(a.value), Form::kLinear, w_.CreateNeg(a.stride), a.multiple_of};
    case Op::Add:
      return uniform_if_constant({w_.CreateAdd(a.value, b.value), Form::kLinear,
                                  w_.CreateAdd(a.stride, b.stride), std::gcd(a.multiple_of, b.multiple_of)});
    case Op::Sub:
      return uniform_if_constant({w_.CreateSub(a.value, b.value), Form::kLinear,
                                  w_.CreateSub(a.stride, b.stride), std::gcd(a.multiple_of, b.multiple_of)});
    case Op::Mul: {
      const bool a_changes = held(sources[0]).form == Form::kLinear;
      if (a_changes && held(sources[1]).form == Form::kLinear) return std::nullopt;
      const Held& line = a_changes ? a : b;
      const Held& by = a_changes ? b : a;
      return uniform_if_constant({w_.CreateMul(line.value, by.value), Form::kLinear,
                                  w_.CreateMul(line.stride, by.value),
                                  product_or_one(line.multiple_of, by.multiple_of)});
    }
    case Op::FloorDiv:
    case Op::FloorMod: {
      const auto* by = llvm::dyn_cast<llvm::ConstantInt>(b.value);
      const bool is_constant = held(sources[1]).form == Form::kUniform && by != nullptr;
      return is_constant ? make_linear_division(n, a, by->getSExtValue()) : std::nullopt;
    }
    default: return std::nullopt;
  }
}

// All lanes have one quotient when the first one is known to leave room for them below the next multiple; and
// when the stride is itself a multiple, lanes step by whole quotients.
std::optional<Held> Emitter::make_linear_division(Node n, const Held& a, int64_t by) {
  const auto* stride_constant = llvm::dyn_cast<llvm::ConstantInt>(a.stride);
  if (stride_constant == nullptr || by <= 0) return std::nullopt;
  const int64_t stride = stride_constant->getSExtValue();
  const bool wants_quotient = graph_.op(n) == Op::FloorDiv;
  const int64_t multiple = std::gcd(a.multiple_of, by);
  const bool one_quotient = stride > 0 && stride <= by && stride * (vector_.lanes - 1) < multiple;
  const bool whole = stride % by == 0;
  if (!one_quotient && !whole) return std::nullopt;
  Value* const sources[] = {a.value, w_.getInt64(static_cast<uint64_t>(by))};
  const bool non_negative = bounds_(graph_.source(n, 0)).min >= 0 && vector_.lanes > 0;
  Value* result =
      emit_elementwise(w_, {graph_.op(n), DType::kIndex, DType::kIndex, 0, non_negative}, sources);
  if (one_quotient && wants_quotient) return Held{result};
  if (one_quotient) return Held{result, Form::kLinear, a.stride, multiple};
  if (!wants_quotient) return Held{result};
  return Held{result, Form::kLinear, w_.getInt64(static_cast<uint64_t>(stride / by)), 1};
}

}  // namespace anneal::cpu
