// SPDX-License-Identifier: MIT
// The verbs of the command line tool: one file each, which adds its options and gives the function that runs
// it. Tested by tests/cli_smoke.py.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace anneal::cli {

// Returns the exit code.
using Action = std::function<int()>;

struct Verb {
  std::string_view name, summary;
  std::string_view example;
  Action (*add)(CLI::App& verb);
};

Action add_conform(CLI::App& verb);
Action add_explain(CLI::App& verb);
Action add_graph(CLI::App& verb);
Action add_interp(CLI::App& verb);
Action add_opt(CLI::App& verb);
Action add_reduce(CLI::App& verb);
Action add_run(CLI::App& verb);
Action add_train(CLI::App& verb);

}  // namespace anneal::cli
