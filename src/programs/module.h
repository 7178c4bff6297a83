// SPDX-License-Identifier: MIT
// Parameters by their dotted path, such as blocks.0.attn.qkv.weight. A Module is one part of a path: while it
// lives, parameters are looked up below it and nodes carry it. Where parameters come from is up to a
// subclass: input nodes of a program (programs.cc), or a file. Tested by programs_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "anneal/functions.h"
#include "ir/graph.h"

namespace anneal::programs {

struct Named {
  std::string name;
  Tensor value;
};

// What a new parameter holds: normal numbers of this deviation, or one constant.
struct Init {
  double deviation = 0, constant = 0;
};

class Parameters {
 public:
  Parameters() = default;
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;
  virtual ~Parameters() = default;

  // The parameter of this name below the current module. Raises when there is none, or one of another shape.
  Tensor get(std::string_view name, const std::vector<int64_t>& shape, const Init& init);
  // Nothing when there is none.
  MaybeTensor get_if(std::string_view name, const std::vector<int64_t>& shape, const Init& init);

 protected:
  // The parameter at a full path, or an undefined tensor.
  virtual Tensor find(const std::string& path, const std::vector<int64_t>& shape, const Init& init) = 0;

 private:
  friend class Module;
  std::string path_;
};

class Module {
 public:
  Module(Parameters& parameters, std::string_view name);  // "attn", "blocks.0"
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

 private:
  ir::Graph::Module on_nodes_;
  Parameters& parameters_;
  size_t length_;  // of the path without this
};

// x * weight^T + bias, with weight [outputs, inputs]; below the module `name`. Without `bias` there is none.
struct LinearOptions {
  int64_t inputs = 0, outputs = 0;
  double deviation = 0;  // of new weights; 0: 1 / sqrt(inputs)
  bool bias = true;
  bool inputs_first = false;  // the weight is kept as [inputs, outputs]
};
Tensor linear(Parameters& parameters, std::string_view name, const Tensor& x, const LinearOptions& options);

// Over the last axis, with weight and bias, below the module `name`.
Tensor layer_norm(Parameters& parameters, std::string_view name, const Tensor& x, int64_t width);

}  // namespace anneal::programs
