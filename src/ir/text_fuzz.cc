// SPDX-License-Identifier: MIT
// Fuzz target for parse(). Whatever the bytes are: no crash; a refusal says where; what is accepted verifies,
// and is the same text again when it is printed, parsed into another graph, and printed.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ir/text.h"
#include "ir/verify.h"
#include "ir/walk.h"

namespace {

using namespace anneal;

void require(bool condition) {
  if (!condition) std::abort();
}

bool has_loops(const ir::Graph& graph, const std::vector<ir::Node>& roots) {
  for (ir::Node n : ir::postorder(graph, roots, true))
    if (graph.op(n) == ir::Op::Range) return true;
  return false;
}

// Printing and parsing again changes nothing.
void check_round_trip(const std::string& text) {
  ir::Graph graph;
  const ir::Graph::Scope scope(graph);
  const ir::Parsed again = ir::parse(graph, text);
  require(again.error.empty());
  require(ir::print(graph, again.roots) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ir::Graph graph;
  const ir::Graph::Scope scope(graph);
  const ir::Parsed parsed = ir::parse(graph, text, {.max_nodes = 1000});
  if (!parsed.error.empty()) {
    require(parsed.error.find(':') != std::string::npos);
    return 0;
  }
  // Loop indices belong to the index stage, where there are no tensors: a text that mixes both fits no stage.
  if (!has_loops(graph, parsed.roots)) require(ir::verify(graph, parsed.roots, ir::Stage::kTensor).empty());
  check_round_trip(ir::print(graph, parsed.roots));
  return 0;
}
