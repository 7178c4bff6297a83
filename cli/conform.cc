// SPDX-License-Identifier: MIT
// anneal conform: runs a reference set; one line for each failure, the counts at the end.
#include "conform/conform.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "cli/common.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "io/message.h"

namespace anneal::cli {
namespace {

using conform::ConformReport;
using conform::EntryResult;
using conform::Status;

struct ConformVerbOptions {
  std::string path;
  conform::ConformOptions conform;
  bool json = false;
};

void print_json(const ConformReport& report) {
  constexpr std::string_view kStatusText[] = {"passed", "failed", "skipped"};
  Json entries = Json::array();
  for (const EntryResult& e : report.entries) {
    Json item{{"name", e.name}, {"op", e.op}, {"status", kStatusText[static_cast<size_t>(e.status)]}};
    if (e.status != Status::kSkipped) item["gradients"] = e.gradients;  // compared
    if (e.status == Status::kPassed) item["error"] = e.error;           // relative to the tolerance
    if (e.status == Status::kFailed) item["message"] = e.message;
    entries.push_back(std::move(item));
  }
  const Json all{{"passed", report.passed},
                 {"failed", report.failed},
                 {"skipped", report.skipped},
                 {"entries", entries}};
  fmt::print("{}\n", all.dump(1, ' ', false, Json::error_handler_t::replace));
}

void print_totals(const ConformReport& report) {
  const auto bare = std::count_if(report.entries.begin(), report.entries.end(), [](const EntryResult& e) {
    return e.status == Status::kPassed && e.gradients == 0 && e.op != "model" && e.op != "gpt2";
  });
  if (bare != 0) fmt::print("{} of the passed entries have no gradients to compare\n", bare);
  fmt::print("{} passed, {} failed, {} skipped\n", report.passed, report.failed, report.skipped);
}

int run_conform_verb(const ConformVerbOptions& options) {
  conform::ConformOptions how = options.conform;
  if (!options.json)
    how.on_entry = [](const EntryResult& e) {
      if (e.status == Status::kFailed)
        fmt::print("FAIL {} ({}): {}\n", io::printable(e.name), io::printable(e.op, 60), e.message);
    };
  const ConformReport report = conform::run_conform(options.path, how);
  if (options.json)
    print_json(report);
  else
    print_totals(report);
  // A set without entries, or a filter that selects none, has shown nothing.
  const bool nothing = report.passed + report.failed == 0;
  if (nothing) fmt::print(stderr, "error: nothing was compared\n");
  return report.failed == 0 && !nothing ? 0 : 1;
}

}  // namespace

Action add_conform(Options& verb) {
  const auto options = std::make_shared<ConformVerbOptions>();
  verb.argument("path", options->path, "of the set, without .json or .safetensors");
  verb.option("--device", options->conform.device, "what runs it: a device, or interp");
  verb.option("--fuse", options->conform.fuse, "none, greedy (all that is legal) or model (what gains time)");
  verb.flag("--unplanned", options->conform.unplanned, "every value in memory of its own");
  verb.option("--filter", options->conform.filter,
              "a regular expression; entries without it in their name are skipped");
  verb.flag("--f64", options->conform.in_f64, "compute every float in f64");
  verb.flag("--force", options->conform.force, "also entries that take many minutes");
  verb.flag("--json", options->json, "all results as JSON");
  return [options] { return run_conform_verb(*options); };
}

}  // namespace anneal::cli
