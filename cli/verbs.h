// SPDX-License-Identifier: MIT
// The verbs of the command line tool: one file each, which adds its options and gives the function that runs
// it. Tested by tests/cli_smoke.py.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

namespace anneal::cli {

class Options;

// Returns the exit code.
using Action = std::function<int()>;

struct Verb {
  std::string_view name, summary;
  std::string_view example;
  Action (*add)(Options& verb);
};

Action add_cache(Options& verb);
Action add_conform(Options& verb);
Action add_doctor(Options& verb);
Action add_explain(Options& verb);
Action add_fetch(Options& verb);
Action add_generate(Options& verb);
Action add_gpt2(Options& verb);
Action add_graph(Options& verb);
Action add_inspect(Options& verb);
Action add_interp(Options& verb);
Action add_kernels(Options& verb);
Action add_opt(Options& verb);
Action add_profile(Options& verb);
Action add_reduce(Options& verb);
Action add_replay(Options& verb);
Action add_run(Options& verb);
Action add_runs(Options& verb);
Action add_train(Options& verb);

}  // namespace anneal::cli
