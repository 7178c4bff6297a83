// SPDX-License-Identifier: MIT
// Param: what a model learns. It is a handle: copies are the same parameter, so tying weights is an
// assignment, head.weight = wte.weight. It converts to a tensor: inside a compiled step or forward that is
// the value of the step, elsewhere the one that initialize() or load_state_dict() gave it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "anneal/nn/init.h"

namespace anneal {

namespace nn {
namespace detail {
struct ParamState;
}
struct ParamOptions {
  DType dtype = f32;
  // Whether weight decay applies; by itself to what has two axes or more: not to biases and norms.
  std::optional<bool> decay = {};
  bool table = false;         // rows are looked up, as in an embedding
  bool inputs_first = false;  // a weight [inputs, outputs, kernel...]: for initial values that go by fans
};
}  // namespace nn

class Param {
 public:
  Param() = default;  // not a parameter yet: using it is an error
  Param(std::vector<int64_t> shape, nn::Init init, const nn::ParamOptions& options = {},
        Loc loc = Loc::current());

  bool defined() const { return state_ != nullptr; }
  operator Tensor() const { return tensor(); }  // NOLINT: used as a tensor
  Tensor tensor(Loc loc = Loc::current()) const;
  Tensor stored(Loc loc = Loc::current()) const;  // the same in the type that it is kept in (nn::store_as)
  const std::vector<int64_t>& shape() const;
  DType dtype() const;
  bool decays() const;
  bool is_trained() const;  // not a Buffer
  bool has_value() const;   // initialized or loaded; inside a step: by the step
  // Its value from now on, outside of steps; of its own shape, and converted to its type.
  void set(In value) const;

  const std::shared_ptr<nn::detail::ParamState>& state() const { return state_; }
  void reset(std::shared_ptr<nn::detail::ParamState> state) { state_ = std::move(state); }

 protected:
  std::shared_ptr<nn::detail::ParamState> state_;
};

namespace nn {

using anneal::Param;

// State that is not trained, such as running statistics. In a step set() gives the value that it has after
// the step.
class Buffer : public Param {
 public:
  Buffer() = default;
  Buffer(std::vector<int64_t> shape, Init init, DType dtype = f32, Loc loc = Loc::current());
};

}  // namespace nn
}  // namespace anneal
