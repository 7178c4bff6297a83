// SPDX-License-Identifier: MIT
// anneal runs: the bundles of runs that were recorded.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "anneal/files.h"
#include "bundles/recorder.h"
#include "cli/bundles.h"
#include "cli/common.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "support/number_text.h"

namespace anneal::cli {

std::string bundle_folder() {
  bundles::Result<std::string> folder = bundles::run_folder();
  if (!folder) raise(ErrorCode::kData, folder.message());
  return std::move(*folder);
}

bundles::Bundle open_bundle(const std::string& name) {
  const bundles::Result<std::string> folder = bundles::find_bundle(bundle_folder(), name);
  if (!folder) raise(ErrorCode::kName, folder.message());
  bundles::Result<bundles::Bundle> bundle = bundles::read_bundle(*folder);
  if (!bundle) raise(ErrorCode::kData, bundle.message());
  return std::move(*bundle);
}

bundles::Bundle open_bundle_not_file(const std::string& name) {
  std::error_code ignored;
  if (!std::filesystem::exists(name, ignored) && !bundles::is_id(name)) {
    const bundles::Result<std::string> folder = bundles::find_bundle(bundle_folder(), name);
    if (!folder || !std::filesystem::exists(*folder, ignored))
      raise(ErrorCode::kName, fmt::format("there is no file '{}', and no run bundle{}", io::printable(name),
                                          folder ? "" : ": " + folder.message()));
  }
  return open_bundle(std::filesystem::is_directory(name, ignored) ? name + "/" : name);
}

namespace {

using bundles::Bundle;
using bundles::Listed;

struct RunsOptions {
  std::string what;
  std::vector<std::string> names;
  bool json = false;
};

template <typename T>
T found(bundles::Result<T> result) {
  if (!result) raise(ErrorCode::kData, result.message());
  return std::move(*result);
}

std::string dumped(const Json& value) { return value.dump(1, ' ', false, Json::error_handler_t::replace); }

Json json_of(const Listed& one) {
  const bundles::Manifest& m = one.bundle.manifest;
  if (!one.problem.empty()) return {{"id", one.id}, {"problem", one.problem}, {"bytes", one.bytes}};
  return {{"id", one.id},
          {"folder", one.bundle.folder},
          {"kind", bundles::kKindText[static_cast<size_t>(m.kind)]},
          {"model", m.model},
          {"device", m.device},
          {"steps", m.steps},
          {"last_loss", m.last_loss ? Json(*m.last_loss) : Json()},
          {"state", one.bundle.state()},
          {"created_at", m.created_at},
          {"duration_ms", m.duration_ms},
          {"bytes", one.bytes}};
}

int list(const RunsOptions& options) {
  if (!options.names.empty()) raise(ErrorCode::kArgument, "runs list takes no ids; runs show does");
  const std::string folder = bundle_folder();
  const std::vector<Listed> all = found(bundles::list_bundles(folder));
  if (options.json) {
    Json out = Json::array();
    for (const Listed& one : all) out.push_back(json_of(one));
    fmt::print("{}\n", dumped({{"folder", folder}, {"runs", out}}));
    return 0;
  }
  if (all.empty()) {
    fmt::print("no runs in {}; anneal train MODEL --bundle records one\n", folder);
    return 0;
  }
  size_t width = 2;
  uint64_t bytes = 0;
  for (const Listed& one : all) width = std::max(width, one.id.size()), bytes += one.bytes;
  fmt::print("{:<{}}  {:<8}  {:<8}  {:>7}  {:>10}  {:<9}  {:>9}\n", "id", width, "kind", "model", "steps",
             "last loss", "state", "size");
  for (const Listed& one : all) {
    const bundles::Manifest& m = one.bundle.manifest;
    if (!one.problem.empty())
      fmt::print("{:<{}}  damaged: {}\n", one.id, width, one.problem);
    else
      fmt::print("{:<{}}  {:<8}  {:<8}  {:>7}  {:>10}  {:<9}  {:>9}\n", one.id, width,
                 bundles::kKindText[static_cast<size_t>(m.kind)], m.model, m.steps,
                 m.last_loss ? fmt::format("{:.6f}", *m.last_loss) : "", one.bundle.state(),
                 support::size_text(one.bytes));
  }
  fmt::print("{} runs, {}, in {}\n", all.size(), support::size_text(bytes), folder);
  return 0;
}

void print_line(std::string_view name, const std::string& value) {
  if (!value.empty()) fmt::print("{:<12}{}\n", name, io::printable(value, 400));
}

std::string text_of(const bundles::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "yes" : "no";
  if (const auto* number = std::get_if<int64_t>(&value)) return std::to_string(*number);
  return fmt::format("{}", std::get<double>(value));
}

void print_bundle(const Bundle& bundle) {
  const bundles::Manifest& m = bundle.manifest;
  const bundles::Config& c = bundle.config;
  print_line("run", bundle.id);
  print_line("folder", bundle.folder);
  print_line("kind",
             fmt::format("{}: {} {}", bundles::kKindText[static_cast<size_t>(m.kind)], c.verb, m.model));
  print_line("state", std::string(bundle.state()) + (m.message.empty() ? "" : ": " + m.message));
  print_line("began", fmt::format("{}, {:.1f} s", m.created_at, static_cast<double>(m.duration_ms) / 1e3));
  print_line("program", fmt::format("anneal {} (commit {}, {})", m.version, m.git_rev, m.compiler));
  print_line("device", fmt::format("{}: {}", m.device, m.adapter));
  print_line("kernels", fmt::format("{}, SHA-256 {}", m.kernels, m.kernels_hash));
  for (const auto& [name, bounds] : m.sym_binds)
    print_line("dimension", fmt::format("{} from {} to {}", name, bounds.min, bounds.max));
  for (const auto& [name, value] : c.settings)  // those that were given
    if (const std::string text = text_of(value); !text.empty() && text != "0" && text != "no")
      print_line("setting", name + " = " + text);
  for (const auto& [name, value] : c.flags) print_line("flag", name + "=" + value);
  for (const bundles::InputFile& file : c.data)
    print_line("data",
               fmt::format("{}, SHA-256 {}", file.path.empty() ? "in the program" : file.path, file.sha256));
  print_line("went on", c.resumed_from.empty() ? "" : "from " + c.resumed_from);
  const std::vector<bundles::LossRow> losses = found(bundles::losses_of(bundle));
  if (!losses.empty())
    print_line("losses", fmt::format("{:.6f} at step {}, {:.6f} at step {}", losses.front().loss,
                                     losses.front().step, losses.back().loss, losses.back().step));
  const std::vector<bundles::TokenRow> tokens = found(bundles::tokens_of(bundle));
  std::string text;
  for (const bundles::TokenRow& row : tokens) text += row.text;
  if (!tokens.empty()) fmt::print("{:<12}{} tokens:\n", "text", tokens.size());
  // Line by line: what a file says may not speak to the terminal.
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    fmt::print("{}\n", io::printable(std::string_view(text).substr(at, end - at), text.size()));
    at = end + 1;
  }
  print_line("checkpoint", m.checkpoint);
}

int show(const RunsOptions& options) {
  std::vector<std::string> names = options.names;
  if (names.empty()) names.emplace_back("last");
  Json out = Json::array();
  for (const std::string& name : names) {
    const Bundle bundle = open_bundle(name);
    if (options.json) {
      Json one{{"id", bundle.id}, {"folder", bundle.folder}, {"state", bundle.state()}};
      one["bytes"] = bundles::bytes_of(bundle.folder);
      one["manifest"] = Json::parse(bundles::manifest_text(bundle.manifest));
      one["config"] = Json::parse(bundles::config_text(bundle.config));
      out.push_back(std::move(one));
    } else {
      if (&name != &names.front()) fmt::print("\n");
      print_bundle(bundle);
    }
  }
  if (options.json) fmt::print("{}\n", dumped(out.size() == 1 ? out[0] : out));
  return 0;
}

// All are looked up before the first goes.
int remove(const RunsOptions& options) {
  if (options.names.empty()) raise(ErrorCode::kArgument, "runs rm takes ids; anneal runs lists them");
  const std::string folder = bundle_folder();
  std::vector<std::string> ids;
  for (const std::string& name : options.names) {
    if (!bundles::is_plain_name(name))
      raise(ErrorCode::kArgument, io::in_quotes(name) + " is no id of a run; runs rm removes by id alone");
    const bundles::Result<std::string> path = bundles::find_bundle(folder, name);
    if (!path) raise(ErrorCode::kName, path.message());
    ids.push_back(std::filesystem::path(*path).filename().string());
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  for (const std::string& id : ids) {
    const bundles::Result<void> removed = bundles::remove_bundle(folder, id);
    if (!removed) raise(ErrorCode::kData, removed.message());
    if (!options.json) fmt::print("removed {}\n", id);
  }
  if (options.json) fmt::print("{}\n", dumped({{"removed", ids}}));
  return 0;
}

// A checkpoint of anneal train as a bundle.
int save(const RunsOptions& options) {
  if (options.names.size() != 1)
    raise(ErrorCode::kArgument, "runs save takes one checkpoint of anneal train");
  const Checkpoint checkpoint = load_checkpoint(options.names[0]);
  const auto model = checkpoint.texts.find("model");
  if (model == checkpoint.texts.end() || !bundles::is_plain_name(model->second))
    raise(ErrorCode::kData, options.names[0] + " does not say which model it is of");
  bundles::Config config{.verb = "save", .model = model->second, .device = "none"};
  for (const auto& [name, value] : checkpoint.integers) config.settings[name] = value;
  for (const auto& [name, value] : checkpoint.numbers) config.settings[name] = value;
  config.data = bundles::described({options.names[0]});
  bundles::Manifest manifest = bundles::manifest_of_now("none", nullptr);
  manifest.kind = bundles::Kind::kSaved;
  manifest.adapter = "none: it was only kept";
  const bundles::ProgramLog programs{};
  bundles::Recorder recorder(std::move(manifest), std::move(config), programs);
  save_checkpoint(recorder.path(bundles::kCheckpoint), checkpoint);
  const auto step = checkpoint.integers.find("step");
  recorder.saved(step == checkpoint.integers.end() ? 0 : step->second);
  recorder.end(bundles::State::kCompleted);
  fmt::print("{}\n", options.json ? Json{{"id", recorder.id()}, {"folder", recorder.folder()}}.dump()
                                  : "saved as " + recorder.id());
  return 0;
}

int run_runs(const RunsOptions& options) {
  if (options.what.empty() || options.what == "list") return list(options);
  if (options.what == "show") return show(options);
  if (options.what == "rm") return remove(options);
  if (options.what == "save") return save(options);
  constexpr std::string_view kKnown[] = {"list", "show", "rm", "save"};
  raise_unknown("part of anneal runs", options.what, kKnown);
}

}  // namespace

Action add_runs(Options& verb) {
  const auto options = std::make_shared<RunsOptions>();
  verb.optional_argument("what", options->what, "list, show, rm or save; list when it is not given");
  verb.rest("run", options->names,
            "of show and rm: ids, what they begin with, or last; of save: a checkpoint to keep as a run");
  verb.flag("--json", options->json, "as JSON");
  return [options] { return run_runs(*options); };
}

}  // namespace anneal::cli
