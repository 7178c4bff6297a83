// SPDX-License-Identifier: MIT
// Contractions: the skeleton (contract.h) with the emitter's values in its holes. Factors are made as vectors
// along whichever direction the plan chose, under its masks; results go through the statements of the
// contraction, of which each vector loads all that it needs before it stores anything. See emit.h.
#include <numeric>

#include "cpu/contract.h"
#include "cpu/emitter.h"
#include "cpu/motion.h"
#include "cpu/plan_contraction.h"
#include "ir/walk.h"
#include "loop/stride.h"

namespace anneal::cpu {

using ir::Op;
using llvm::IRBuilderBase;
using llvm::Value;

namespace {

// <name> and <name>.items of the items of two functions, one after the other.
void join(llvm::Module& module, const std::string& name, const std::string& first,
          const std::string& second) {
  llvm::Function *one = module.getFunction(first), *other = module.getFunction(second),
                 *one_count = module.getFunction(first + ".items"),
                 *other_count = module.getFunction(second + ".items");
  for (llvm::Function* f : {one, other, one_count, other_count})
    f->setLinkage(llvm::GlobalValue::InternalLinkage);
  const auto function = [&](const std::string& text, llvm::Function* like) {
    auto* f =
        llvm::Function::Create(like->getFunctionType(), llvm::GlobalValue::ExternalLinkage, text, module);
    llvm::BasicBlock::Create(module.getContext(), "", f);
    return f;
  };
  llvm::Function* count = function(name + ".items", one_count);
  llvm::IRBuilder<> w(&count->getEntryBlock());
  Value* vars = count->getArg(0);
  w.CreateRet(w.CreateAdd(w.CreateCall(one_count, {vars}), w.CreateCall(other_count, {vars})));

  llvm::Function* run = function(name, one);
  w.SetInsertPoint(&run->getEntryBlock());
  Value *slots = run->getArg(0), *begin = run->getArg(2), *end = run->getArg(3), *scratch = run->getArg(4);
  vars = run->getArg(1);
  Value* border = w.CreateCall(one_count, {vars});
  const auto part = [&](llvm::Function* f, Value* from, Value* to) {
    auto* some = llvm::BasicBlock::Create(module.getContext(), "some", run);
    auto* after = llvm::BasicBlock::Create(module.getContext(), "after", run);
    w.CreateCondBr(w.CreateICmpSLT(from, to), some, after);
    w.SetInsertPoint(some);
    w.CreateCall(f, {slots, vars, from, to, scratch});
    w.CreateBr(after);
    w.SetInsertPoint(after);
  };
  const auto least = [&](Value* a, Value* b) { return w.CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, b); };
  const auto most = [&](Value* a, Value* b) { return w.CreateBinaryIntrinsic(llvm::Intrinsic::smax, a, b); };
  part(one, begin, least(end, border));
  part(other, w.CreateSub(most(begin, border), border), w.CreateSub(end, border));
  w.CreateRetVoid();
}

}  // namespace

class ContractionHoles {
 public:
  ContractionHoles(Emitter& emitter, const loop::Contraction& parts, const ContractPlan& plan)
      : e_(emitter), parts_(parts), plan_(plan) {
    loads_ = loads_above(parts.product, parts.statements);
    for (const loop::FactorSum& sum : parts.sums)
      sum_loads_.push_back(loads_above(sum.sum, std::span(&sum.statement, 1)));
  }

  ContractSpec spec() {
    ContractSpec s;
    s.batch = extent(parts_.batch), s.m = extent(parts_.m), s.n = extent(parts_.n), s.k = extent(parts_.k);
    s.prepare = [this](IRBuilderBase& code, const ContractFrame& frame) { prepare(code, frame); };
    s.a = [this](IRBuilderBase& code, const OperandAt& at) { return operand(code, true, at); };
    s.b = [this](IRBuilderBase& code, const OperandAt& at) { return operand(code, false, at); };
    s.result = [this](IRBuilderBase& code, const ResultAt& at) { result(code, at); };
    const auto fetch = [this](bool is_a) -> PrefetchHole {
      if (streams(is_a).empty()) return nullptr;
      return [this, is_a](IRBuilderBase& code, const OperandAt& at) { prefetch(code, is_a, at); };
    };
    s.a_prefetch = fetch(true), s.b_prefetch = fetch(false);
    for (size_t i = 0; i < parts_.sums.size(); ++i)
      (parts_.sums[i].of_b ? s.b_sum : s.a_sum) = [this, i](IRBuilderBase& code, const SumAt& at) {
        sum(code, i, at);
      };
    return s;
  }

