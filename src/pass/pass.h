// SPDX-License-Identifier: MIT
// Named passes over graphs. A pass is a function of a graph, with the stage it needs and the stage it gives;
// the name is that of the function, of the option of `anneal opt --passes`, and of the dump. No manager:
// run_passes() is a loop that verifies before and after, times, and dumps. Tested by pass_test.cc.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/verify.h"
#include "rewrite/driver.h"

namespace anneal::pass {

struct PassContext {
  rewrite::FloatClasses floats;            // which float rewrites the program allows
  rewrite::Trace* trace = nullptr;         // filled when given
  rewrite::RewriteStats* stats = nullptr;  // of the last pass, filled when given
};

struct Pass {
  std::string_view name, description;
  std::optional<ir::Stage> in, out;  // none: any stage, which the result keeps
  std::vector<ir::Node> (*run)(ir::Graph& graph, std::span<const ir::Node> roots, const PassContext& context);
};

std::span<const Pass> all_passes();
// Raises kName with the nearest name and the list.
// Raises kArgument for an environment variable (support/flags.h) whose text does not fit: also for a name in
// ANNEAL_DUMP that is no pass and no stage.
void check_flags();

const Pass& find_pass(std::string_view name);

struct PassTiming {
  std::string_view pass;
  double milliseconds = 0;
  bool changed = false;
};

// The stage that a program is at: kIndex when it holds loop indices.
ir::Stage stage_of(const ir::Graph& graph, std::span<const ir::Node> roots);

// Runs the passes in order. Raises kVerify when the graph is ill-formed before or after one, naming the pass,
// the op and the node, unless ANNEAL_VERIFY=0. ANNEAL_DUMP=<pass>|all writes NN-<pass>.ir into
// ANNEAL_DUMP_DIR after each that is named and changed something; ANNEAL_DEBUG=1 prints a line for each.
std::vector<ir::Node> run_passes(ir::Graph& graph, std::span<const ir::Node> roots,
                                 std::span<const Pass* const> passes, const PassContext& context = {},
                                 std::vector<PassTiming>* timings = nullptr);

}  // namespace anneal::pass
