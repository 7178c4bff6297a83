// SPDX-License-Identifier: MIT
#include "anneal/gpt2/checkpoint.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "anneal/files.h"
#include "io/json_file.h"
#include "programs/model.h"
#include "support/nearest.h"

namespace anneal::gpt2 {
namespace {

constexpr std::string_view kHead = "lm_head.weight";

struct Size {
  std::string_view name;
  int64_t width, heads, layers;
};
constexpr Size kSizes[] = {{"gpt2", 768, 12, 12},
                           {"gpt2-medium", 1024, 16, 24},
                           {"gpt2-large", 1280, 20, 36},
                           {"gpt2-xl", 1600, 25, 48}};

nn::GptConfig config_of(int64_t vocabulary, int64_t context, int64_t width, int64_t heads, int64_t layers) {
  return {.vocabulary = vocabulary,
          .context = context,
          .width = width,
          .heads = heads,
          .layers = layers,
          .tied = true,
          .activation = nn::Activation::kGeluTanh,
          .inputs_first = true};
}

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  raise(ErrorCode::kData, path + ": " + what);
}

// Of config.json; what it asks for and this model does not do is refused, not left out.
nn::GptConfig read_config(const std::string& path) {
  const io::Result<nlohmann::json> read = io::read_json(path);
  if (!read.ok()) raise(ErrorCode::kData, read.message());
  const nlohmann::json& json = *read;
  if (!json.is_object()) refuse(path, "is no JSON object");
  const auto number = [&](const char* key) -> int64_t {
    const auto found = json.find(key);
    if (found == json.end() || !found->is_number_integer()) refuse(path, std::string("has no number ") + key);
    const auto value = found->get<int64_t>();
    if (value < 1 || value > int64_t{1} << 24)
      refuse(path, std::string(key) + " is " + std::to_string(value));
    return value;
  };
  const auto text = [&](const char* key, const std::string& fallback) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : fallback;
  };
  const auto is_on = [&](const char* key, bool fallback) {
    const auto found = json.find(key);
    return found != json.end() && found->is_boolean() ? found->get<bool>() : fallback;
  };
  if (const std::string type = text("model_type", "gpt2"); type != "gpt2")
    refuse(path, "is of a model of the type '" + type.substr(0, 60) + "', not gpt2");
  nn::GptConfig out = config_of(number("vocab_size"), number("n_positions"), number("n_embd"),
                                number("n_head"), number("n_layer"));
  if (out.width % out.heads != 0) refuse(path, "n_embd does not divide into n_head heads");
  out.tied = is_on("tie_word_embeddings", true);
  if (const auto inner = json.find("n_inner"); inner != json.end() && inner->is_number_integer())
    out.hidden = number("n_inner");
  const std::string activation = text("activation_function", "gelu_new");
  if (activation == "gelu")
    out.activation = nn::Activation::kGelu;
  else if (activation == "relu")
    out.activation = nn::Activation::kRelu;
  else if (activation != "gelu_new" && activation != "gelu_pytorch_tanh")
    refuse(path,
           "wants the activation '" + activation.substr(0, 60) + "'; there are gelu_new, gelu and relu");
  if (is_on("scale_attn_by_inverse_layer_idx", false) || !is_on("scale_attn_weights", true))
    refuse(path, "scales attention in a way that is not GPT-2's");
  if (const auto epsilon = json.find("layer_norm_epsilon");
      epsilon != json.end() && epsilon->is_number() && epsilon->get<double>() != 1e-5)
    refuse(path, "has a layer_norm_epsilon that is not 1e-5");
  return out;
}

const Tensor& tensor_of(const TensorMap& all, const std::string& name, const std::string& path) {
  const auto found = all.find(name);
  if (found != all.end()) return found->second;
  std::string first;
  for (const auto& [known, value] : all)
    if (first.size() < 200) first += (first.empty() ? "" : ", ") + known.substr(0, 60);
  refuse(path, "is no GPT-2: there is no " + name + ". It holds " + (first.empty() ? "nothing" : first) +
                   (all.size() > 4 ? ", ..." : ""));
}

// Many files hold a copy of the tied head.
bool has_head_of_its_own(const TensorMap& all) {
  const auto head = all.find(std::string(kHead)), table = all.find("wte.weight");
  if (head == all.end() || table == all.end()) return false;
  if (head->second.shape() != table->second.shape()) return true;
  return head->second.to(f32).to_vector<float>() != table->second.to(f32).to_vector<float>();
}

nn::GptConfig config_from_shapes(const TensorMap& all, const std::string& path) {
  const Tensor &wte = tensor_of(all, "wte.weight", path), &wpe = tensor_of(all, "wpe.weight", path);
  if (wte.rank() != 2 || wpe.rank() != 2) refuse(path, "is no GPT-2: its embeddings have other shapes");
  int64_t layers = 0;
  while (all.contains("h." + std::to_string(layers) + ".ln_1.weight")) ++layers;
  const int64_t width = wte.shape()[1];
  for (const Size& s : kSizes) {
    if (s.width != width) continue;
    nn::GptConfig out = config_of(wte.shape()[0], wpe.shape()[0], width, s.heads, layers);
    out.tied = !has_head_of_its_own(all);
    return out;
  }
  refuse(path, "has a width of " + std::to_string(width) +
                   ", which no published GPT-2 has: config.json must say how many heads there are");
}

