// SPDX-License-Identifier: MIT
// A folder with a published GPT-2 (anneal/gpt2/checkpoint.h) and reference.safetensors beside it:
//   input_ids [batch, length], logits, loss of each token as the next one of those before it,
//   grad.<parameter>, and greedy [1, count], which goes on from the beginning of the first row by the
//   likeliest token each time.
// What is not there is not compared.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "anneal/gpt2/checkpoint.h"
#include "anneal/gpt2/generator.h"
#include "anneal/nn.h"
#include "anneal/transforms.h"
#include "conform/entry.h"
#include "ir/graph.h"
#include "programs/model.h"

namespace anneal::conform {

namespace {

constexpr Tolerance kCheckpoint{1e-4};

class CheckpointSet {
 public:
  CheckpointSet(const std::string& folder, const ConformOptions& options, const io::SafeTensors& reference)
      : options_(options), reference_(reference), model_(gpt2::load(folder)) {}

  ConformReport run() {
    const Tensor ids = Entry(none_, reference_, "input_ids", options_).load("input_ids").to(i32);
    const Tensor logits = model_(ids);
    const int64_t length = ids.shape()[1];
    const Tensor loss =
        nn::language_model_loss(narrow(logits, 1, 0, length - 1), narrow(ids, 1, 1, length - 1));
    compare_values("logits", logits);
    if (reference_.find("loss") != nullptr) compare_values("loss", loss.reshape({1}));
    compare_gradients(loss);
    if (reference_.find("greedy") != nullptr && reference_.find("input_ids") != nullptr) {
      compare_greedy("greedy", ids, false);
      compare_greedy("greedy, with a cache", ids, true);
    }
    return std::move(report_);
  }

 private:
  template <typename Check>
  void entry(const std::string& name, const Check& check) {
    EntryResult result{.name = name, .op = "gpt2"};
    Entry entry(none_, reference_, name, options_);
    try {
      check(entry);
    } catch (const Error& error) {
      entry.fail("", first_line(error.message()));
    }
    result.error = entry.worst();
    result.gradients = entry.gradients();
    if (!entry.failures().empty()) {
      result.status = Status::kFailed;
      result.message = io::printable(entry.failures()[0], 400);
    }
    (result.status == Status::kPassed ? report_.passed : report_.failed) += 1;
    if (options_.on_entry) options_.on_entry(result);
    report_.entries.push_back(std::move(result));
  }

  void compare_values(const std::string& name, const Tensor& value) {
    entry(name, [&](Entry& e) { e.check(name, *e.evaluate({value})[0], e.view(name), kCheckpoint); });
  }

  // Every gradient of the reference, by its published name; one that the model does not have is a failure.
  void compare_gradients(const Tensor& loss) {
    std::vector<Tensor> wrt;
    std::vector<std::string> names;
    for (const nn::NamedParam& p : nn::parameters(model_)) {
      wrt.push_back(p.param.tensor());
      names.push_back(programs::gpt2_name(p.name));
    }
    const std::vector<Tensor> slopes = gradients(loss, wrt);
    for (const io::TensorView& view : reference_.tensors()) {
      constexpr std::string_view kGradient = "grad.", kPrefix = "transformer.";
      if (!view.name.starts_with(kGradient)) continue;
      std::string name = view.name.substr(kGradient.size());
      if (name.starts_with(kPrefix)) name = name.substr(kPrefix.size());
      entry(view.name, [&](Entry& e) {
        const auto at = std::find(names.begin(), names.end(), name);
        if (at == names.end()) raise(ErrorCode::kName, "the model has no parameter " + name);
        const Tensor& slope = slopes[static_cast<size_t>(at - names.begin())];
        e.check(view.name, *e.evaluate({slope})[0], view, kCheckpoint);
        e.count_gradients(1);
      });
    }
  }

  static int32_t likeliest(const std::vector<float>& logits) {
    return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  }

  // Token for token. Where the prompt ends is told by where the two begin to differ.
  void compare_greedy(const std::string& name, const Tensor& ids, bool with_cache) {
    entry(name, [&](Entry& e) {
      const std::vector<int32_t> wanted = e.load("greedy").to(i32).flatten().to_vector<int32_t>();
      const std::vector<int32_t> first = narrow(ids, 0, 0, 1).flatten().to_vector<int32_t>();
      const auto begin = std::mismatch(wanted.begin(), wanted.end(), first.begin(), first.end()).first;
      std::vector<int32_t> got(wanted.begin(), begin);
      if (got.empty()) raise(ErrorCode::kData, "greedy does not begin as input_ids does");
      gpt2::Generator generator(model_);
      for (size_t fed = 0; got.size() < wanted.size();) {
        if (!with_cache) {
          generator.clear();
          fed = 0;
        }
        const std::vector<float> logits = generator.feed(std::span(got).subspan(fed));
        fed = got.size();
        got.push_back(likeliest(logits));
        if (got.back() != wanted[got.size() - 1])
          raise(ErrorCode::kData, "token " + std::to_string(got.size() - 1) + " is " +
                                      std::to_string(got.back()) + " and should be " +
                                      std::to_string(wanted[got.size() - 1]));
      }
    });
  }

  const ConformOptions& options_;
  const io::SafeTensors& reference_;
  const nlohmann::json none_;
  nn::Gpt model_;
  ConformReport report_;
};

}  // namespace

bool is_checkpoint_folder(const std::string& path) {
  return std::filesystem::is_directory(path) && std::filesystem::exists(path + "/reference.safetensors");
}

ConformReport run_checkpoint(const std::string& folder, const ConformOptions& options) {
  const io::Result<io::SafeTensors> reference = io::SafeTensors::open(folder + "/reference.safetensors");
  if (!reference) raise(ErrorCode::kData, reference.message());
  return CheckpointSet(folder, options, *reference).run();
}

}  // namespace anneal::conform
