// SPDX-License-Identifier: MIT
// anneal replay: a recorded run once more, compared bit for bit with what was recorded.
#include <fmt/format.h>

#include <memory>

#include "bundles/recorder.h"
#include "bundles/replay.h"
#include "cli/bundles.h"
#include "cli/common.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "cli/writing.h"
#include "runtime/backend.h"

namespace anneal::cli {
namespace {

using bundles::Bundle;
using bundles::Comparison;
using bundles::Kind;

struct ReplayOptions {
  std::string name, device;
  bool json = false;
};

// Writes the text again, as far as it is there.
Comparison replay_text(const Bundle& bundle, const bundles::ProgramLog& programs) {
  const bundles::Result<std::vector<bundles::TokenRow>> rows = bundles::tokens_of(bundle);
  if (!rows) raise(ErrorCode::kData, rows.message());
  if (rows->empty()) raise(ErrorCode::kData, bundle.id + " has no tokens: there is nothing to compare");
  const auto source = bundle.config.get<std::string>("source", {});
  const bool is_gpt2 = bundle.config.verb == "gpt2 sample";
  if (!is_gpt2 && bundle.config.verb != "generate")
    raise(ErrorCode::kData,
          fmt::format("{}: there is no verb {} that writes", bundle.id, io::in_quotes(bundle.config.verb)));
  WritingOptions options = writing_options(bundle.config);
  Writer writer = is_gpt2 ? open_gpt2_sample(source, "", options.weights) : open_generate(source, "");
  writer.prompt = bundle.config.prompt;
  if (writer.prompt.empty()) raise(ErrorCode::kData, bundle.id + " does not say what its text begins with");
  if (bundle.manifest.state != bundles::State::kCompleted)
    options.max_tokens = static_cast<int64_t>(rows->size());
  options.is_shown = false;
  options.quiet = true;
  std::vector<int32_t> written;
  options.on_token = [&](int32_t id, const std::string&) { written.push_back(id); };
  write_tokens(writer, options);
  Comparison out;
  constexpr int32_t kNone = -1;
  for (size_t i = 0; i < std::max(written.size(), rows->size()); ++i) {
    const int32_t then = i < rows->size() ? (*rows)[i].token : kNone;
    const int32_t now = i < written.size() ? written[i] : kNone;
    ++out.compared;
    if (then != now && !out.first)
      out.first = {static_cast<int64_t>(i), static_cast<double>(then), static_cast<double>(now)};
  }
  bundles::compare_kernels(bundle, programs, out);
  return out;
}

Json json_of(const std::optional<bundles::Deviation>& d) {
  if (!d) return {};
  return {
      {"step", d->step}, {"recorded", d->recorded}, {"now", d->now}, {"difference", d->now - d->recorded}};
}

std::string text_of(const bundles::Deviation& d) {
  return fmt::format("step {}: {} then, {} now, a difference of {:.3g}", d.step, d.recorded, d.now,
                     d.now - d.recorded);
}

void print_result(const Bundle& bundle, const Comparison& c) {
  if (bundle.manifest.kind == Kind::kGenerate) {
    if (c.first)
      fmt::print("text: differs from token {} on: {} then, {} now (-1: none)\n", c.first->step,
                 c.first->recorded, c.first->now);
    else
      fmt::print("text: all {} tokens are the same\n", c.compared);
  } else if (c.first) {
    fmt::print("losses: differ, first at {}\n", text_of(*c.first));
    if (c.greatest->step != c.first->step) fmt::print("        most at {}\n", text_of(*c.greatest));
  } else {
    fmt::print("losses: all {} are the same, bit for bit\n", c.compared);
  }
  if (c.kernels_gone.empty() && c.kernels_new.empty())
    fmt::print("kernels: all {} are the same\n", bundle.manifest.kernels);
  else
    fmt::print("kernels: {} of {} do not come up now, {} others do; the first are {} then, {} now\n",
               c.kernels_gone.size(), bundle.manifest.kernels, c.kernels_new.size(),
               c.kernels_gone.empty() ? "none" : c.kernels_gone[0],
               c.kernels_new.empty() ? "none" : c.kernels_new[0]);
}

int run_replay(const ReplayOptions& options) {
  const Bundle bundle = open_bundle(options.name);
  if (bundle.manifest.kind == Kind::kSaved)
    raise(ErrorCode::kArgument, bundle.id + " keeps a checkpoint: there is nothing to run again");
  bundles::ProgramLog programs;
  const std::string device = options.device.empty() ? bundle.config.device : options.device;
  runtime::Using context({.device = device, .made = programs.observer()});
  const std::vector<std::string> changes =
      bundles::changes_since(bundle, bundles::manifest_of_now(device, context.context()));
  if (!options.json) {
    fmt::print("replay: {}: {} {}, {} steps\n", bundle.id, bundle.config.verb, bundle.manifest.model,
               bundle.manifest.steps);
    for (const std::string& change : changes) fmt::print("  {}\n", change);
    if (changes.empty()) fmt::print("  program, device and data are what they were\n");
    std::fflush(stdout);
  }
  const Comparison c = bundle.manifest.kind == Kind::kGenerate ? replay_text(bundle, programs)
                                                               : bundles::replay_training(bundle, programs);
  if (options.json)
    fmt::print("{}\n", Json{{"id", bundle.id},
                            {"same", c.is_same()},
                            {"compared", c.compared},
                            {"changes", changes},
                            {"first_difference", json_of(c.first)},
                            {"greatest_difference", json_of(c.greatest)},
                            {"kernels_gone", c.kernels_gone},
                            {"kernels_new", c.kernels_new}}
                           .dump(1, ' ', false, Json::error_handler_t::replace));
  else
    print_result(bundle, c);
  return c.is_same() ? 0 : 1;
}

}  // namespace

Action add_replay(Options& verb) {
  const auto options = std::make_shared<ReplayOptions>();
  verb.argument("run", options->name, "a run bundle: its id, what that begins with, last, or a path");
  verb.option("--device", options->device, "instead of the one that it ran on");
  verb.flag("--json", options->json, "as JSON");
  return [options] { return run_replay(*options); };
}

}  // namespace anneal::cli
