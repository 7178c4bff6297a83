// SPDX-License-Identifier: MIT
// Functions, statements and loops. See emit.h.
#include "cpu/emit.h"

#include <algorithm>
#include <numeric>

#include "cpu/emitter.h"
#include "cpu/plan_contraction.h"
#include "ir/kernel.h"
#include "ir/walk.h"
#include "support/check.h"

namespace anneal::cpu {

using ir::Op;
using llvm::BasicBlock;
using loop::LoopKind;
using loop::Statement;
using loop::StatementKind;

int64_t slots_of(const ir::Graph& graph, Node kernel) {
  int64_t count = 0;
  for (const Node n : ir::postorder(graph, std::span(&kernel, 1)))
    if (graph.op(n) == Op::Param) count = std::max(count, graph.arg_as<ir::ParamArg>(n).index + 1);
  return count;
}

void emit_one(llvm::Module& module, const Target& target, const ir::Graph& graph,
              const loop::Program& program, const std::vector<Node>& vars,
              const std::optional<ContractPlan>& plan, const std::string& name, const EmitOptions& options) {
  if (plan) return emit_contraction_program(module, target, graph, program, vars, *plan, name, options);
  Emitter emitter(module, target, graph, program, vars, options);
  emitter.emit_items(name + ".items");
  emitter.emit_function(name);
}

std::unique_ptr<llvm::Module> emit_program(llvm::LLVMContext& context, const Target& target,
                                           const ir::Graph& graph, const loop::Program& program,
                                           const std::string& name, const EmitOptions& options) {
  auto module = std::make_unique<llvm::Module>(name, context);
  module->setTargetTriple(target.triple);
  int64_t scratch = 0;
  if (!program.phases.empty()) {
    scratch = emit_phases(*module, target, graph, program, name, options);
  } else {
    const std::optional<ContractPlan> plan = plan_contraction(graph, program, target, options.threads);
    emit_one(*module, target, graph, program, ir::variables_of(graph, program.kernel), plan, name, options);
    if (plan) scratch = plan->scratch_bytes;
  }
  llvm::Type* i64 = llvm::Type::getInt64Ty(context);
  new llvm::GlobalVariable(*module, i64, true, llvm::GlobalValue::ExternalLinkage,
                           llvm::ConstantInt::get(i64, static_cast<uint64_t>(scratch)), name + ".scratch");
  for (llvm::Function& f : *module) {
    if (f.isDeclaration()) continue;
    // A long chain of them is calls: LLVM takes milliseconds for each copy of an exp.
    constexpr unsigned kMostCopies = 16;
    if (f.hasFnAttribute(llvm::Attribute::AlwaysInline) && f.hasNUsesOrMore(kMostCopies + 1)) {
      f.removeFnAttr(llvm::Attribute::AlwaysInline);
      f.addFnAttr(llvm::Attribute::NoInline);
    }
    f.addFnAttr("prefer-vector-width", std::to_string(target.vector_bytes * 8));
    f.addFnAttr("min-legal-vector-width", std::to_string(target.vector_bytes * 8));
    f.addFnAttr(llvm::Attribute::NoUnwind);
  }
  return module;
}

Emitter::Emitter(llvm::Module& module, const Target& target, const ir::Graph& graph,
                 const loop::Program& program, std::vector<Node> vars, const EmitOptions& options)
    : w_(module, target),
      graph_(graph),
      program_(program),
      options_(options),
      bounds_(graph),
      vars_(std::move(vars)) {
  const auto slots = static_cast<size_t>(slots_of(graph, program.kernel));
  slot_pointers_.resize(slots);
  slot_scopes_.resize(slots);
  rewritten_.resize(slots);
  std::vector<bool> loaded(slots), stored(slots);
  const std::vector<Node> order = ir::postorder(graph, std::span(&program.kernel, 1), true);
  const auto slot_of = [&](Node n) {
    return static_cast<size_t>(graph.arg_as<ir::ParamArg>(graph.source(n, 0)).index);
  };
  for (const Node n : order) {
    if (graph.op(n) == Op::Load) loaded[slot_of(n)] = true;
    if (ir::has_flag(graph.op(n), ir::kStatement)) stored[slot_of(n)] = true;
  }
  for (size_t i = 0; i < slots; ++i) rewritten_[i] = loaded[i] && stored[i];
  for (const Node n : order) {
    bool reads = graph.op(n) == Op::Load && rewritten_[slot_of(n)];
    for (const Node s : graph.sources(n)) reads = reads || reads_rewritten_[s.id];
    reads_rewritten_[n.id] = reads && graph.op(n) != Op::Accumulate;  // which is made when its loop is
  }
}

// -- Functions --

llvm::Value* Emitter::grid_extent(const loop::GridAxis& axis) {
  Value* extent = scalar(graph_.source(axis.range, 0));
  if (axis.chunk == 1) return extent;
  return w_.CreateSDiv(w_.CreateAdd(extent, w_.getInt64(static_cast<uint64_t>(axis.chunk - 1))),
                       w_.getInt64(static_cast<uint64_t>(axis.chunk)));
}

void Emitter::begin_count(const std::string& name) {
  function_ = llvm::Function::Create(llvm::FunctionType::get(w_.getInt64Ty(), {w_.getPtrTy()}, false),
                                     llvm::GlobalValue::ExternalLinkage, name, w_.module());
  vars_pointer_ = function_->getArg(0);
  w_.SetInsertPoint(BasicBlock::Create(w_.getContext(), "", function_));
  scopes_.assign(1, {});
}

void Emitter::end_count(Value* count) {
  w_.CreateRet(count);
  scopes_.clear();
}

void Emitter::emit_items(const std::string& name) {
  begin_count(name);
  Value* items = w_.getInt64(1);
  for (const loop::GridAxis& axis : program_.grid) items = w_.CreateMul(items, grid_extent(axis));
  end_count(items);
}

void Emitter::enter(Value* slots, Value* vars) {
  vars_pointer_ = vars;
  scopes_.assign(1, {});
  for (size_t i = 0; i < slot_pointers_.size(); ++i)
    slot_pointers_[i] = w_.CreateLoad(w_.getPtrTy(), w_.CreateConstGEP1_64(w_.getPtrTy(), slots, i));
}

void Emitter::begin_function(const std::string& name) {
  llvm::Type* i64 = w_.getInt64Ty();
  function_ = llvm::Function::Create(
      llvm::FunctionType::get(w_.getVoidTy(), {w_.getPtrTy(), w_.getPtrTy(), i64, i64, w_.getPtrTy()}, false),
      llvm::GlobalValue::ExternalLinkage, name, w_.module());
  w_.SetInsertPoint(BasicBlock::Create(w_.getContext(), "", function_));
}

void Emitter::emit_function(const std::string& name) {
  begin_function(name);
  enter(function_->getArg(0), function_->getArg(1));
  std::vector<Value*> extents;
  for (const loop::GridAxis& axis : program_.grid) extents.push_back(grid_extent(axis));
  scopes_.emplace_back();  // of an item; the caller asks for one at least
  for_steps(function_->getArg(2), function_->getArg(3), 1, [&](Value* item) {
    bind_grid(item, extents);
    emit_body(program_.body);
  });
  w_.CreateRetVoid();
  scopes_.clear();
}

void Emitter::bind_grid(Value* item, const std::vector<Value*>& extents) {
  for (size_t i = program_.grid.size(); i-- > 0;) {
    const loop::GridAxis& axis = program_.grid[i];
    Value* at = i == 0 ? item : w_.CreateURem(item, extents[i]);
    if (i > 0) item = w_.CreateUDiv(item, extents[i]);
    if (axis.chunk == 1) {
      set(axis.range, {at});
      continue;
    }
    Value* chunk = w_.getInt64(static_cast<uint64_t>(axis.chunk));
    Value* begin = w_.CreateMul(at, chunk);
    Value* extent = scalar(graph_.source(axis.range, 0));
    Value* end = w_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, w_.CreateAdd(begin, chunk), extent);
    grid_spans_[axis.range.id] = {begin, end};
  }
}

