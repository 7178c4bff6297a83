// SPDX-License-Identifier: MIT
// What a layer's call opens first: its module path for the nodes it makes, and the line that it was called
// on, which these nodes come from. Layers of layers leave that to the layers in them; errors blame the user's
// line in any case. Tested by layers_test.cc.
#pragma once

#include "anneal/nn/module.h"
#include "nn/trace.h"
#include "tensor/call.h"

namespace anneal::nn::detail {

enum class Makeup { kPlain, kOfLayers };

class Layer {
 public:
  template <typename M>
  Layer(const M& module, std::string_view kind, const In& x, Makeup makeup = Makeup::kPlain)
      : kind_(kind), x_(x), scope_(module), blame_(x.loc(), makeup == Makeup::kPlain) {}

  // "linear: l2 takes 32 features, the input has 64"; `what` follows the name of the layer.
  [[noreturn]] void fail(ErrorCode code, const std::string& what) const;
  // Raises where the extent of an axis (negative: from the end) is known and another.
  void needs(int axis, int64_t extent, std::string_view of_what) const;
  void needs_rank(int rank, std::string_view shape) const;

 private:
  std::string_view kind_;
  const In& x_;
  Scope scope_;
  Blame blame_;
};

inline std::optional<Tensor> maybe(const std::optional<Param>& param) {
  return param ? std::optional<Tensor>(param->tensor()) : std::nullopt;
}

}  // namespace anneal::nn::detail
