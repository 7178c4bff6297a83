// SPDX-License-Identifier: MIT
// Values: where they are made, and in which form. See emit.h.
#include "cpu/elementwise.h"
#include "cpu/emitter.h"
#include "cpu/narrow_float.h"
#include "support/check.h"

namespace anneal::cpu {

using ir::Op;
using llvm::Value;

// What reads memory that the kernel writes is good only in the body where it was read, unless a let keeps it.
const Held* Emitter::find(Node n, size_t* depth) const {
  const auto reads = reads_rewritten_.find(n.id);
  const bool only_here = reads != reads_rewritten_.end() && reads->second && !pinned_.contains(n.id);
  for (size_t d = scopes_.size(); d-- > 0;) {
    const auto it = scopes_[d].values.find(n.id);
    if (it != scopes_[d].values.end()) {
      *depth = d;
      return &it->second;
    }
    if (only_here) break;
  }
  return nullptr;
}

// The outermost body that a load may move to: not out of a loop that may have no steps.
size_t Emitter::load_depth(size_t depth) const {
  size_t d = scopes_.size() - 1;
  while (d > depth && scopes_[d].runs) --d;
  return d;
}

Held Emitter::held(Node root) {
  std::vector<Node> stack{root};
  size_t depth = 0;
  while (!stack.empty()) {
    const Node n = stack.back();
    if (find(n, &depth) != nullptr) {
      stack.pop_back();
      continue;
    }
    const Op op = graph_.op(n);
    ANNEAL_CHECK_MSG(op != Op::Range, "a range is used outside its loop");
    size_t needed = 0;
    bool ready = true;
    if (op == Op::Accumulate) {
      const auto fold = folds_.find(n.id);
      ANNEAL_CHECK_MSG(fold != folds_.end(), "an accumulate is used that no statement begins");
      needed = fold->second.depth;
    } else {
      const std::span<const Node> sources = graph_.sources(n);
      for (size_t i = op == Op::Load ? 1 : 0; i < sources.size(); ++i) {
        if (find(sources[i], &depth) != nullptr) {
          needed = std::max(needed, depth);
        } else {
          stack.push_back(sources[i]);
          ready = false;
        }
      }
    }
    if (!ready) continue;
    if (op == Op::Load) needed = reads_rewritten_.at(n.id) ? scopes_.size() - 1 : load_depth(needed);
    const llvm::IRBuilderBase::InsertPointGuard guard(w_);
    if (needed + 1 < scopes_.size()) w_.SetInsertPoint(scopes_[needed + 1].before);
    scopes_[needed].values.insert_or_assign(n.id, make(n));
    stack.pop_back();
  }
  return *find(root, &depth);
}

Value* Emitter::scalar(Node n) {
  const Held h = held(n);
  ANNEAL_CHECK_MSG(h.form == Form::kUniform, "a value that must be the same in all lanes is not");
  return h.value;
}

Value* Emitter::spread(const Held& h, DType t, unsigned index_bits) {
  const unsigned lanes = vector_.lanes;
  if (h.form == Form::kVector) {
    if (t != DType::kIndex) return h.value;
    return w_.CreateIntCast(h.value, ValueBuilder::with_lanes(w_.getIntNTy(index_bits), lanes), true);
  }
  if (t != DType::kIndex) return w_.CreateVectorSplat(lanes, h.value);
  llvm::Type* element = w_.getIntNTy(index_bits);
  const auto narrowed = [&](Value* v) { return w_.CreateVectorSplat(lanes, w_.CreateTrunc(v, element)); };
  if (h.form == Form::kUniform) return narrowed(h.value);
  return w_.CreateAdd(narrowed(h.value), w_.CreateMul(narrowed(h.stride), w_.lane_numbers(lanes, element)));
}

Held Emitter::make_constant(Node n) {
  const DType t = graph_.dtype(n);
  llvm::Type* type = w_.compute_type(t);
  const ir::Scalar v = graph_.const_value(n);
  if (is_float(t)) return {llvm::ConstantFP::get(type, v.as_double(t))};
  return {ValueBuilder::integer(type, v.as_int(t))};
}

Held Emitter::make(Node n) {
  switch (graph_.op(n)) {
    case Op::Const: return make_constant(n);
    case Op::Load: return make_load(n);
    case Op::Accumulate: return finish_fold(folds_.at(n.id));
    case Op::Var: {
      const size_t number = static_cast<size_t>(std::find(vars_.begin(), vars_.end(), n) - vars_.begin());
      return {w_.CreateLoad(w_.getInt64Ty(), w_.CreateConstGEP1_64(w_.getInt64Ty(), vars_pointer_, number))};
    }
    default: return make_elementwise(n);
  }
}

Held Emitter::make_elementwise(Node n) {
  const std::span<const Node> sources = graph_.sources(n);
  const Op op = graph_.op(n);
  ElementOp what{op, graph_.dtype(n), graph_.dtype(sources.back())};
  if (const auto* lane = std::get_if<ir::LaneArg>(&graph_.arg(n))) what.lane = lane->lane;
  bool divides = op == Op::FloorDiv || op == Op::FloorMod || op == Op::TruncDiv || op == Op::TruncMod;
  if (divides && !is_float(what.source))
    what.non_negative = bounds_(sources[0]).min >= 0 && bounds_(sources[1]).min >= 0;
  bool uniform = true;
  std::vector<Held> held_sources;
  for (const Node s : sources) {
    held_sources.push_back(held(s));
    uniform = uniform && held_sources.back().form == Form::kUniform;
  }
  std::vector<Value*> values;
  if (uniform) {
    for (const Held& h : held_sources) values.push_back(h.value);
    return {emit_elementwise(w_, what, values)};
  }
  if (const std::optional<Held> linear = make_linear(n)) return *linear;
  // Index arithmetic in 32 bits where that is the same: sums and products whatever their sources are.
  const bool wraps = op == Op::Add || op == Op::Sub || op == Op::Mul || op == Op::Neg;
  bool narrow = op != Op::Bitcast && (what.result != DType::kIndex || fits_32(n));
  for (const Node s : sources)
    if (graph_.dtype(s) == DType::kIndex && !wraps) narrow = narrow && fits_32(s);
  for (size_t i = 0; i < sources.size(); ++i)
    values.push_back(spread(held_sources[i], graph_.dtype(sources[i]), narrow ? 32 : 64));
  return {emit_elementwise(w_, what, values), Form::kVector};
}

}  // namespace anneal::cpu
