// SPDX-License-Identifier: MIT
#include "training/trainable.h"

#include <algorithm>

#include "anneal/tokenizer.h"
#include "support/nearest.h"
#include "training/models.h"

namespace anneal::training {
namespace {

constexpr Model kModels[] = {
    {"mlp", "three linear layers; tells three spirals apart", 300, make_mlp},
    {"conv",
     "a convolutional network; reads digits (--data: a folder with MNIST's files), else tells bars apart",
     1400, make_conv},
    {"dynmlp", "the mlp with batches of 1, 7, 32 and 129 in turn, compiled once", 300, make_dynmlp},
    {"nanogpt", "a GPT of characters; learns Tiny Shakespeare, or any text (--data FILE)", 300, make_nanogpt},
};

}  // namespace

std::span<const Model> all_models() { return kModels; }

const Model& find_model(std::string_view name) {
  std::vector<std::string_view> names;
  std::string list;
  for (const Model& m : kModels) {
    if (m.name == name) return m;
    names.push_back(m.name);
    list += (list.empty() ? "" : ", ") + std::string(m.name);
  }
  raise(ErrorCode::kName, "there is no model '" + std::string(name.substr(0, 100)) + "' to train" +
                              support::nearest_hint("; the nearest is '", name.substr(0, 100), names, "'") +
                              "\nknown: " + list);
}

Checkpoint Trainable::checkpoint() const {
  Checkpoint out;
  TrainingState state = step().state();
  for (NamedTensor& t : state.tensors) out.tensors.emplace(std::move(t.name), std::move(t.value));
  for (auto& [name, value] : state.numbers) out.integers.emplace(name, value);
  out.integers.emplace("steps", settings_.steps);
  if (settings_.lr != 0) out.numbers.emplace("lr", settings_.lr);
  describe(out);
  return out;
}

void Trainable::resume(const Checkpoint& checkpoint) const {
  TrainingState state;
  for (const auto& [name, value] : checkpoint.tensors) state.tensors.push_back({name, value});
  for (const auto& [name, value] : step().state().numbers) {
    const auto found = checkpoint.integers.find(name);
    if (found == checkpoint.integers.end())
      raise(ErrorCode::kData, "the checkpoint does not say its " + name);
    state.numbers.emplace_back(name, found->second);
  }
  step().load_state(state);
}

nn::GptConfig gpt_of(const Checkpoint& checkpoint, const std::string& label) {
  const auto text = [&](const char* name) {
    const auto found = checkpoint.texts.find(name);
    return found == checkpoint.texts.end() ? std::string() : found->second;
  };
  const auto number = [&](const char* name) {
    const auto found = checkpoint.integers.find(name);
    return found == checkpoint.integers.end() ? 0 : found->second;
  };
  const std::string model = text("model"), alphabet = text("alphabet");
  if (model != "nanogpt" || alphabet.empty())
    raise(ErrorCode::kData,
          label + (model.empty() ? " does not say which model it is of"
                                 : " is of the model '" + model + "', which does not write text"));
  const nn::GptConfig out{.vocabulary = CharTokenizer::of(alphabet).size(),
                          .context = number("block"),
                          .width = number("dmodel"),
                          .heads = number("heads"),
                          .layers = number("layers")};
  if (out.context < 1 || out.width < 1 || out.heads < 1 || out.layers < 1)
    raise(ErrorCode::kData, label + " does not say how large its model is");
  return out;
}

Settings settings_of(const Checkpoint& checkpoint, Settings given) {
  const std::pair<const char*, int64_t*> numbers[] = {{"layers", &given.layers}, {"heads", &given.heads},
                                                      {"dmodel", &given.width},  {"block", &given.block},
                                                      {"batch", &given.batch},   {"steps", &given.steps}};
  for (const auto& [name, value] : numbers) {
    const auto found = checkpoint.integers.find(name);
    if (found == checkpoint.integers.end()) continue;
    if (*value == 0) *value = found->second;
    const bool may_differ = value == &given.batch || value == &given.steps;
    if (!may_differ && *value != found->second)
      raise(ErrorCode::kArgument, std::string("--") + name + " is " + std::to_string(*value) +
                                      ", and the checkpoint was made with " + std::to_string(found->second) +
                                      "; leave it away to go on with that");
  }
  if (const auto seed = checkpoint.integers.find("seed"); seed != checkpoint.integers.end())
    given.seed = static_cast<uint64_t>(seed->second);
  if (const auto lr = checkpoint.numbers.find("lr"); given.lr == 0 && lr != checkpoint.numbers.end())
    given.lr = lr->second;
  if (const auto alphabet = checkpoint.texts.find("alphabet"); alphabet != checkpoint.texts.end())
    given.alphabet = alphabet->second;
  return given;
}

}  // namespace anneal::training