// -- Statements --

void Emitter::emit_body(const loop::Body& body) {
  for (size_t i = 0; i < body.size(); ++i) emit_statement(body, i);
}

void Emitter::emit_statement(const loop::Body& body, size_t position) {
  const Statement& s = body[position];
  switch (s.kind) {
    case StatementKind::kLoop: emit_loop(s); break;
    case StatementKind::kLet:
      pinned_.insert(s.node.id);
      held(s.node);
      break;
    case StatementKind::kBegin: begin_fold(body, position); break;
    case StatementKind::kFold: join_fold(s.node, graph_.source(s.node, 0), folds_.at(s.node.id)); break;
    case StatementKind::kStore:
      if (graph_.op(s.node) == Op::ScatterStore) {
        emit_scatter(s.node);
      } else if (graph_.op(s.node) == Op::ScanStore) {
        Fold& fold = folds_.at(s.node.id);
        join_fold(s.node, graph_.source(s.node, 2), fold);
        emit_store(s.node, finish_fold(fold));
      } else {
        emit_store(s.node, held(graph_.source(s.node, 2)));
      }
      break;
    case StatementKind::kSort: emit_sort(s); break;
  }
}

// -- Loops --

namespace {

// Calls `f` with every statement of the bodies below, outermost first.
template <typename F>
void each_statement(const loop::Body& body, F f) {
  std::vector<const loop::Body*> left{&body};
  while (!left.empty()) {
    const loop::Body* b = left.back();
    left.pop_back();
    for (const Statement& s : *b) {
      f(s);
      if (s.kind == StatementKind::kLoop) left.push_back(&s.body);
    }
  }
}

}  // namespace

