// SPDX-License-Identifier: MIT
// Sorting: keys are written to scratch memory as integers of the same order, a runtime function sorts them,
// and the positions are stored. See emit.h.
#include "cpu/elementwise.h"
#include "cpu/emitter.h"

namespace anneal::cpu {

using ir::Op;
using llvm::Value;

namespace {

// A u64 with the order of the values: NaN above all else, -0 as +0; complemented when descending.
Value* sort_key(ValueBuilder& w, DType t, bool descending, Value* v) {
  llvm::Type* i64 = w.getInt64Ty();
  Value* key;
  const auto c = [&](uint64_t i) { return w.getInt64(i); };
  constexpr uint64_t kSign = uint64_t{1} << 63;
  if (is_float(t)) {
    Value* wide = w.CreateFPExt(v, w.getDoubleTy());
    wide = w.CreateFAdd(wide, llvm::ConstantFP::get(w.getDoubleTy(), 0.0));  // -0 + 0 is +0
    Value* bits = w.bits_of(wide);
    Value* negative = w.CreateICmpSLT(bits, c(0));
    key = w.CreateSelect(negative, w.CreateNot(bits), w.CreateXor(bits, c(kSign)));
    key = w.CreateSelect(w.is_nan(v), c(~uint64_t{0}), key);
  } else if (is_signed(t)) {
    key = w.CreateXor(w.CreateSExt(v, i64), c(kSign));
  } else {
    key = w.CreateZExt(v, i64);
  }
  return descending ? w.CreateNot(key) : key;
}

}  // namespace

void Emitter::emit_sort(const loop::Statement& s) {
  const Node n = s.node;
  const Node range = graph_.source(n, 3), key = graph_.source(n, 2);
  Value* count = scalar(graph_.source(range, 0));
  llvm::Type *i64 = w_.getInt64Ty(), *ptr = w_.getPtrTy();
  Value* keys = w_.call_runtime("anneal_cpu_sort_keys", ptr, {count});
  const auto each = [&](const std::function<void(Value*)>& body) {
    scopes_.emplace_back();
    scopes_.back().runs = false;  // there may be nothing to sort
    for_steps(w_.getInt64(0), count, 1, [&](Value* at) {
      set(range, {at});
      emit_body(s.body);
      body(at);
    });
    scopes_.pop_back();
  };
  each([&](Value* at) {
    const bool descending = graph_.arg_as<ir::SortArg>(n).descending;
    w_.CreateStore(sort_key(w_, graph_.dtype(key), descending, scalar(key)), w_.CreateGEP(i64, keys, at));
  });
  Value* order = w_.call_runtime("anneal_cpu_sort", ptr, {keys, count});
  each([&](Value* at) {
    const Place place = place_of(n);
    store_scalar(place, w_.CreateLoad(w_.getInt32Ty(), w_.CreateGEP(w_.getInt32Ty(), order, at)));
  });
  forget_loads(graph_.source(n, 0));
}

}  // namespace anneal::cpu
