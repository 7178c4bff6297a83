// SPDX-License-Identifier: MIT
// anneal cache: what a device keeps of compiled code between processes.
#include <fmt/format.h>

#include <map>
#include <memory>

#include "cli/json.h"
#include "cli/options.h"
#include "cli/scheduled.h"
#include "cli/verbs.h"
#include "device/registry.h"
#include "runtime/context.h"
#include "support/number_text.h"

namespace anneal::cli {

using support::size_text;

namespace {

using device::CodeStore;

struct CacheOptions {
  std::string what;
  std::vector<std::string> rest;
  ScheduleRequest request;
  bool json = false;
};

CodeStore& store_of(device::Device& device) {
  if (device.code_store() == nullptr)
    raise(ErrorCode::kArgument,
          "the device " + device.caps().name + " keeps no code: " + device.caps().description);
  return *device.code_store();
}

Json totals_json(const CodeStore::Totals& t) {
  return {{"folder", t.folder}, {"problem", t.problem}, {"entries", t.entries},
          {"bytes", t.bytes},   {"limit", t.limit},     {"hits", t.hits},
          {"misses", t.misses}, {"stored", t.stored},   {"evicted", t.evicted}};
}

int show_totals(const CacheOptions& options) {
  const CodeStore::Totals t = store_of(device_of(options.request.device)).totals();
  if (options.json) {
    fmt::print("{}\n", totals_json(t).dump(1, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  if (t.folder.empty()) {
    fmt::print("no kernels are kept: ANNEAL_CACHE_DIR=off, or there is no folder for caches\n");
    return 0;
  }
  fmt::print("folder     {}\n", t.folder);
  if (!t.problem.empty()) fmt::print("problem    {}\n", t.problem);
  fmt::print("entries    {}\nbytes      {} of {}\n", t.entries, size_text(t.bytes), size_text(t.limit));
  const uint64_t asked = t.hits + t.misses;
  fmt::print("found      {} of {} looked for{}\nstored     {}\nevicted    {}\n", t.hits, asked,
             asked == 0 ? ""
                        : fmt::format(" ({:.0f} %)",
                                      100.0 * static_cast<double>(t.hits) / static_cast<double>(asked)),
             t.stored, t.evicted);
  return 0;
}

int clear(const CacheOptions& options) {
  const CodeStore::Totals t = store_of(device_of(options.request.device)).clear();
  if (!t.problem.empty()) raise(ErrorCode::kData, "cache clear: " + t.problem);
  if (options.json)
    fmt::print("{}\n", totals_json(t).dump(1, ' ', false, Json::error_handler_t::replace));
  else if (t.folder.empty())
    fmt::print("there is no cache to clear\n");
  else
    fmt::print("removed {} entries, {}, from {}\n", t.entries, size_text(t.bytes), t.folder);
  return 0;
}

int show_why(const CacheOptions& options) {
  if (options.rest.size() != 1)
    raise(ErrorCode::kArgument,
          "cache why takes one program: a text file or a model\nsee anneal cache --help");
  ScheduleRequest request = options.request;
  request.program = options.rest[0];
  const Scheduled s = schedule_program(request);
  const std::vector<CodeStore::Found> found =
      store_of(*s.device).find(ir::default_graph(), s.planned.programs);
  std::vector<std::string> names(found.size());
  std::vector<size_t> launches(found.size());
  for (const plan::Step& step : s.plan().steps) {
    if (names[step.program].empty()) names[step.program] = step.name;
    ++launches[step.program];
  }
  size_t there = 0;
  Json kernels = Json::array();
  for (size_t i = 0; i < found.size(); ++i) {
    there += found[i].there;
    kernels.push_back(
        {{"name", names[i]}, {"uses", launches[i]}, {"there", found[i].there}, {"why", found[i].why}});
  }
  if (options.json) {
    fmt::print("{}\n", Json{{"kernels", kernels}, {"there", there}}.dump(1, ' ', false,
                                                                         Json::error_handler_t::replace));
    return 0;
  }
  for (size_t i = 0; i < found.size(); ++i)
    fmt::print("{:<8} {:<60} {}\n", found[i].there ? "there" : "missing", shortened(names[i], 60),
               found[i].why);
  fmt::print("{} of {} different kernels are in the cache\n", there, found.size());
  return 0;
}

int run_cache(const CacheOptions& options) {
  if (options.what == "why") return show_why(options);
  if (options.what != "stats" && options.what != "clear") {
    constexpr std::string_view kKnown[] = {"stats", "why", "clear"};
    raise_unknown("question for anneal cache", options.what, kKnown);
  }
  if (!options.rest.empty()) raise(ErrorCode::kArgument, "only cache why takes a program");
  return options.what == "stats" ? show_totals(options) : clear(options);
}

}  // namespace

Action add_cache(Options& verb) {
  const auto options = std::make_shared<CacheOptions>();
  verb.argument("what", options->what, "stats, why or clear");
  verb.rest("program", options->rest, "of why: a text file or a model");
  add_schedule_options(verb, options->request);
  verb.flag("--json", options->json, "as JSON");
  return [options] { return run_cache(*options); };
}

}  // namespace anneal::cli
