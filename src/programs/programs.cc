// SPDX-License-Identifier: MIT
#include "programs/programs.h"

#include <algorithm>
#include <iterator>

#include "anneal/transforms.h"
#include "ir/graph.h"
#include "nn/update.h"
#include "programs/data.h"
#include "programs/model.h"
#include "support/nearest.h"
#include "tensor/call.h"

namespace anneal::programs {
namespace {

// Makes input nodes for the data and for the parameters of a model, numbered in this order.
class Maker {
 public:
  Maker(const BuildOptions& options, Model model) : options_(options), model_(std::move(model)) {}

  Tensor data(std::string_view name, const Sizes& sizes, DType dtype) {
    const Tensor value = input(next_++, sizes, dtype, name);
    program_.inputs.push_back({std::string(name), value});
    return value;
  }

  // The model's result, with parameters that are input nodes.
  Tensor run(const Tensor& x) {
    const ModelParts parts = parts_of(model_);
    nn::detail::Trace trace;
    trace.train = options_.train;
    trace.paths = &parts.paths;
    for (const nn::NamedParam& p : parts.params) {
      const Tensor value = input(next_++, Sizes(p.param.shape()), p.param.dtype(), p.name);
      program_.parameters.push_back({p.name, value, p.param});
      trace.stand_for(p.param, value);
    }
    return model_.forward(x);
  }

  Program finish(std::string_view name, const Tensor& result) {
    program_.results.push_back({std::string(name), result});
    return std::move(program_);
  }

  Program finish_training(const Tensor& loss);

