// SPDX-License-Identifier: MIT
// Tested by sequential_test.cc.
#include "anneal/nn/sequential.h"

#include "nn/layer.h"

namespace anneal::nn {

Tensor AnyLayer::operator()(In x) const {
  const detail::Layer layer(*this, "layer", x, detail::Makeup::kOfLayers);
  return held_->call(std::move(x));
}

Tensor Sequential::operator()(In x) const {
  const detail::Layer layer(*this, "sequential", x, detail::Makeup::kOfLayers);
  Tensor y = x.tensor();
  for (const AnyLayer& one : layers) y = one(In(y, x.loc()));
  return y;
}

}  // namespace anneal::nn