 private:
  // The loads of statements, without those below a sum, which are made elsewhere.
  std::vector<Node> loads_above(Node below, std::span<const Node> statements) {
    std::vector<Node> found;
    std::unordered_set<uint32_t> seen{below.id};
    std::vector<Node> left(statements.rbegin(), statements.rend());
    while (!left.empty()) {
      const Node n = left.back();
      left.pop_back();
      if (!seen.insert(n.id).second || ir::has_flag(e_.graph_.op(n), ir::kLeaf)) continue;
      if (e_.graph_.op(n) == Op::Load) found.push_back(n), e_.pinned_.insert(n.id);
      const std::span<const Node> sources = e_.graph_.sources(n);
      left.insert(left.end(), sources.rbegin(), sources.rend());
    }
    return found;
  }

  // Everything that changes with no range is made in front of the block that this leaves.
  void prepare(IRBuilderBase& code, const ContractFrame& frame) {
    llvm::Function* function = code.GetInsertBlock()->getParent();
    e_.function_ = function;
    e_.w_.SetInsertPoint(code.GetInsertBlock());
    e_.enter(frame.slots, frame.vars);
    auto* body = llvm::BasicBlock::Create(code.getContext(), "items", function);
    marker_ = e_.w_.CreateBr(body);
    code.SetInsertPoint(body);
  }

  ContractExtent extent(Node range) {
    if (!range) return {.known = 1, .emit = nullptr};
    const Node e = e_.graph_.source(range, 0);
    if (e_.graph_.is_const(e))
      return {.known = e_.graph_.const_value(e).as_int(DType::kIndex), .emit = nullptr};
    return {.emit = [this, e](IRBuilderBase&, const ContractFrame&) {
      e_.w_.SetInsertPoint(marker_);
      return e_.scalar(e);
    }};
  }

  struct Position {
    Node range;
    Value* at;
  };
  // Calls f where these ranges have values: `lanes` of the one at `along`.
  template <typename F>
  void inside(IRBuilderBase& code, std::initializer_list<Position> positions, Node along, unsigned lanes,
              Value* mask, int64_t multiple, F f) {
    e_.w_.SetInsertPoint(code.GetInsertBlock());
    e_.scopes_.emplace_back();
    e_.scopes_.back().before = marker_;
    e_.vector_ = {lanes, along, mask, 0};
    for (const Position& p : positions) {
      if (!p.range) continue;
      const bool moves = lanes != 0 && p.range == along;
      e_.set(p.range, moves ? Held{p.at, Form::kLinear, e_.w_.getInt64(1), multiple} : Held{p.at});
    }
    f();
    e_.vector_ = {};
    e_.scopes_.pop_back();
    code.SetInsertPoint(e_.w_.GetInsertBlock());
  }

  // Vectors begin at multiples of their length, but for the rows of a panel of A.
  int64_t multiple(bool is_a, const OperandAt& at) const {
    const bool across = is_a && at.along == Axis::kM && plan_.path == ContractPath::kTiles;
    return across ? std::gcd(plan_.mr, static_cast<int>(at.lanes)) : static_cast<int64_t>(at.lanes);
  }

  Value* operand(IRBuilderBase& code, bool is_a, const OperandAt& at) {
    const Node row = is_a ? parts_.m : parts_.n, along = at.along == Axis::kK ? parts_.k : row;
    const Node factor = is_a ? parts_.a : parts_.b;
    Value* value = nullptr;
    inside(code, {{parts_.batch, at.b}, {row, at.row}, {parts_.k, at.k}}, along, at.lanes, at.mask,
           multiple(is_a, at), [&] { value = e_.spread(e_.held(factor), e_.graph_.dtype(factor)); });
    return value;
  }

  // The loads of a factor that go through memory line by line in the direction of the plan.
  std::vector<Node> streams(bool is_a) const {
    const bool by_k = (is_a ? plan_.traits.a_along : plan_.traits.b_along) == Axis::kK;
    const Node row = is_a ? parts_.m : parts_.n, along = by_k ? parts_.k : row, other = by_k ? row : parts_.k;
    const Node factor = is_a ? parts_.a : parts_.b;
    std::vector<Node> found;
    if (!along || !other) return found;
    for (const Node n : ir::postorder(e_.graph_, std::span(&factor, 1))) {
      if (e_.graph_.op(n) != Op::Load) continue;
      const Node index = e_.graph_.source(n, 1);
      const auto step = loop::stride_of_simplified(e_.graph_, index, along),
                 next = loop::stride_of_simplified(e_.graph_, index, other);
      if (step == 1 && next != 0 && !reads_memory(index)) found.push_back(n);
    }
    return found;
  }
  bool reads_memory(Node index) const {
    for (const Node n : ir::postorder(e_.graph_, std::span(&index, 1)))
      if (e_.graph_.op(n) == Op::Load) return true;
    return false;
  }

