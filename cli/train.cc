// SPDX-License-Identifier: MIT
// anneal train: trains a built-in model. One step is one program: forward, backward and optimizer.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <span>

#include "cli/common.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "interp/arrays.h"
#include "programs/data.h"
#include "programs/session.h"
#include "runtime/backend.h"
#include "support/random_stream.h"
#include "tensor/call.h"

namespace anneal::cli {
namespace {

struct TrainOptions {
  std::string model, optimizer;
  int64_t steps = 300, batch = 0, seed = 1, log_every = 10;
  double lr = 0;
  bool force = false, json = false;
};

programs::Session make_session(const programs::ProgramInfo& info, const TrainOptions& options) {
  Optimizer optimizer =
      programs::parse_optimizer(options.optimizer.empty() ? info.optimizer : options.optimizer);
  if (options.lr != 0) programs::set_learning_rate(optimizer, options.lr);
  programs::Program program =
      programs::build_program(info, {.train = true, .batch = options.batch, .optimizer = optimizer});
  {
    ir::Graph& graph = ir::default_graph();
    const ir::Graph::Scope scope(graph);
    std::vector<ir::Node> roots;
    for (const Tensor& t : program.roots()) roots.push_back(node_of(t));
    interp::Bindings bindings;
    bindings.vars = {{"batch", options.batch != 0 ? options.batch : info.batch}};  // where it is a dimension
    check_work(graph, roots, info.name, options.force, bindings, runtime::current_context() != nullptr);
  }
  return {std::move(program), static_cast<uint64_t>(options.seed)};
}

// A character by the probabilities that the logits give, sharpened by the temperature.
int draw(std::span<const double> logits, support::RandomStream& random) {
  constexpr double kTemperature = 0.5;
  const double high = *std::max_element(logits.begin(), logits.end());
  std::vector<double> weights;
  double total = 0;
  for (double logit : logits) total += weights.emplace_back(std::exp((logit - high) / kTemperature));
  double left = random.unit() * total;
  for (size_t i = 0; i < weights.size(); ++i) {
    left -= weights[i];
    if (left < 0) return static_cast<int>(i);
  }
  return static_cast<int>(weights.size()) - 1;
}

// Continues the beginning of the corpus, one character at a time.
void print_sample(const programs::ProgramInfo& info, const programs::Session& trained, uint64_t seed) {
  support::RandomStream random(seed);
  programs::Session reader(programs::build_program(info, {.train = false, .batch = 1, .optimizer = {}}), 0);
  for (const programs::Parameter& p : reader.program().parameters) reader.set(p.name, trained.value(p.name));
  const auto length = static_cast<size_t>(reader.program().inputs[0].value.shape()[1]);
  std::string text = programs::corpus().substr(0, length);
  constexpr int kSampled = 200;
  for (int i = 0; i < kSampled; ++i) {
    std::vector<double> ids;
    for (char c : text.substr(text.size() - length)) ids.push_back(programs::to_token(c));
    reader.set("ids", interp::array_from(i32, {1, static_cast<int64_t>(length)}, ids));
    const std::vector<double> logits = interp::doubles_of(*reader.run()[0]);
    text += programs::to_character(draw(std::span(logits).last(programs::kCharacters), random));
  }
  fmt::print("sample, after the first {} characters:\n{}\n", length, text);
}

int run_train(const TrainOptions& options) {
  const programs::ProgramInfo& info = programs::find_program(options.model);
  programs::Session session = make_session(info, options);
  const int64_t batch = options.batch != 0 ? options.batch : info.batch;
  if (!options.json) fmt::print("model: {}: {}\n", info.name, info.summary);
  for (int64_t step = 1; step <= options.steps; ++step) {
    session.set(info.data(batch, static_cast<uint64_t>(options.seed), step));
    const Tensor result = session.step()[0];
    if (step != 1 && step != options.steps && step % options.log_every != 0) continue;
    const auto loss = static_cast<double>(result.item<float>());  // waits for the steps up to here
    if (!std::isfinite(loss))
      raise(ErrorCode::kData,
            fmt::format("train: the loss of step {} is {}; a smaller --lr may help", step, loss));
    if (options.json)
      fmt::print("{{\"step\":{},\"loss\":{}}}\n", step, loss);
    else
      fmt::print("step {}: loss={:.6f}\n", step, loss);
    std::fflush(stdout);
  }
  const bool is_text = session.program().inputs[0].name == "ids" && info.name != "gpt2";
  const Counters used = counters();
  if (is_text && !options.json) print_sample(info, session, static_cast<uint64_t>(options.seed));
  if (options.json)
    fmt::print("{}\n", Json{{"counters", counters_json(used)}}.dump());
  else if (used.runs != 0)  // the interpreter counts nothing
    fmt::print("{}\n", counters_text(used));
  return 0;
}

}  // namespace

Action add_train(Options& verb) {
  const auto options = std::make_shared<TrainOptions>();
  verb.argument("model", options->model, "mlp, dynmlp, conv, nanogpt or gpt2");
  verb.option("--steps", options->steps, "how many", Range::kNotNegative);
  verb.option("--batch", options->batch, "how many examples a step", Range::kPositive);
  verb.option("--seed", options->seed, "of parameters and data", Range::kNotNegative);
  verb.option("--lr", options->lr, "learning rate, instead of the model's own", Range::kPositive);
  verb.option("--optimizer", options->optimizer,
              "such as \"adamw lr=1e-3 wd=0.1\" or \"sgd lr=0.1 momentum=0.9\"");
  verb.option("--log-every", options->log_every, "steps between lines", Range::kPositive);
  verb.flag("--force", options->force, "also when a step takes many minutes");
  verb.flag("--json", options->json, "each line as JSON");
  return [options] { return run_train(*options); };
}

}  // namespace anneal::cli
