// SPDX-License-Identifier: MIT
// Loads and stores: contiguous, reversed, or lane by lane, and under masks. See emit.h.
#include <llvm/IR/MDBuilder.h>

#include "cpu/elementwise.h"
#include "cpu/emitter.h"
#include "cpu/motion.h"
#include "cpu/narrow_float.h"

namespace anneal::cpu {

using ir::Op;
using llvm::Value;

namespace {

llvm::Align alignment_of(DType t) { return llvm::Align(static_cast<uint64_t>(dtype_size(t))); }

std::optional<int64_t> constant_stride(const Held& index) {
  if (index.form != Form::kLinear) return std::nullopt;
  const auto* stride = llvm::dyn_cast<llvm::ConstantInt>(index.stride);
  return stride != nullptr ? std::optional(stride->getSExtValue()) : std::nullopt;
}

}  // namespace

Emitter::Place Emitter::place_of(Node access) {
  const Node slot = graph_.source(access, 0), index = graph_.source(access, 1);
  return {slot, held(index), graph_.dtype(slot), fits_32(index) ? 32U : 64U};
}

// Memory of a slot that shares none with the others.
void Emitter::mark_slot(llvm::Instruction* access, Node slot) {
  if (!options_.disjoint_slots) return;
  llvm::MDBuilder md(w_.getContext());
  if (slot_domain_ == nullptr) slot_domain_ = md.createAnonymousAliasScopeDomain("slots");
  for (auto& scope : slot_scopes_)
    if (scope == nullptr) scope = md.createAnonymousAliasScope(slot_domain_);
  const auto own = static_cast<size_t>(graph_.arg_as<ir::ParamArg>(slot).index);
  llvm::SmallVector<llvm::Metadata*, 8> others;
  for (size_t i = 0; i < slot_scopes_.size(); ++i)
    if (i != own) others.push_back(slot_scopes_[i]);
  access->setMetadata(llvm::LLVMContext::MD_alias_scope,
                      llvm::MDNode::get(w_.getContext(), {slot_scopes_[own]}));
  access->setMetadata(llvm::LLVMContext::MD_noalias, llvm::MDNode::get(w_.getContext(), others));
}

Value* Emitter::address(const Place& place, Value* index) {
  Value* base = slot_pointers_[static_cast<size_t>(graph_.arg_as<ir::ParamArg>(place.slot).index)];
  return w_.CreateGEP(w_.memory_type(place.dtype), base, index);
}

Value* Emitter::addresses(const Place& place) {
  return address(place, spread(place.index, DType::kIndex, place.index_bits));
}

bool Emitter::always(Node condition) {
  return !condition || (graph_.is_const(condition) && graph_.const_value(condition).bits != 0);
}

Value* Emitter::mask_of(Node condition) {
  if (always(condition)) return vector_.mask;
  Value* mask = spread(held(condition), boolean);
  return vector_.mask == nullptr ? mask : w_.CreateAnd(mask, vector_.mask);
}

// -- Loads --

Held Emitter::make_load(Node n) {
  const Place place = place_of(n);
  const Node condition = graph_.sources(n).size() > 2 ? graph_.source(n, 2) : Node{};
  const bool free = always(condition);
  const Form condition_form = free ? Form::kUniform : held(condition).form;
  if (place.index.form != Form::kUniform)
    return {from_memory(w_, place.dtype, load_lanes(place, mask_of(condition))), Form::kVector};

  // One element: where the condition is false, a zero stands in for it, and nothing of the slot is read.
  Value* from = address(place, place.index.value);
  Value* mask = condition_form == Form::kVector ? mask_of(condition) : nullptr;
  if (!free) {
    llvm::Constant* zero = llvm::ConstantInt::get(w_.getInt64Ty(), 0);
    llvm::GlobalVariable* nothing = w_.module().getGlobalVariable("nothing", true);
    if (nothing == nullptr)
      nothing = new llvm::GlobalVariable(w_.module(), w_.getInt64Ty(), true,
                                         llvm::GlobalValue::InternalLinkage, zero, "nothing");
    from = w_.CreateSelect(mask != nullptr ? w_.any(mask) : held(condition).value, from, nothing);
  }
  llvm::LoadInst* load = w_.CreateAlignedLoad(w_.memory_type(place.dtype), from, alignment_of(place.dtype));
  if (free) mark_slot(load, place.slot);
  if (in_contraction_ && !rewritten_[static_cast<size_t>(graph_.arg_as<ir::ParamArg>(place.slot).index)])
    mark_fixed(*load);
  Value* value = from_memory(w_, place.dtype, load);
  if (mask == nullptr) return {value};
  Value* lanes = w_.CreateVectorSplat(vector_.lanes, value);
  return {w_.CreateSelect(mask, lanes, llvm::Constant::getNullValue(lanes->getType())), Form::kVector};
}

Value* Emitter::load_lanes(const Place& place, Value* mask) {
  llvm::Type* type = ValueBuilder::with_lanes(w_.memory_type(place.dtype), vector_.lanes);
  const llvm::Align align = alignment_of(place.dtype);
  llvm::Constant* zero = llvm::Constant::getNullValue(type);
  const std::optional<int64_t> stride = constant_stride(place.index);
  llvm::Instruction* load;
  if (stride == 1 || stride == -1) {
    Value* first = place.index.value;
    if (stride == -1) first = w_.CreateSub(first, w_.getInt64(vector_.lanes - 1));
    Value* from = address(place, first);
    if (mask == nullptr) {
      load = w_.CreateAlignedLoad(type, from, align);
    } else {
      load = w_.CreateMaskedLoad(type, from, align, stride == -1 ? w_.reverse(mask) : mask, zero);
    }
    mark_slot(load, place.slot);
    return stride == -1 ? w_.reverse(load) : load;
  }
  load = w_.CreateMaskedGather(type, addresses(place), align, mask, zero);
  mark_slot(load, place.slot);
  return load;
}

// -- Stores --

void Emitter::emit_store(Node n, const Held& value) {
  const Place place = place_of(n);
  const bool has_condition = graph_.op(n) == Op::Store && graph_.sources(n).size() > 3;
  const Node condition = has_condition ? graph_.source(n, 3) : Node{};
  const bool free = always(condition);
  const Form condition_form = free ? Form::kUniform : held(condition).form;
  const bool one =
      value.form == Form::kUniform && place.index.form == Form::kUniform && condition_form == Form::kUniform;
  if (!one) {
    store_lanes(place, value, mask_of(condition));
  } else if (free) {
    store_scalar(place, value.value);
  } else {
    when(scalar(condition), [&] { store_scalar(place, value.value); });
  }
  forget_loads(place.slot);
}

void Emitter::store_scalar(const Place& place, Value* value) {
  mark_slot(w_.CreateAlignedStore(to_memory(w_, place.dtype, value), address(place, place.index.value),
                                  alignment_of(place.dtype)),
            place.slot);
}

void Emitter::store_lanes(const Place& place, const Held& value, Value* mask) {
  Value* stored = to_memory(w_, place.dtype, spread(value, place.dtype));
  const llvm::Align align = alignment_of(place.dtype);
  const std::optional<int64_t> stride = constant_stride(place.index);
  llvm::Instruction* store;
  if (stride == 1 || stride == -1) {
    Value* first = place.index.value;
    if (stride == -1) {
      first = w_.CreateSub(first, w_.getInt64(vector_.lanes - 1));
      stored = w_.reverse(stored);
      if (mask != nullptr) mask = w_.reverse(mask);
    }
    Value* to = address(place, first);
    store = mask == nullptr ? static_cast<llvm::Instruction*>(w_.CreateAlignedStore(stored, to, align))
                            : w_.CreateMaskedStore(stored, to, align, mask);
  } else {  // of lanes with one address the last one stays
    store = w_.CreateMaskedScatter(stored, addresses(place), align, mask);
  }
  mark_slot(store, place.slot);
}

// One element after the other in the order of the ranges that it binds. Of a vector loop around them each
// lane has elements of its own.
void Emitter::emit_scatter(Node n) {
  const Place place = place_of(n);
  const Node condition = graph_.source(n, 3);
  const DType t = place.dtype;
  const Held value = held(graph_.source(n, 2));
  const bool adds = graph_.arg_as<ir::ScatterArg>(n).mode == ir::ScatterMode::kAdd;
  const bool free = always(condition);
  const Form condition_form = free ? Form::kUniform : held(condition).form;
  const bool one =
      value.form == Form::kUniform && place.index.form == Form::kUniform && condition_form == Form::kUniform;
  const auto combine = [&](Value* mask) {
    if (one) {
      Value* result = value.value;
      if (adds) {
        llvm::LoadInst* old =
            w_.CreateAlignedLoad(w_.memory_type(t), address(place, place.index.value), alignment_of(t));
        mark_slot(old, place.slot);
        result = emit_fold(w_, ir::ReduceOp::kAdd, t, from_memory(w_, t, old), result);
      }
      return store_scalar(place, result);
    }
    Value* result = spread(value, t);
    if (adds)
      result = emit_fold(w_, ir::ReduceOp::kAdd, t, from_memory(w_, t, load_lanes(place, mask)), result);
    store_lanes(place, {result, Form::kVector}, mask);
  };
  if (free) {
    combine(vector_.mask);
  } else if (condition_form == Form::kUniform) {
    when(scalar(condition), [&] { combine(vector_.mask); });
  } else {
    combine(mask_of(condition));
  }
  forget_loads(place.slot);
}

// What was read of a slot before a store to it may differ now.
void Emitter::forget_loads(Node slot) {
  if (!rewritten_[static_cast<size_t>(graph_.arg_as<ir::ParamArg>(slot).index)]) return;
  for (Scope& scope : scopes_)
    std::erase_if(scope.values, [&](const auto& entry) {
      const auto reads = reads_rewritten_.find(entry.first);
      return reads != reads_rewritten_.end() && reads->second && !pinned_.contains(entry.first);
    });
}

}  // namespace anneal::cpu
