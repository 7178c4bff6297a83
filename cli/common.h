// SPDX-License-Identifier: MIT
// What the verbs share: programs out of files or out of the built-in models, names with suggestions, and
// numbers for people.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "anneal/counters.h"
#include "interp/interp.h"
#include "programs/programs.h"
#include "rewrite/rule.h"

namespace anneal::cli {

// The whole file; raises when it is not there.
std::string read_file(const std::string& path);
void write_file(const std::string& path, std::string_view text);
// Raises where write_file would: asked before the work whose result goes there.
void check_writable(const std::string& path);
// Makes STEM.ckpt, STEM-2.ckpt or so on, whichever is not there, in the current folder, else in that for
// temporary files.
std::string create_fresh_file(const std::string& stem, const std::string& ending);

// A program at hand, in the default graph: from a text file, or a built-in model.
struct Loaded {
  std::string name, summary;
  std::vector<ir::Node> roots;
  programs::Program model;                  // empty for a file
  std::unique_ptr<ir::Graph::Scope> scope;  // keeps the nodes
};
struct LoadOptions {
  bool train = false;
  int64_t batch = 0;
  programs::ModelSizes sizes = {};  // of a GPT, where others are asked for
  bool is_resized() const { return sizes.layers + sizes.heads + sizes.width + sizes.block != 0; }
};
// --layers, --heads, --dmodel, --block
class Options;
void add_size_options(Options& verb, programs::ModelSizes& sizes);
// "\navailable models:" with a line for each: what a verb says when it is given none.
std::string model_table();
// The model with the sizes that are asked for, and what there is to say of it.
struct SizedModel {
  programs::ProgramInfo info;
  std::string summary;
};
SizedModel sized_model(const programs::ProgramInfo& info, const programs::ModelSizes& sizes);
Loaded load_program(const std::string& file_or_model, const LoadOptions& options = {});

// "there is no WHAT 'name'; the nearest is 'x'", and the list: all of a short one, the nearest of a long one.
[[noreturn]] void raise_unknown(std::string_view what, std::string_view name,
                                std::span<const std::string_view> known);

// "a,b" -> a, b
std::vector<std::string> split_list(const std::string& text);
// Of --allow: reassociating, approximate.
rewrite::FloatClasses allowed_classes(const std::vector<std::string>& names);

// Raises, unless forced, when one run would take many minutes: on the interpreter, or on a device whose model
// says so; it is asked only where the interpreter would take that long.
struct DeviceTime {
  std::string_view device;
  std::function<double()> seconds;  // empty: on the interpreter
};
void check_work(const ir::Graph& graph, std::span<const ir::Node> roots, std::string_view name, bool forced,
                const interp::Bindings& bindings = {}, const DeviceTime& time = {});

// The last line of verbs that run: "13 launches in 4 runs, 84 kernels compiled; memory: ...".
std::string counters_text(const Counters& counters);

}  // namespace anneal::cli
