// SPDX-License-Identifier: MIT
#include "training/trainable.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "anneal/resume.h"
#include "anneal/tokenizer.h"
#include "io/message.h"
#include "support/nearest.h"
#include "training/models.h"

namespace anneal::training {
namespace {

constexpr Model kModels[] = {
    {"mlp", "three linear layers; tells three spirals apart", 300, "", make_mlp},
    {"conv",
     "a convolutional network; reads digits (--data: a folder with MNIST's files), else tells bars apart",
     1400, "--data", make_conv},
    {"dynmlp", "the mlp with batches of 1, 7, 32 and 129 in turn, compiled once", 300, "", make_dynmlp},
    {"nanogpt", "a GPT of characters; learns Tiny Shakespeare, or any text (--data FILE)", 300,
     "--data --layers --heads --dmodel --block", make_nanogpt},
};

std::string shown(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number);
  return text;
}

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

void check_taken(const Model& model, const Settings& given) {
  const std::pair<std::string_view, bool> asked[] = {{"--data", !given.data.empty()},
                                                     {"--layers", given.layers != 0},
                                                     {"--heads", given.heads != 0},
                                                     {"--dmodel", given.width != 0},
                                                     {"--block", given.block != 0}};
  for (const auto& [name, is_given] : asked) {
    if (!is_given || model.takes.find(name) != std::string_view::npos) continue;
    std::string takers;
    for (const Model& m : kModels)
      if (m.takes.find(name) != std::string_view::npos)
        takers += (takers.empty() ? "" : " and ") + std::string(m.name);
    raise(ErrorCode::kArgument,
          std::string(model.name) + " does not take " + std::string(name) + "; " + takers + " can");
  }
}

Checkpoint Trainable::checkpoint() const {
  Checkpoint out = checkpoint_of(step());
  out.integers.emplace("steps", settings_.steps);
  if (settings_.lr != 0) out.numbers.emplace("lr", settings_.lr);
  if (!settings_.data_sha256.empty()) {
    out.texts.emplace("data_sha256", settings_.data_sha256);
    if (!settings_.data.empty())
      out.texts.emplace("data", std::filesystem::absolute(settings_.data).lexically_normal().string());
  }
  describe(out);
  return out;
}

void Trainable::resume(const Checkpoint& checkpoint) const {
  const auto at = checkpoint.integers.find("step");
  if (at != checkpoint.integers.end() && at->second < 0)
    raise(ErrorCode::kData, "the checkpoint is of step " + std::to_string(at->second));
  anneal::resume(step(), checkpoint);
}

void check_size(const nn::GptConfig& config) {
  constexpr int64_t kMostLayers = 10'000;
  constexpr double kMostParameters = 1e11;
  const auto width = static_cast<double>(config.width);
  const double parameters =
      12 * static_cast<double>(config.layers) * width * width +
      (static_cast<double>(config.vocabulary) + static_cast<double>(config.context)) * width;
  if (config.layers > kMostLayers || parameters > kMostParameters)
    raise(ErrorCode::kLimit, std::to_string(config.layers) + " layers of width " +
                                 std::to_string(config.width) + " over " + std::to_string(config.context) +
                                 " positions are more than 10,000 layers, or than 10^11 parameters");
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
  check_size(out);
  return out;
}

Settings with_data(Settings settings, const std::string& sha256, const std::string& origin) {
  const bool is_other = !settings.data_sha256.empty() && settings.data_sha256 != sha256;
  if (is_other && !settings.is_data_given)
    raise(ErrorCode::kData,
          origin + ": the checkpoint was trained on other data; --data goes on with another");
  if (is_other) settings.notes.push_back("other data than before: " + origin);
  settings.data_sha256 = sha256;
  return settings;
}

Settings settings_of(const Checkpoint& checkpoint, Settings given) {
  const auto note = [&given](const std::string& name, const std::string& now, const std::string& before) {
    given.notes.push_back("--" + name + " is " + now + " from here on; it was " + before);
  };
  const std::pair<const char*, int64_t*> numbers[] = {{"layers", &given.layers}, {"heads", &given.heads},
                                                      {"dmodel", &given.width},  {"block", &given.block},
                                                      {"batch", &given.batch},   {"steps", &given.steps}};
  for (const auto& [name, value] : numbers) {
    const auto found = checkpoint.integers.find(name);
    const bool may_differ = value == &given.batch || value == &given.steps;
    if (found == checkpoint.integers.end()) {
      if (may_differ && *value != 0) note(name, std::to_string(*value), "the model's own");
      continue;
    }
    if (found->second < 1)
      raise(ErrorCode::kData,
            std::string("the checkpoint says ") + name + " = " + std::to_string(found->second));
    if (*value == 0) *value = found->second;
    if (*value == found->second) continue;
    if (may_differ)
      note(name, std::to_string(*value), std::to_string(found->second));
    else
      raise(ErrorCode::kArgument, std::string("--") + name + " is " + std::to_string(*value) +
                                      ", and the checkpoint was made with " + std::to_string(found->second) +
                                      "; leave it away to go on with that");
  }
  if (const auto seed = checkpoint.integers.find("seed"); seed != checkpoint.integers.end())
    given.seed = static_cast<uint64_t>(seed->second);
  const auto lr = checkpoint.numbers.find("lr");
  const double lr_before = lr == checkpoint.numbers.end() ? 0 : lr->second;
  if (given.lr == 0) given.lr = lr_before;
  if (given.lr != lr_before)
    note("lr", shown(given.lr), lr_before == 0 ? "the model's own" : shown(lr_before));
  if (const auto alphabet = checkpoint.texts.find("alphabet"); alphabet != checkpoint.texts.end())
    given.alphabet = alphabet->second;
  given.is_data_given = !given.data.empty();
  if (const auto sum = checkpoint.texts.find("data_sha256"); sum != checkpoint.texts.end())
    given.data_sha256 = sum->second;
  const auto data = checkpoint.texts.find("data");
  if (data == checkpoint.texts.end() || given.is_data_given) return given;
  given.data = data->second;
  if (!std::filesystem::exists(given.data))
    raise(ErrorCode::kData, io::printable(given.data) +
                                ", which the checkpoint was trained on, is not there; --data says where "
                                "it is now");
  return given;
}

}  // namespace anneal::training
