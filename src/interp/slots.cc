// SPDX-License-Identifier: MIT
#include "interp/slots.h"

#include <algorithm>
#include <numeric>

#include "anneal/error.h"
#include "interp/arrays.h"
#include "interp/extents.h"
#include "interp/view.h"
#include "ir/blocks.h"
#include "ir/eval.h"
#include "ir/scalar_ops.h"
#include "ir/text.h"

namespace anneal::interp {

using ir::Node;
using ir::Op;
using ir::Scalar;

namespace {

std::string slot_name(const ir::ParamArg& arg) {
  return "slot " + std::to_string(arg.index) + (arg.name.empty() ? "" : " \"" + arg.name + "\"");
}

}  // namespace

KernelMemory::KernelMemory(const ir::Graph& graph, const ir::Kernel& kernel, const KernelArrays& arrays,
                           const Bindings& bindings, Mode mode)
    : graph_(graph), kernel_(kernel), mode_(mode) {
  if (!kernel.error().empty()) raise(ErrorCode::kVerify, "kernel: " + kernel.error());
  Extents extents(graph, bindings);
  for (Node r : kernel.ranges()) {
    extents_.push_back(extents.scalar(graph.source(r, 0)).as_int(DType::kIndex));
    if (extents_.back() < 0)
      raise(ErrorCode::kShape, "kernel: range " + std::to_string(graph.arg_as<ir::RangeArg>(r).id) +
                                   " has extent " + std::to_string(extents_.back()));
  }
  for (Node n : kernel.order()) {
    if (graph.op(n) == Op::Var) vars_.emplace_back(n, extents.scalar(n));
    if (graph.op(n) != Op::Param) continue;
    const auto& arg = graph.arg_as<ir::ParamArg>(n);
    const int64_t count = graph.rank(n) == 1 ? extents(graph.shape(n)[0]) : -1;
    if (count < 0) raise(ErrorCode::kShape, slot_name(arg) + ": is not memory of one known extent");
    Slot slot{n, held(graph.dtype(n)), nullptr, {}};
    for (const auto& [number, array] : arrays)
      if (number == arg.index) slot.array = array;
    const std::string needs =
        ": needs " + std::string(dtype_name(graph.dtype(n))) + "[" + std::to_string(count) + "]";
    if (slot.array == nullptr) raise(ErrorCode::kData, slot_name(arg) + ": has no data" + needs.substr(1));
    const Array& array = *slot.array;
    const bool fits = (array.dtype == graph.dtype(n) || array.dtype == slot.type) &&
                      count_of(array.shape) == count &&
                      array.bytes.size() == static_cast<size_t>(count * dtype_size(array.dtype));
    if (!fits)
      raise(ErrorCode::kData, slot_name(arg) + needs + ", got " + std::string(dtype_name(array.dtype)) +
                                  extent_text(array.shape));
    for (const Slot& other : slots_)
      if (other.array == slot.array)
        raise(ErrorCode::kData, slot_name(arg) + ": has the memory of another slot");
    for (int64_t i = 0; i < count; ++i) slot.elements.push_back(element(array, static_cast<size_t>(i)));
    slots_.push_back(std::move(slot));
    slot_.set(n, static_cast<uint32_t>(slots_.size()));
  }
}

Scalar KernelMemory::var(Node n) const {
  for (const auto& [var, value] : vars_)
    if (var == n) return value;
  ANNEAL_UNREACHABLE("a variable of another kernel");
}

void KernelMemory::check_inside(Node node, int64_t index, std::span<const int64_t> values) const {
  const auto extent = static_cast<int64_t>(slots_[slot_of(node)].elements.size());
  if (index < 0 || index >= extent)
    fail(node,
         "element " + std::to_string(index) + " is outside the slot, which has " + std::to_string(extent),
         values);
}

void KernelMemory::fail(Node node, const std::string& what, std::span<const int64_t> values) const {
  std::string text = std::string(op_text(graph_.op(node))) + ": " + what + "\n  " + node_text(graph_, node);
  const ir::RangeSet ranges = ir::united(kernel_.free(node), kernel_.bound(node));
  for (size_t i = 0; i < ranges.size(); ++i)
    text += (i == 0 ? "\n  at r" : ", r") +
            std::to_string(graph_.arg_as<ir::RangeArg>(kernel_.ranges()[ranges[i]]).id) + " = " +
            std::to_string(values[ranges[i]]) + " of " + std::to_string(extents_[ranges[i]]);
  raise(ErrorCode::kData, text);
}

Scalar KernelMemory::compute(Node n, std::span<const Scalar> sources) const {
  const DType result = graph_.dtype(n), source = graph_.dtype(graph_.sources(n).back());
  if (graph_.op(n) != Op::Bitcast || mode_ == Mode::kExact)
    return eval_elementwise(graph_.op(n), held(result), held(source), sources, graph_.arg(n));
  // The bits are those of the real type.
  const Scalar rounded =
      is_float(source) ? Scalar::from_double(sources[0].as_double(DType::kF64), source) : sources[0];
  return eval_elementwise(Op::Bitcast, result, source, std::span(&rounded, 1), graph_.arg(n));
}

Scalar KernelMemory::fold(ir::ReduceOp op, DType t, Scalar a, Scalar b) const {
  return eval_fold(op, held(t), a, b);
}

void KernelMemory::write_back() {
  for (Slot& slot : slots_) {
    const auto size = static_cast<size_t>(dtype_size(slot.array->dtype));
    for (size_t i = 0; i < slot.elements.size(); ++i) {
      alignas(8) std::byte computed[8];
      ir::load_scalar(slot.array->dtype, slot.elements[i], computed);
      ir::store_elements(slot.array->dtype, computed, 1, slot.array->bytes.data() + i * size);
    }
  }
}

std::vector<int32_t> sorted_positions(DType t, std::span<const Scalar> keys, bool descending) {
  std::vector<int32_t> positions(keys.size());
  std::iota(positions.begin(), positions.end(), 0);
  ir::visit_compute(t, [&]<typename T>() {
    const auto key = [&](int32_t i) {
      alignas(8) std::byte computed[8];
      ir::load_scalar(t, keys[static_cast<size_t>(i)], computed);
      T value;
      std::copy_n(computed, sizeof value, reinterpret_cast<std::byte*>(&value));
      return value;
    };
    std::sort(positions.begin(), positions.end(), [&](int32_t x, int32_t y) {
      const T a = key(x), b = key(y);
      if (ir::sorts_before(a, b)) return !descending;
      if (ir::sorts_before(b, a)) return descending;
      return x < y;
    });
  });
  return positions;
}

}  // namespace anneal::interp
