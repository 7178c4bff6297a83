// SPDX-License-Identifier: MIT
// Programs of phases (loop/fold.h): a function for each, and one that goes through the items, sets their
// variables and calls the phases with the slots of the kernel and the local ones, which lie in scratch. See
// emit.h. Tested by emit_phases_test.cc.
#include "cpu/emitter.h"
#include "cpu/plan_contraction.h"
#include "ir/kernel.h"

namespace anneal::cpu {

namespace {

constexpr int64_t kLine = 64;

int64_t aligned(int64_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

}  // namespace

void Emitter::emit_phase_calls(const std::string& name, size_t phases, const std::vector<int64_t>& locals,
                               int64_t scratch_offset) {
  begin_function(name);
  enter(function_->getArg(0), function_->getArg(1));
  llvm::Type *i64 = w_.getInt64Ty(), *ptr = w_.getPtrTy(), *i8 = w_.getInt8Ty();
  Value* scratch = function_->getArg(4);
  // A line between neighbours, so that no two locals lie a multiple of a page apart.
  Value* slots = w_.CreateAlloca(ptr, w_.getInt64(slot_pointers_.size() + locals.size()));
  const size_t item_vars = vars_.size() + program_.item_vars.size();
  Value* vars = w_.CreateAlloca(i64, w_.getInt64(item_vars + program_.limits.size() + 2));
  const auto put = [&](llvm::Type* t, Value* array, size_t at, Value* value) {
    w_.CreateStore(value, w_.CreateConstGEP1_64(t, array, at));
  };
  for (size_t i = 0; i < slot_pointers_.size(); ++i) put(ptr, slots, i, slot_pointers_[i]);
  for (size_t i = 0; i < locals.size(); ++i)
    put(ptr, slots, slot_pointers_.size() + i,
        w_.CreateConstGEP1_64(i8, scratch, static_cast<uint64_t>(locals[i])));
  for (size_t i = 0; i < vars_.size(); ++i)
    put(i64, vars, i, w_.CreateLoad(i64, w_.CreateConstGEP1_64(i64, vars_pointer_, i)));
  std::vector<Value*> extents;
  for (const loop::GridAxis& axis : program_.grid) extents.push_back(grid_extent(axis));
  Value* rest_of_scratch = w_.CreateConstGEP1_64(i8, scratch, static_cast<uint64_t>(scratch_offset));
  scopes_.emplace_back();
  for_steps(function_->getArg(2), function_->getArg(3), 1, [&](Value* item) {
    for (size_t i = program_.grid.size(); i-- > 0;) {
      Value* at = i == 0 ? item : w_.CreateURem(item, extents[i]);
      if (i > 0) item = w_.CreateUDiv(item, extents[i]);
      const auto chunk = static_cast<uint64_t>(program_.grid[i].chunk);
      Value* first = w_.CreateMul(at, w_.getInt64(chunk));
      set(program_.item_vars[i], {first});
      put(i64, vars, vars_.size() + i, first);
    }
    run_phases(name, phases, {slots, vars, rest_of_scratch, item_vars});
  });
  w_.CreateRetVoid();
  scopes_.clear();
}

// Those of one item, whose variables are set but for its limits and blocks.
void Emitter::run_phases(const std::string& name, size_t phases, const PhaseArrays& given) {
  const auto put = [&](size_t at, Value* value) {
    w_.CreateStore(value, w_.CreateConstGEP1_64(w_.getInt64Ty(), given.vars, at));
  };
  const auto call = [&](size_t p) {
    const std::string phase = name + ".phase" + std::to_string(p);
    Value* count = w_.CreateCall(w_.module().getFunction(phase + ".items"), {given.vars});
    when(w_.CreateICmpSLT(w_.getInt64(0), count), [&] {
      w_.CreateCall(w_.module().getFunction(phase),
                    {given.slots, given.vars, w_.getInt64(0), count, given.scratch});
    });
  };
  const auto sweep = [&](const loop::Sweep& s) {
    Value *from = scalar(s.from), *end = w_.CreateAdd(from, scalar(s.count));
    for_steps(from, end, s.block, [&](Value* at) {
      Value *rest = w_.CreateSub(end, at), *block = w_.getInt64(static_cast<uint64_t>(s.block));
      const size_t block_vars = given.item_vars + program_.limits.size();
      put(block_vars, at);
      put(block_vars + 1, w_.CreateSelect(w_.CreateICmpSLT(rest, block), rest, block));
      for (size_t p = s.first; p < s.last; ++p) call(p);
    });
  };
  size_t next_sweep = 0;
  for (size_t p = 0; p < phases;) {
    if (p == (program_.probe ? 1 : 0)) set_limits(given);
    if (next_sweep < program_.sweeps.size() && program_.sweeps[next_sweep].first == p) {
      sweep(program_.sweeps[next_sweep]);
      p = program_.sweeps[next_sweep++].last;
    } else {
      call(p++);
    }
  }
}

void Emitter::set_limits(const PhaseArrays& given) {
  Value* whole = nullptr;
  if (program_.probe) {
    llvm::Type *ptr = w_.getPtrTy(), *f32_type = w_.getFloatTy();
    const auto number = static_cast<uint64_t>(graph_.arg_as<ir::ParamArg>(program_.probe).index);
    Value* slot = w_.CreateLoad(ptr, w_.CreateConstGEP1_64(ptr, given.slots, number));
    whole = w_.CreateFCmpUNE(w_.CreateLoad(f32_type, slot), llvm::ConstantFP::get(f32_type, 0));
  }
  for (size_t i = 0; i < program_.limits.size(); ++i) {
    Value* value = scalar(program_.limits[i].value);
    if (whole != nullptr) value = w_.CreateSelect(whole, scalar(program_.limits[i].whole), value);
    set(program_.limits[i].var, {value});
    w_.CreateStore(value, w_.CreateConstGEP1_64(w_.getInt64Ty(), given.vars, given.item_vars + i));
  }
}

int64_t emit_phases(llvm::Module& module, const Target& target, const ir::Graph& graph,
                    const loop::Program& program, const std::string& name, const EmitOptions& options) {
  const std::vector<Node> outer = ir::variables_of(graph, program.kernel);
  std::vector<Node> vars = outer;
  vars.insert(vars.end(), program.item_vars.begin(), program.item_vars.end());
  for (const loop::ItemLimit& l : program.limits) vars.push_back(l.var);
  if (!program.sweeps.empty())
    vars.insert(vars.end(), {program.sweeps[0].at, program.sweeps[0].size});  // of all of them
  const EmitOptions inside{.threads = 1, .disjoint_slots = options.disjoint_slots};
  int64_t scratch = 0;
  for (size_t p = 0; p < program.phases.size(); ++p) {
    const std::string phase = name + ".phase" + std::to_string(p);
    const std::optional<ContractPlan> plan =
        plan_contraction(graph, program.phases[p], target, inside.threads);
    emit_one(module, target, graph, program.phases[p], vars, plan, phase, inside);
    if (plan) scratch = std::max(scratch, plan->scratch_bytes);
    for (const char* part : {"", ".items"})
      module.getFunction(phase + part)->setLinkage(llvm::GlobalValue::InternalLinkage);
  }
  std::vector<int64_t> locals;
  int64_t at = 0;
  for (Node local : program.locals) {
    locals.push_back(at);
    at += aligned(graph.shape(local)[0].value * dtype_size(graph.dtype(local))) + kLine;
  }
  Emitter around(module, target, graph, program, outer, options);
  around.emit_items(name + ".items");
  around.emit_phase_calls(name, program.phases.size(), locals, at);
  return at + scratch;
}

}  // namespace anneal::cpu