// What a scatter binds goes in order, a scan needs the value before, and sorting is a loop of its own.
bool Emitter::is_vectorized(const Statement& loop) const {
  if (loop.loop != LoopKind::kVector || loop.lanes < 2 || vector_.lanes != 0) return false;
  bool possible = true;
  each_statement(loop.body, [&](const Statement& s) {
    if (s.kind == StatementKind::kSort) possible = false;
    if (s.kind != StatementKind::kStore) return;
    const std::span<const Node> bound = ir::bound_ranges(graph_, s.node);
    if (std::find(bound.begin(), bound.end(), loop.node) != bound.end()) possible = false;
  });
  return possible;
}

// Folds over the loop's own range whose body is straight are unrolled, so that additions do not wait for each
// other. A transcendental function takes longer than they do.
unsigned Emitter::copies_of(const Statement& loop) {
  size_t folds = 0;
  for (const Statement& s : loop.body) {
    if (s.kind == StatementKind::kLoop) return 1;
    if (s.kind != StatementKind::kFold) continue;
    ++folds;
    const Node body = graph_.source(s.node, 0);
    for (const Node n : ir::postorder(graph_, std::span(&body, 1)))
      if (ir::has_flag(graph_.op(n), ir::kTranscendental) && depends_on(n, loop.node)) return 1;
  }
  unsigned copies = folds == 0 ? 1 : folds <= 4 ? kUnroll : folds <= 8 ? kUnroll / 2 : 1;
  // Joining partial results is worth it only where there are elements for all of them.
  const int64_t most = bounds_(graph_.source(loop.node, 0)).max;
  while (copies > 1 && most < static_cast<int64_t>(copies) * loop.lanes) copies /= 2;
  return copies;
}

// A loop that only copies one slot to the same places of another, as a scatter begins: where both are the
// same memory there is nothing to do. Null: it does something else.
llvm::Value* Emitter::copies_onto_itself(const Statement& loop) {
  Value* same = nullptr;
  bool is_copy = true;
  each_statement(loop.body, [&](const Statement& s) {
    if (s.kind == StatementKind::kLoop || s.kind == StatementKind::kLet) return;
    const bool stores = s.kind == StatementKind::kStore && graph_.op(s.node) == Op::Store;
    const Node load = stores ? graph_.source(s.node, 2) : Node{};
    is_copy = is_copy && stores && same == nullptr && graph_.sources(s.node).size() == 3 &&
              graph_.op(load) == Op::Load && graph_.sources(load).size() == 2 &&
              graph_.source(load, 1) == graph_.source(s.node, 1) &&
              graph_.dtype(graph_.source(load, 0)) == graph_.dtype(graph_.source(s.node, 0));
    if (is_copy) same = w_.CreateICmpEQ(slot_pointer(load), slot_pointer(s.node));
  });
  return is_copy ? same : nullptr;
}

void Emitter::emit_loop(const Statement& loop) {
  Span span{w_.getInt64(0), nullptr};
  const auto split = grid_spans_.find(loop.node.id);
  bool runs = true;
  if (split != grid_spans_.end()) {
    span = split->second;
  } else {
    const Node extent = graph_.source(loop.node, 0);
    span.end = scalar(extent);
    runs = bounds_(extent).min >= 1;
  }
  if (Value* same = copies_onto_itself(loop)) {
    span.end = w_.CreateSelect(same, span.begin, span.end);
    runs = false;
  }
  auto* entry = BasicBlock::Create(w_.getContext(), "loop", function_);
  scopes_.emplace_back();
  scopes_.back().before = w_.CreateBr(entry);
  scopes_.back().runs = runs;
  w_.SetInsertPoint(entry);
  if (is_vectorized(loop)) {
    emit_vector_steps(loop, span);
  } else {
    emit_steps(loop, span);
  }
  scopes_.pop_back();
}

