// SPDX-License-Identifier: MIT
#include "programs/module.h"

#include <cmath>

#include "ir/graph.h"

namespace anneal::programs {

Tensor Parameters::get(std::string_view name, const std::vector<int64_t>& shape, const Init& init) {
  const std::string path = path_.empty() ? std::string(name) : path_ + "." + std::string(name);
  Tensor found = find(path, shape, init);
  if (!found.defined()) raise(ErrorCode::kName, "there is no parameter " + path);
  return found;
}

MaybeTensor Parameters::get_if(std::string_view name, const std::vector<int64_t>& shape, const Init& init) {
  const Tensor found = find(path_.empty() ? std::string(name) : path_ + "." + std::string(name), shape, init);
  return found.defined() ? MaybeTensor(found) : MaybeTensor();
}

Module::Module(Parameters& parameters, std::string_view name)
    : on_nodes_(ir::default_graph(), name), parameters_(parameters), length_(parameters.path_.size()) {
  if (length_ != 0) parameters.path_ += '.';
  parameters.path_ += name;
}

Module::~Module() { parameters_.path_.resize(length_); }

Tensor linear(Parameters& parameters, std::string_view name, const Tensor& x, const LinearOptions& options) {
  const Module module(parameters, name);
  std::vector<int64_t> shape{options.outputs, options.inputs};
  if (options.inputs_first) std::swap(shape[0], shape[1]);
  const double deviation =
      options.deviation != 0 ? options.deviation : 1 / std::sqrt(static_cast<double>(options.inputs));
  const Tensor weight = parameters.get("weight", shape, {.deviation = deviation});
  Tensor y = matmul(x, options.inputs_first ? weight : transpose(weight));
  if (!options.bias) return y;
  const MaybeTensor bias = parameters.get_if("bias", {options.outputs}, {});
  return bias ? y + *bias : y;
}

Tensor layer_norm(Parameters& parameters, std::string_view name, const Tensor& x, int64_t width) {
  const Module module(parameters, name);
  const Tensor weight = parameters.get("weight", {width}, {.constant = 1});
  return anneal::layer_norm(x, weight, parameters.get_if("bias", {width}, {}));
}

}  // namespace anneal::programs
