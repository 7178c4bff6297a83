// SPDX-License-Identifier: MIT
// The built-in programs: models over the public API whose data and parameters are input nodes, so that they
// can be listed, optimized, interpreted and trained. Used by the command line tool, the benchmarks and the
// tests. Tested by programs_test.cc.
#pragma once

#include <span>

#include "anneal/nn.h"
#include "programs/models.h"
#include "programs/optimizer.h"

namespace anneal::programs {

using Named = NamedTensor;

struct BuildOptions {
  bool train = false;                       // with the loss, its gradients and the update of every parameter
  int64_t batch = 0;                        // 0: the program's own
  std::optional<Optimizer> optimizer = {};  // else the program's own
};

struct Parameter {
  std::string name;
  Tensor value;  // an input node
  Param param;   // of the model: its shape and what it begins with
};

struct Program {
  std::vector<Named> inputs;  // of data: input nodes. When training also "step", which counts from 1
  std::vector<Parameter> parameters;
  std::vector<Named> state;    // input nodes that the optimizer keeps beside the parameters, zeros at first
  std::vector<Named> results;  // logits; when training loss
  std::vector<Tensor> gradients;  // of each parameter, when training
  std::vector<Tensor> updates;    // the next values of the parameters, then of the state

  std::vector<Tensor> roots() const;      // results and updates
  std::vector<int32_t> replaced() const;  // by root, the number of the input whose place it takes; or -1
};

struct ProgramInfo {
  std::string_view name, summary;
  std::string_view optimizer;  // "adamw lr=1e-3 wd=0.1"
  ModelSizes sizes;
  Program (*make)(const BuildOptions& options, const ModelSizes& sizes);
  std::vector<Named> (*make_data)(const ModelSizes& sizes, int64_t batch, uint64_t seed, int64_t step);

  int64_t batch() const { return sizes.batch; }
  // Values for the inputs of data, the same for the same seed and step.
  std::vector<Named> data(int64_t batch, uint64_t seed, int64_t step) const {
    return make_data(sizes, batch, seed, step);
  }
};

std::span<const ProgramInfo> all_programs();
// Raises kName with the nearest name and the list.
const ProgramInfo& find_program(std::string_view name);
// The same model in other sizes, where they are given; see resized().
ProgramInfo with_sizes(ProgramInfo info, const ModelSizes& given);
Program build_program(const ProgramInfo& info, BuildOptions options);
// A language model of any size, as nanogpt and gpt2 are. Batch and, when training, optimizer must be given.
Program build_language_model(const BuildOptions& options, const nn::GptConfig& config);

}  // namespace anneal::programs
