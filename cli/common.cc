// SPDX-License-Identifier: MIT
#include "cli/common.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "cli/options.h"
#include "interp/work.h"
#include "io/file_bytes.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "ir/walk.h"
#include "pass/pass.h"
#include "support/flags.h"
#include "support/nearest.h"
#include "support/number_text.h"
#include "tensor/call.h"

namespace anneal::cli {

std::string read_file(const std::string& path) {
  constexpr size_t kMaxBytes = size_t{1} << 30;
  const auto file = io::FileBytes::read(path, kMaxBytes);
  if (!file) raise(ErrorCode::kData, file.message());
  const std::span<const std::byte> bytes = (*file)->bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void write_file(const std::string& path, std::string_view text) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  const auto written = io::replace_file(path, std::span(&bytes, 1));
  if (!written) raise(ErrorCode::kData, written.message());
}

void check_writable(const std::string& path) {
  const auto can = io::check_replaceable(path);
  if (!can) raise(ErrorCode::kData, can.message());
}

std::string create_fresh_file(const std::string& stem, const std::string& ending) {
  constexpr int kMost = 100'000;
  std::error_code unknown;
  std::string problem;
  for (const std::string& folder :
       {std::string(), std::filesystem::temp_directory_path(unknown).string() + "/"}) {
    for (int i = 1; i < kMost; ++i) {
      std::string path = folder + stem + (i == 1 ? "" : "-" + std::to_string(i)) + ending;
      const io::Result<bool> made = io::create_new_file(path);
      if (made && *made) return path;
      if (made) continue;
      if (problem.empty()) problem = made.message();
      break;
    }
  }
  raise(ErrorCode::kData, problem);
}

namespace {

std::vector<std::string_view> model_names() {
  std::vector<std::string_view> names;
  for (const programs::ProgramInfo& info : programs::all_programs()) names.push_back(info.name);
  return names;
}

Loaded load_model(const programs::ProgramInfo& known, const LoadOptions& options) {
  SizedModel model = sized_model(known, options.sizes);
  Loaded out{std::string(known.name), std::move(model.summary), {}, {}, nullptr};
  out.model =
      programs::build_program(model.info, {.train = options.train, .batch = options.batch, .optimizer = {}});
  // Only now: calls inside a Scope would not name their own places.
  out.scope = std::make_unique<ir::Graph::Scope>(ir::default_graph());
  for (const Tensor& t : out.model.roots()) out.roots.push_back(node_of(t));
  return out;
}

}  // namespace

void add_size_options(Options& verb, programs::ModelSizes& sizes) {
  verb.option("--layers", sizes.layers, "of a GPT, instead of its own", Range::kPositive);
  verb.option("--heads", sizes.heads, "of a GPT", Range::kPositive);
  verb.option("--dmodel", sizes.width, "of a GPT: the width", Range::kPositive);
  verb.option("--block", sizes.block, "of a GPT: how many tokens it looks at", Range::kPositive);
}

std::string model_table() {
  std::string out = "\navailable models:";
  for (const programs::ProgramInfo& info : programs::all_programs())
    out += fmt::format("\n  {:<8} {}", info.name, info.summary);
  return out;
}

SizedModel sized_model(const programs::ProgramInfo& info, const programs::ModelSizes& sizes) {
  SizedModel out{programs::with_sizes(info, sizes), std::string(info.summary)};
  const programs::ModelSizes& now = out.info.sizes;
  const programs::ModelSizes& own = info.sizes;
  if (now.layers != own.layers || now.heads != own.heads || now.width != own.width || now.block != own.block)
    out.summary = fmt::format("{} layers of width {}, {} heads, {} tokens at a time", now.layers, now.width,
                              now.heads, now.block);
  return out;
}

Loaded load_program(const std::string& file_or_model, const LoadOptions& options) {
  for (const programs::ProgramInfo& info : programs::all_programs())
    if (info.name == file_or_model) return load_model(info, options);
  if (!std::filesystem::exists(file_or_model)) {
    const std::vector<std::string_view> names = model_names();
    raise(ErrorCode::kName,
          fmt::format("there is no file and no model '{}'{}\navailable models: {}",
                      io::printable(file_or_model),
                      support::nearest_hint("; the nearest model is '", file_or_model, names, "'"),
                      fmt::join(names, ", ")));
  }
  if (options.train || options.batch != 0 || options.is_resized())
    raise(ErrorCode::kArgument,
          "--train, --batch and sizes are for models; " + file_or_model + " is a program already");
  auto scope = std::make_unique<ir::Graph::Scope>(ir::default_graph());
  // A golden file holds what it expects after its program.
  std::string text = read_file(file_or_model);
  if (const size_t expectation = text.find("\n# EXPECT"); expectation != std::string::npos)
    text.resize(expectation + 1);
  ir::Parsed parsed = ir::parse(ir::default_graph(), text);
  if (!parsed.error.empty()) raise(ErrorCode::kParse, file_or_model + ":" + parsed.error);
  const ir::Graph& graph = ir::default_graph();
  if (support::flag_on(support::Flag::kVerify)) {
    const std::string bad = ir::verify(graph, parsed.roots, pass::stage_of(graph, parsed.roots));
    if (!bad.empty()) raise(ErrorCode::kVerify, bad);
  }
  return {file_or_model, {}, std::move(parsed.roots), {}, std::move(scope)};
}

void raise_unknown(std::string_view what, std::string_view name, std::span<const std::string_view> known) {
  constexpr size_t kShown = 10;
  const std::string asked = io::printable(name);
  if (known.empty()) raise(ErrorCode::kName, fmt::format("there is no {} '{}'; there are none", what, asked));
  name = name.substr(0, 100);
  const std::vector<std::string_view> shown = known.size() <= kShown
                                                  ? std::vector<std::string_view>(known.begin(), known.end())
                                                  : support::nearest_names(name, known, kShown);
  std::vector<std::string> list;
  for (std::string_view one : shown) list.push_back(io::printable(one, 100));
  raise(ErrorCode::kName,
        fmt::format(
            "there is no {} '{}'{}\n{}: {}", what, asked,
            io::printable(support::nearest_hint("; the nearest is '", name, known, "'"), 140),
            known.size() <= kShown ? "known" : fmt::format("the nearest {} of {}", kShown, known.size()),
            fmt::join(list, ", ")));
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> out;
  std::stringstream words(text);
  for (std::string word; std::getline(words, word, ',');)
    if (!word.empty()) out.push_back(word);
  return out;
}

rewrite::FloatClasses allowed_classes(const std::vector<std::string>& names) {
  rewrite::FloatClasses out;
  for (const std::string& name : names) {
    if (name == "reassociating")
      out.reassociating = true;
    else if (name == "approximate")
      out.approximate = true;
    else if (name != "exact")
      raise_unknown("float class", name, rewrite::kFloatClassText);
  }
  return out;
}

void check_work(const ir::Graph& graph, std::span<const ir::Node> roots, std::string_view name, bool forced,
                const interp::Bindings& bindings, const DeviceTime& time) {
  constexpr double kManyMinutes = 300;
  const double work = forced ? 0 : interp::estimate_work(graph, roots, bindings);
  if (work < interp::kMuchWork) return;
  if (!time.seconds)
    raise(ErrorCode::kLimit,
          fmt::format("{}: one run takes about {:.0e} element operations, which is many minutes on the "
                      "interpreter; --force runs it all the same",
                      name, work));
  const double seconds = time.seconds();
  if (seconds < kManyMinutes) return;
  raise(ErrorCode::kLimit,
        fmt::format("{}: one run takes about {:.0f} minutes on the device {}, by its model; "
                    "--force runs it all the same",
                    name, seconds / 60, time.device));
}

std::string counters_text(const Counters& counters) {
  return fmt::format("{} launches in {} runs, {} kernels compiled; memory: {} in use, {} at most",
                     counters.launches, counters.runs, counters.kernels,
                     support::size_text(counters.active_bytes), support::size_text(counters.peak_bytes));
}

}  // namespace anneal::cli