  void prefetch(IRBuilderBase& code, bool is_a, const OperandAt& at) {
    inside(code, {{parts_.batch, at.b}, {is_a ? parts_.m : parts_.n, at.row}, {parts_.k, at.k}}, {}, 0,
           nullptr, 1, [&] {
             for (const Node n : streams(is_a)) {
               const Emitter::Place place = e_.place_of(n);
               // A read, into the second level and those below it, of data.
               e_.w_.CreateIntrinsic(llvm::Intrinsic::prefetch, {e_.w_.getPtrTy()},
                                     {e_.address(place, place.index.value), e_.w_.getInt32(0),
                                      e_.w_.getInt32(2), e_.w_.getInt32(1)});
             }
           });
  }

  void result(IRBuilderBase& code, const ResultAt& at) {
    inside(code, {{parts_.batch, at.b}, {parts_.m, at.m}, {parts_.n, at.n}},
           at.along == Axis::kN ? parts_.n : parts_.m, at.lanes, at.mask, at.lanes, [&] {
             e_.set(parts_.product, {at.value, Form::kVector});
             for (const Node n : loads_) e_.held(n);
             for (const Node s : parts_.statements) e_.emit_store(s, e_.held(e_.graph_.source(s, 2)));
           });
  }

  void sum(IRBuilderBase& code, size_t i, const SumAt& at) {
    const loop::FactorSum& sum = parts_.sums[i];
    const Node row = sum.of_b ? parts_.n : parts_.m;
    inside(code, {{row, at.row}}, row, at.lanes, at.mask, 1, [&] {
      e_.set(sum.sum, {at.value, Form::kVector});
      for (const Node n : sum_loads_[i]) e_.held(n);
      e_.emit_store(sum.statement, e_.held(e_.graph_.source(sum.statement, 2)));
    });
  }

  Emitter& e_;
  const loop::Contraction& parts_;
  const ContractPlan& plan_;
  std::vector<Node> loads_;                   // of the statements but not of the factors
  std::vector<std::vector<Node>> sum_loads_;  // the same of the sums' statements
  llvm::Instruction* marker_ = nullptr;
};

void Emitter::emit_contraction(const std::string& name, const loop::Contraction& parts,
                               const ContractPlan& plan) {
  in_contraction_ = true;
  ContractionHoles holes(*this, parts, plan);
  llvm::Function* function = emit_contract(w_.module(), name, holes.spec(), plan, TileKernel::kOutside);
  scopes_.clear();
  hoist_invariants(*function);
}

void Emitter::emit_contraction_items(const std::string& name, const loop::Contraction& parts,
                                     const ContractPlan& plan) {
  begin_count(name);
  const auto extent = [&](Node range) -> Value* {
    return range ? scalar(graph_.source(range, 0)) : w_.getInt64(1);
  };
  const auto blocks = [&](Node range, int64_t size) {
    Value* up = w_.CreateAdd(extent(range), w_.getInt64(static_cast<uint64_t>(size - 1)));
    return w_.CreateUDiv(up, w_.getInt64(static_cast<uint64_t>(size)));
  };
  Value* items = w_.CreateMul(blocks(parts.m, plan.item_m), blocks(parts.n, plan.item_n));
  end_count(w_.CreateMul(extent(parts.batch), items));
}

void emit_contraction_program(llvm::Module& module, const Target& target, const ir::Graph& graph,
                              const loop::Program& program, const std::vector<Node>& vars,
                              const ContractPlan& plan, const std::string& name, const EmitOptions& options) {
  const loop::ContractionProgram& c = *program.contraction;
  const loop::Program around{c.kernel, {}, {}};
  Emitter emitter(module, target, graph, around, vars, options);
  const std::string own = c.others.empty() ? name : name + ".contraction";
  emitter.emit_contraction_items(own + ".items", c.parts, plan);
  emitter.emit_contraction(own, c.parts, plan);
  if (c.others.empty()) return;
  const std::string rest = name + ".others";
  Emitter others(module, target, graph, c.others[0], vars, options);
  others.emit_items(rest + ".items");
  others.emit_function(rest);
  join(module, name, own, rest);
}

}  // namespace anneal::cpu
