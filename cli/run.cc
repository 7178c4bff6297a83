// SPDX-License-Identifier: MIT
// anneal run: a built-in model on random parameters and made-up data.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/common.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "conform/compare.h"
#include "interp/arrays.h"
#include "plan/build_plan.h"
#include "programs/session.h"
#include "runtime/backend.h"
#include "runtime/canonical.h"
#include "tensor/call.h"

namespace anneal::cli {
namespace {

struct RunVerbOptions {
  std::string model, device;
  int64_t batch = 0, seed = 1;
  programs::ModelSizes sizes;
  bool force = false, json = false;
};

// On the device that runs tensors, where it has code.
DeviceTime device_time(ir::Graph& graph, ir::Node root) {
  runtime::Context* const context = runtime::current_context();
  if (context == nullptr || context->device().forms().empty()) return {};
  const device::Caps& caps = context->device().caps();
  return {caps.name, [&graph, &caps, root] {
            const runtime::Canonical c = runtime::canonicalize(graph, std::span(&root, 1));
            const plan::Request request{c.roots, static_cast<uint32_t>(c.leaves.size()), {}};
            return plan::build_plan(graph, request, caps).schedule.total.seconds;
          }};
}

int run_model(const RunVerbOptions& options) {
  const runtime::Using device({.device = options.device});
  const SizedModel model = sized_model(programs::find_program(options.model), options.sizes);
  const programs::ProgramInfo& info = model.info;
  programs::Program program =
      programs::build_program(info, {.train = false, .batch = options.batch, .optimizer = {}});
  {
    ir::Graph& graph = ir::default_graph();
    const ir::Graph::Scope scope(graph);
    const ir::Node root = node_of(program.results[0].value);
    interp::Bindings bindings;
    bindings.vars = {
        {"batch", options.batch != 0 ? options.batch : info.batch()}};  // where it is a dimension
    check_work(graph, std::span(&root, 1), info.name, options.force, bindings, device_time(graph, root));
  }
  programs::Session session(std::move(program), static_cast<uint64_t>(options.seed));
  session.set(
      info.data(options.batch != 0 ? options.batch : info.batch(), static_cast<uint64_t>(options.seed), 0));
  const programs::Array out = session.run()[0];
  std::vector<double> first;
  const size_t count = out->bytes.size() / static_cast<size_t>(dtype_size(out->dtype));
  for (size_t i = 0; i < std::min<size_t>(8, count); ++i)
    first.push_back(interp::element(*out, i).as_double(out->dtype));
  if (options.json) {
    const Json all{{"model", info.name}, {"shape", out->shape}, {"output", first}};
    fmt::print("{}\n", all.dump());
    return 0;
  }
  fmt::print("model: {}: {}\nshape: {}\noutput (first {} values):", info.name, model.summary,
             conform::shape_text(out->shape), first.size());
  for (double v : first) fmt::print(" {:.6f}", v);
  fmt::print("\n");
  return 0;
}

}  // namespace

Action add_run(Options& verb) {
  const auto options = std::make_shared<RunVerbOptions>();
  verb.argument("model", options->model, "mlp, dynmlp, conv, nanogpt or gpt2");
  verb.when_missing(model_table());
  verb.option("--batch", options->batch, "how many examples", Range::kPositive);
  verb.option("--device", options->device, "what it runs on; anneal doctor lists them");
  add_size_options(verb, options->sizes);
  verb.option("--seed", options->seed, "of parameters and data", Range::kNotNegative);
  verb.flag("--force", options->force, "also when it takes many minutes");
  verb.flag("--json", options->json, "as JSON");
  return [options] { return run_model(*options); };
}

}  // namespace anneal::cli
