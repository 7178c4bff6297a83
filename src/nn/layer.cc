// SPDX-License-Identifier: MIT
#include "nn/layer.h"

namespace anneal::nn::detail {

void Layer::fail(ErrorCode code, const std::string& what) const {
  const Call call(kind_, {&x_});
  const Trace* trace = Trace::current();
  call.fail(code, (trace == nullptr || trace->path.empty() ? std::string("it") : trace->path) + " " + what);
}

void Layer::needs(int axis, int64_t extent, std::string_view of_what) const {
  const Tensor& t = x_.tensor();
  if (x_.kind() != In::Kind::kTensor || !t.defined()) return;  // the functions inside say what is wrong
  const int rank = t.rank(), at = axis < 0 ? axis + rank : axis;
  const std::string wanted = "takes " + std::to_string(extent) + " " + std::string(of_what);
  if (at < 0 || at >= rank) fail(ErrorCode::kShape, wanted + " on axis " + std::to_string(axis));
  const Extent given = t.size(at);
  if (given.is_const() && given.value() != extent)
    fail(ErrorCode::kShape, wanted + ", the input has " + given.str());
}

void Layer::needs_rank(int rank, std::string_view shape) const {
  const Tensor& t = x_.tensor();
  if (x_.kind() == In::Kind::kTensor && t.defined() && t.rank() != rank)
    fail(ErrorCode::kShape, "takes " + std::string(shape));
}

}  // namespace anneal::nn::detail