 private:
  const BuildOptions& options_;
  Model model_;
  int64_t next_ = 0;
  Program program_;
};

Program Maker::finish_training(const Tensor& loss) {
  Program& p = program_;
  p.results.push_back({"loss", loss});
  std::vector<Tensor> values;
  for (const Parameter& parameter : p.parameters) values.push_back(parameter.value);
  p.gradients = gradients(loss, values);

  const ir::PhaseScope phase(ir::default_graph(), ir::Phase::kOptimizer);
  const Tensor step = data("step", {}, f32);
  const Tensor rate = full({}, learning_rate(*options_.optimizer), f32);
  const nn::detail::Updater updater(*options_.optimizer, {step, rate, rate});
  std::vector<Tensor> next_states;
  for (size_t i = 0; i < values.size(); ++i) {
    const ir::Graph::Module path(ir::default_graph(), p.parameters[i].name);
    const nn::detail::Target target{p.parameters[i].name, true, p.parameters[i].param.state()->is_table,
                                    values[i].rank()};
    const size_t states = nn::detail::kept_names(*options_.optimizer, target).size();
    std::vector<Tensor> state;
    for (size_t s = 0; s < states; ++s) {
      std::string name = p.parameters[i].name + "." + std::to_string(s);
      state.push_back(input(next_++, values[i].sizes(), f32, name));
      p.state.push_back({std::move(name), state.back()});
    }
    nn::detail::Updater::Next next = updater.update(target, values[i], p.gradients[i], state);
    p.updates.push_back(std::move(next.parameter));
    for (Tensor& t : next.kept) next_states.push_back(std::move(t));
  }
  for (Tensor& t : next_states) p.updates.push_back(std::move(t));
  return std::move(program_);
}

// -- The programs --

Program build_classifier(const BuildOptions& options, nn::Sequential model, const Sizes& sizes) {
  Maker maker(options, {std::move(model)});
  const Tensor x = maker.data("x", sizes, f32);
  const Tensor logits = maker.run(x);
  if (!options.train) return maker.finish("logits", logits);
  return maker.finish_training(cross_entropy(logits, maker.data("y", {sizes[0]}, i32)));
}

Program build_mlp(const BuildOptions& options, const ModelSizes& sizes) {
  return build_classifier(options, make_mlp(sizes), {options.batch, 2});
}
std::vector<Named> mlp_data(const ModelSizes&, int64_t batch, uint64_t seed, int64_t step) {
  return spiral_data(batch, seed, step);
}

// One program for all sizes of batch; by itself it is given some in turn.
constexpr int64_t kMostExamples = 256;
Program build_dynmlp(const BuildOptions& options, const ModelSizes& sizes) {
  return build_classifier(options, make_mlp(sizes),
                          {dim("batch", 1, std::max(options.batch, kMostExamples)), 2});
}
std::vector<Named> dynmlp_data(const ModelSizes& sizes, int64_t batch, uint64_t seed, int64_t step) {
  constexpr size_t kTurns = std::size(kBatchesInTurn);
  const bool in_turn = batch == sizes.batch;
  return spiral_data(in_turn ? kBatchesInTurn[(static_cast<size_t>(step) + kTurns - 1) % kTurns] : batch,
                     seed, step);
}
constexpr ModelSizes dynmlp_sizes() {
  ModelSizes out = kMlp.listed;
  out.batch = *std::rbegin(kBatchesInTurn);
  return out;
}

Program build_conv(const BuildOptions& options, const ModelSizes& sizes) {
  return build_classifier(options, make_conv(sizes), {options.batch, 1, sizes.side, sizes.side});
}
std::vector<Named> conv_data(const ModelSizes& sizes, int64_t batch, uint64_t seed, int64_t step) {
  return bar_data(batch, sizes.side, seed, step);
}

Program build_gpt(const BuildOptions& options, const nn::GptConfig& config, Renaming renaming) {
  Maker maker(options, {nn::Gpt(config), renaming});
  const Tensor ids = maker.data("ids", {options.batch, config.context}, i32);
  const Tensor logits = maker.run(ids);
  if (!options.train) return maker.finish("logits", logits);
  const Tensor targets = maker.data("targets", {options.batch, config.context}, i32);
  return maker.finish_training(nn::language_model_loss(logits, targets));
}

Program build_nanogpt(const BuildOptions& options, const ModelSizes& sizes) {
  return build_gpt(options, gpt_config(sizes), nullptr);
}
// As it is published: one table for tokens and head, weights the other way round, other names.
Program build_gpt2(const BuildOptions& options, const ModelSizes& sizes) {
  nn::GptConfig config = gpt_config(sizes);
  config.tied = true;
  config.inputs_first = true;
  return build_gpt(options, config, gpt2_name);
}
std::vector<Named> gpt_data(const ModelSizes& sizes, int64_t batch, uint64_t seed, int64_t step) {
  return text_data(batch, sizes.block, seed, step);
}

constexpr ProgramInfo kPrograms[] = {
    {"mlp", "three linear layers, 4.5 thousand parameters; learns to tell three spirals apart",
     "adamw lr=1e-2 wd=0", kMlp.listed, build_mlp, mlp_data},
    {"dynmlp", "mlp for any size of batch as one program; given 1, 7, 32 and 129 examples in turn",
     "adamw lr=1e-2 wd=0", dynmlp_sizes(), build_dynmlp, dynmlp_data},
    {"conv", "two convolutions and a linear layer on 12x12 images; learns the direction of a bar",
     "adamw lr=3e-3 wd=0.01", kConv.listed, build_conv, conv_data},
    {"nanogpt", "a character model with 2 layers of width 48; learns the texts of the op table",
     "adamw lr=3e-3 b2=0.99 wd=0.01", kNanoGpt.listed, build_nanogpt, gpt_data},
    {"gpt2", "GPT-2 with 124 million parameters: 12 layers of width 768, 1024 positions, tied head",
     "adamw lr=6e-4 wd=0.1", kGpt2.listed, build_gpt2, gpt_data},
};

}  // namespace

Program build_language_model(const BuildOptions& options, const nn::GptConfig& config) {
  return build_gpt(options, config, nullptr);
}

std::vector<int32_t> Program::replaced() const {
  const ir::Graph& graph = ir::default_graph();
  std::vector<int32_t> out(results.size(), -1);
  for (size_t i = 0; i < updates.size(); ++i) {
    const Tensor& old = i < parameters.size() ? parameters[i].value : state[i - parameters.size()].value;
    out.push_back(static_cast<int32_t>(graph.arg_as<ir::ParamArg>(node_of(old)).index));
  }
  return out;
}

std::vector<Tensor> Program::roots() const {
  std::vector<Tensor> out;
  for (const Named& result : results) out.push_back(result.value);
  out.insert(out.end(), updates.begin(), updates.end());
  return out;
}

std::span<const ProgramInfo> all_programs() { return kPrograms; }

const ProgramInfo& find_program(std::string_view name) {
  std::vector<std::string_view> names;
  for (const ProgramInfo& info : kPrograms) {
    if (info.name == name) return info;
    names.push_back(info.name);
  }
  std::string text =
      "there is no model " + std::string(name) + support::nearest_hint("; the nearest is ", name, names);
  text += "\navailable models:";
  for (const ProgramInfo& info : kPrograms)
    text += "\n  " + std::string(info.name) + ": " + std::string(info.summary);
  raise(ErrorCode::kName, std::move(text));
}

ProgramInfo with_sizes(ProgramInfo info, const ModelSizes& given) {
  info.sizes = resized(info.sizes, given, info.name);
  return info;
}

Program build_program(const ProgramInfo& info, BuildOptions options) {
  if (options.batch == 0) options.batch = info.batch();
  if (options.batch < 1)
    raise(ErrorCode::kArgument, "a batch of " + std::to_string(options.batch) + ": it must be 1 or more");
  if (!options.optimizer) options.optimizer = parse_optimizer(info.optimizer);
  return info.make(options, info.sizes);
}

}  // namespace anneal::programs
