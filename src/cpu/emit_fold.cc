// SPDX-License-Identifier: MIT
// Folds: accumulates and scans. See emit.h.
#include <algorithm>

#include "cpu/elementwise.h"
#include "cpu/emitter.h"
#include "cpu/narrow_float.h"
#include "ir/eval.h"
#include "ir/walk.h"
#include "support/check.h"

namespace anneal::cpu {

using ir::Op;
using llvm::Value;
using loop::LoopKind;
using loop::Statement;
using loop::StatementKind;

namespace {

// The vector loop, in the statements after `position`, over a range that the accumulate binds and around its
// fold; null when there is none.
const Statement* vector_loop_of(const ir::Graph& graph, const loop::Body& body, size_t position,
                                Node accumulate) {
  const std::span<const Node> sources = graph.sources(accumulate);
  struct Entry {
    const loop::Body* body;
    const Statement* vector;
  };
  std::vector<Entry> left{{&body, nullptr}};
  while (!left.empty()) {
    const Entry e = left.back();
    left.pop_back();
    for (size_t i = e.body == &body ? position + 1 : 0; i < e.body->size(); ++i) {
      const Statement& s = (*e.body)[i];
      if (s.kind == StatementKind::kFold && s.node == accumulate) return e.vector;
      if (s.kind != StatementKind::kLoop) continue;
      const bool vector = e.vector == nullptr && s.loop == LoopKind::kVector &&
                          std::find(sources.begin() + 1, sources.end(), s.node) != sources.end();
      left.push_back({&s.body, vector ? &s : e.vector});
    }
  }
  return nullptr;
}

}  // namespace

bool Emitter::depends_on(Node n, Node on) const {
  const std::vector<Node> order = ir::postorder(graph_, std::span(&n, 1));
  return std::find(order.begin(), order.end(), on) != order.end();
}

// A sum starts at -0, which is the float that changes nothing: the sum of -0 alone is -0.
Value* Emitter::start_of(const Fold& fold) {
  llvm::Type* type = ValueBuilder::with_lanes(w_.compute_type(fold.dtype), fold.lanes);
  if (!is_float(fold.dtype))
    return ValueBuilder::integer(type, ir::fold_identity(fold.op, fold.dtype).as_int(fold.dtype));
  const DType t = graph_.op(fold.node) == Op::Accumulate ? graph_.dtype(fold.node)
                                                         : graph_.dtype(graph_.source(fold.node, 0));
  const double identity = fold.op == ir::ReduceOp::kAdd ? -0.0 : ir::fold_identity(fold.op, t).as_double(t);
  return llvm::ConstantFP::get(type, identity);
}

void Emitter::begin_fold(const loop::Body& body, size_t position) {
  const Node n = body[position].node;
  const bool scans = graph_.op(n) == Op::ScanStore;
  Fold fold{n, scans ? graph_.arg_as<ir::ScanArg>(n).op : graph_.arg_as<ir::ReduceArg>(n).op,
            accumulation_dtype(graph_.dtype(graph_.source(n, scans ? 2 : 0)))};
  fold.depth = scopes_.size() - 1;
  size_t parts = 1;
  if (vector_.lanes != 0) {
    if (depends_on(n, vector_.range)) fold.lanes = vector_.lanes;
  } else if (!scans) {
    const Statement* loop = vector_loop_of(graph_, body, position, n);
    if (loop != nullptr && is_vectorized(*loop)) {
      fold.lanes = static_cast<unsigned>(loop->lanes);
      fold.by_lanes = true;
      parts = copies_of(*loop);
    }
  }
  Value* start = start_of(fold);
  llvm::BasicBlock& entry = function_->getEntryBlock();
  for (size_t i = 0; i < parts; ++i) {
    llvm::IRBuilder<> at_entry(&entry, entry.begin());
    fold.parts.push_back(at_entry.CreateAlloca(start->getType()));
    w_.CreateStore(start, fold.parts.back());
  }
  folds_.insert_or_assign(n.id, fold);
}

// One more element. A product of f32 joins a sum without a rounding of its own.
Value* Emitter::fold_step(Fold& fold, Node body, Value* before) {
  const auto value_of = [&](Node n) {
    const Held h = held(n);
    return fold.lanes == 0 ? h.value : spread(h, graph_.dtype(n));
  };
  size_t depth;
  if (fold.op == ir::ReduceOp::kAdd && graph_.dtype(body) == f32 && graph_.op(body) == Op::Mul &&
      find(body, &depth) == nullptr)
    return w_.fma(value_of(graph_.source(body, 0)), value_of(graph_.source(body, 1)), before);
  return emit_fold(w_, fold.op, fold.dtype, before, value_of(body));
}

void Emitter::join_fold(Node n, Node body, Fold& fold) {
  ANNEAL_CHECK_MSG(!fold.parts.empty() && fold.node == n, "a fold joins that has not begun");
  llvm::AllocaInst* part = fold.parts[fold.by_lanes ? vector_.part : 0];
  // The body first: it may make values that stand before this point.
  held(graph_.op(body) == Op::Mul ? graph_.source(body, 0) : body);
  Value* before = w_.CreateLoad(part->getAllocatedType(), part);
  Value* after = fold_step(fold, body, before);
  if (fold.by_lanes && vector_.mask != nullptr) after = w_.CreateSelect(vector_.mask, after, before);
  w_.CreateStore(after, part);
}

// Partial results are joined neighbour by neighbour, then the upper half of the lanes with the lower.
Held Emitter::finish_fold(Fold& fold) {
  const bool scans = graph_.op(fold.node) == Op::ScanStore;
  const DType t = graph_.dtype(graph_.source(fold.node, scans ? 2 : 0));
  std::vector<Value*> parts;
  for (llvm::AllocaInst* part : fold.parts) parts.push_back(w_.CreateLoad(part->getAllocatedType(), part));
  const auto join = [&](Value* a, Value* b) { return emit_fold(w_, fold.op, t, a, b); };
  while (parts.size() > 1) {
    std::vector<Value*> joined;
    for (size_t i = 0; i + 1 < parts.size(); i += 2) joined.push_back(join(parts[i], parts[i + 1]));
    if (parts.size() % 2 != 0) joined.push_back(parts.back());
    parts = joined;
  }
  Value* result = parts[0];
  if (fold.by_lanes) {
    unsigned lanes = fold.lanes;
    for (; lanes > 1 && lanes % 2 == 0; lanes /= 2) {
      std::vector<int> low, high;
      for (unsigned i = 0; i < lanes / 2; ++i)
        low.push_back(static_cast<int>(i)), high.push_back(static_cast<int>(i + lanes / 2));
      result = join(w_.CreateShuffleVector(result, low), w_.CreateShuffleVector(result, high));
    }
    Value* last = w_.CreateExtractElement(result, uint64_t{0});
    for (unsigned i = 1; i < lanes; ++i) last = join(last, w_.CreateExtractElement(result, i));
    result = last;
  }
  if (!scans && is_float(t) && fold.op == ir::ReduceOp::kAdd) {  // of no elements: 0, not -0
    for (const Node range : graph_.sources(fold.node).subspan(1)) {
      const Node extent = graph_.source(range, 0);
      if (bounds_(extent).min >= 1) continue;
      Value* empty = w_.CreateICmpSLT(scalar(extent), w_.getInt64(1));
      result = w_.CreateSelect(empty, ValueBuilder::number(result, 0), result);
    }
  }
  if (is_narrow_float(t)) result = round_narrow(w_, t, result);
  return {result, fold.lanes != 0 && !fold.by_lanes ? Form::kVector : Form::kUniform};
}

}  // namespace anneal::cpu
