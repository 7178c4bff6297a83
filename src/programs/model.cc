// SPDX-License-Identifier: MIT
#include "programs/model.h"

namespace anneal::programs {
namespace {

class PartsVisitor final : public nn::detail::Visitor {
 public:
  explicit PartsVisitor(Renaming renaming) : renaming_(renaming) {}

  void param(Param& param, const std::string& path) override {
    for (const nn::NamedParam& known : parts.params)
      if (known.param.state() == param.state()) return;
    parts.params.push_back({name(path), param});
  }
  void module(const void* address, const void* type, const std::string& path) override {
    parts.paths.emplace(std::pair(address, type), name(path));
  }

  ModelParts parts;

 private:
  std::string name(const std::string& path) const { return renaming_ == nullptr ? path : renaming_(path); }
  Renaming renaming_;
};

struct Part {
  std::string_view plain, gpt2;
};
constexpr Part kGpt2Parts[] = {{"blocks", "h"}, {"ln1", "ln_1"},    {"ln2", "ln_2"},       {"qkv", "c_attn"},
                               {"o", "c_proj"}, {"fc", "mlp.c_fc"}, {"proj", "mlp.c_proj"}};

}  // namespace

ModelParts parts_of(Model& model) {
  PartsVisitor visitor(model.renaming);
  model.forward.anneal_walk(visitor);
  return std::move(visitor.parts);
}

std::string gpt2_name(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const size_t dot = path.find('.');
    std::string_view part = path.substr(0, dot);
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
    for (const Part& p : kGpt2Parts)
      if (p.plain == part) {
        part = p.gpt2;
        break;
      }
    out += (out.empty() ? "" : ".") + std::string(part);
  }
  return out;
}

}  // namespace anneal::programs
