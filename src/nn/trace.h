// SPDX-License-Identifier: MIT
// What parameters stand for while a forward is traced, and what the forward says on its way: the paths of
// modules, draws of dropout, next values of buffers, captured tensors. Tested by module_test.cc and
// training_test.cc.
#pragma once

#include <map>
#include <string>

#include "anneal/nn/module.h"

namespace anneal::nn::detail {

struct ParamState {
  std::vector<int64_t> shape;
  DType dtype = f32;
  Init init;
  std::optional<bool> decay;
  bool trained = true;
  bool is_table = false;      // of an embedding
  bool inputs_first = false;  // [inputs, outputs, ...]
  Loc loc;
  Tensor value;                    // outside of steps; empty: none yet
  std::optional<DType> used = {};  // what it is computed with, where it is kept in another type
};

// Modules by address and type, to their paths.
using ModulePaths = std::map<std::pair<const void*, const void*>, std::string>;

// The trace of this thread from construction to destruction; traces nest.
class Trace {
 public:
  Trace();
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  static Trace* current();

  void stand_for(const Param& param, Tensor value) { values_[param.state().get()] = std::move(value); }
  const Tensor* find(const ParamState* state) const;  // in the traces around it too
  void set_next(const ParamState* state, Tensor value);
  Tensor next(const Param& param) const;  // its own value where it was not set
  Rng draw();                             // a key for the next draw

  bool train = false;
  std::optional<Rng> rng;
  const ModulePaths* paths = nullptr;
  std::string path;                  // of the innermost module that is open
  NamedTensors* captures = nullptr;  // null: not collected

 private:
  Trace* outer_;
  uint64_t draws_ = 0;
  std::map<const ParamState*, Tensor> values_, next_;  // found by address, never listed
};

// The key of the parameter at a path, as data: programs that make initial values do not depend on it.
Rng key_of(uint64_t seed, std::string_view path);

// "f32[2,64]".
std::string type_of(DType dtype, const std::vector<int64_t>& shape);

}  // namespace anneal::nn::detail