// The published name of a parameter.
std::string published_name(const std::string& name) {
  return name == "head.weight" ? std::string(kHead) : programs::gpt2_name(name);
}

// Without the prefix that a model with a head has, and without the masks that some files hold.
TensorMap plain_names(TensorMap all) {
  constexpr std::string_view kPrefix = "transformer.";
  TensorMap out;
  for (auto& [name, value] : all) {
    const std::string plain = name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
    if (plain.ends_with(".attn.bias") || plain.ends_with(".attn.masked_bias")) continue;
    out.emplace(plain, std::move(value));
  }
  return out;
}

struct Files {
  std::string weights, config;  // the latter may not be there
};
Files files_of(const std::string& path) {
  namespace fs = std::filesystem;
  if (!fs::exists(path)) refuse(path, "there is no such file or folder");
  if (!fs::is_directory(path)) return {path, (fs::path(path).parent_path() / "config.json").string()};
  for (const char* name : {"model.safetensors", "model.safetensors.index.json"})
    if (const fs::path weights = fs::path(path) / name; fs::exists(weights))
      return {weights.string(), (fs::path(path) / "config.json").string()};
  refuse(path, "the folder holds neither model.safetensors nor model.safetensors.index.json");
}

}  // namespace

nn::GptConfig config_named(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Size& s : kSizes) {
    if (s.name == name) return config_of(50257, 1024, s.width, s.heads, s.layers);
    names.push_back(s.name);
  }
  raise(ErrorCode::kName, "there is no model '" + std::string(name.substr(0, 100)) + "'" +
                              support::nearest_hint("; the nearest is '", name.substr(0, 100), names, "'") +
                              "\nknown: gpt2, gpt2-medium, gpt2-large, gpt2-xl, or a path");
}

nn::Gpt load(const std::string& path, std::optional<DType> weights) {
  const Files files = files_of(path);
  TensorMap all = plain_names(load_safetensors(files.weights));
  const nn::GptConfig config = std::filesystem::exists(files.config) ? read_config(files.config)
                                                                     : config_from_shapes(all, files.weights);
  if (config.tied && has_head_of_its_own(all))
    refuse(files.weights,
           "has an lm_head.weight that is not its wte.weight, and config.json does not say "
           "\"tie_word_embeddings\": false");
  if (config.tied) all.erase(std::string(kHead));
  nn::Gpt model(config);
  NamedTensors values;
  std::map<std::string, std::string> ours;
  for (const nn::NamedParam& p : nn::parameters(model)) ours.emplace(published_name(p.name), p.name);
  for (const auto& [name, value] : all) {
    const auto known = ours.find(name);
    values.push_back({known == ours.end() ? name : known->second, value});
  }
  for (const nn::NamedParam& p : nn::parameters(model))
    if (p.param.decays()) {
      const auto given = all.find(published_name(p.name));
      const bool is_known = given != all.end() && is_float(given->second.dtype());
      const DType kept = weights.value_or(is_known ? given->second.dtype() : f32);
      nn::store_as(model, kept, [&](std::string_view name) { return name == p.name; });
    }
  const nn::LoadReport report = nn::load_state_dict(model, values, false);
  if (!report.ok()) refuse(files.weights, "does not fit its config.json\n" + report.str());
  return model;
}

Bpe load_tokenizer(const std::string& path) {
  namespace fs = std::filesystem;
  if (!fs::exists(path)) refuse(path, "there is no such file or folder");
  const fs::path folder = fs::is_directory(path) ? fs::path(path) : fs::path(path).parent_path();
  for (const char* name : {"vocab.json", "merges.txt"})
    if (!fs::exists(folder / name))
      refuse((folder / name).string(), "is not there: put the model's tokenizer beside it");
  return Bpe::load((folder / "vocab.json").string(), (folder / "merges.txt").string());
}

std::vector<int32_t> ids_without_token(const Bpe& tokens, int64_t vocabulary) {
  if (tokens.size() > vocabulary)
    raise(ErrorCode::kData, "the tokenizer has ids up to " + std::to_string(tokens.size() - 1) +
                                ", and the model's vocabulary is " + std::to_string(vocabulary) +
                                ": they do not belong together");
  std::vector<int32_t> out;
  for (int32_t id = 0; id < vocabulary; ++id)
    if (!tokens.contains(id)) out.push_back(id);
  return out;
}

void save(const std::string& path, const NamedTensors& parameters) {
  TensorMap out;
  for (const NamedTensor& p : parameters) {
    const std::string name = published_name(p.name);
    out.emplace(name == kHead ? name : "transformer." + name, p.value);
  }
  save_safetensors(path, out, {{"format", "pt"}});
}

}  // namespace anneal::gpt2