void Emitter::for_steps(Value* begin, Value* end, int64_t step, const std::function<void(Value*)>& body) {
  Value* any = w_.CreateICmpSLT(begin, end);
  if (const auto* known = llvm::dyn_cast<llvm::ConstantInt>(any); known != nullptr && known->isZero()) return;
  BasicBlock* before = w_.GetInsertBlock();
  auto* header = BasicBlock::Create(w_.getContext(), "step", function_);
  auto* done = BasicBlock::Create(w_.getContext(), "done", function_);
  llvm::Instruction* branch = w_.CreateCondBr(any, header, done);
  if (scopes_.back().before == nullptr) scopes_.back().before = branch;
  w_.SetInsertPoint(header);
  llvm::PHINode* at = w_.CreatePHI(begin->getType(), 2);
  at->addIncoming(begin, before);
  body(at);
  Value* next = w_.CreateNSWAdd(at, w_.getInt64(static_cast<uint64_t>(step)));
  at->addIncoming(next, w_.GetInsertBlock());
  w_.CreateCondBr(w_.CreateICmpSLT(next, end), header, done);
  w_.SetInsertPoint(done);
}

void Emitter::when(Value* condition, const std::function<void()>& body) {
  auto* taken = BasicBlock::Create(w_.getContext(), "when", function_);
  auto* done = BasicBlock::Create(w_.getContext(), "done", function_);
  w_.CreateCondBr(condition, taken, done);
  w_.SetInsertPoint(taken);
  body();
  w_.CreateBr(done);
  w_.SetInsertPoint(done);
}

void Emitter::emit_steps(const Statement& loop, const Span& span) {
  for_steps(span.begin, span.end, 1, [&](Value* at) {
    scopes_.back().values.clear();
    if (loop.reverse) at = w_.CreateSub(w_.CreateAdd(span.begin, w_.CreateSub(span.end, w_.getInt64(1))), at);
    set(loop.node, {at});
    emit_body(loop.body);
  });
}

// `copies` bodies side by side, one after the other in the range.
void Emitter::emit_copies(const Statement& loop, Value* first, unsigned copies, Value* mask) {
  for (unsigned i = 0; i < copies; ++i) {
    scopes_.back().values.clear();
    vector_.mask = mask;
    vector_.part = i;
    const auto lanes = static_cast<unsigned>(loop.lanes);
    Value* at = i == 0 ? first : w_.CreateNSWAdd(first, w_.getInt64(i * lanes));
    // A span of the grid begins at a multiple of its chunk.
    int64_t multiple = loop.lanes;
    for (const loop::GridAxis& axis : program_.grid)
      if (axis.range == loop.node) multiple = std::gcd(multiple, axis.chunk);
    set(loop.node, {at, Form::kLinear, w_.getInt64(1), multiple});
    emit_body(loop.body);
  }
}

void Emitter::emit_vector_steps(const Statement& loop, const Span& span) {
  const auto lanes = static_cast<unsigned>(loop.lanes);
  const unsigned copies = copies_of(loop);
  vector_ = {lanes, loop.node, nullptr, 0};
  Value* begin = span.begin;
  for (unsigned n = copies; n > 0; n = n == 1 ? 0 : 1) {
    const int64_t step = static_cast<int64_t>(lanes) * n;
    Value* length = w_.CreateSub(span.end, begin);
    Value* end = w_.CreateSub(span.end, w_.CreateURem(length, w_.getInt64(static_cast<uint64_t>(step))));
    for_steps(begin, end, step, [&](Value* at) { emit_copies(loop, at, n, nullptr); });
    begin = end;
  }
  const auto* left = llvm::dyn_cast<llvm::ConstantInt>(w_.CreateSub(span.end, begin));
  if (left == nullptr || !left->isZero()) {
    when(w_.CreateICmpSLT(begin, span.end), [&] {
      Value* count =
          w_.CreateVectorSplat(lanes, w_.CreateTrunc(w_.CreateSub(span.end, begin), w_.getInt32Ty()));
      emit_copies(loop, begin, 1, w_.CreateICmpULT(w_.lane_numbers(lanes, w_.getInt32Ty()), count));
    });
  }
  vector_ = {};
}

}  // namespace anneal::cpu
