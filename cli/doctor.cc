// SPDX-License-Identifier: MIT
// anneal doctor: what runs on this machine, whether it gives right numbers, and what it can do.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <optional>

#include "anneal/error.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/scheduled.h"
#include "cli/verbs.h"
#include "device/measure.h"
#include "device/registry.h"
#include "runtime/backend.h"
#include "runtime/self_check.h"
#include "support/number_text.h"
#include "support/version.h"

namespace anneal::cli {

using support::size_text;

namespace {

struct DoctorOptions {
  std::string device;
  bool json = false;
};

struct Patient {
  std::string name, description;
  std::string problem;                // why it cannot be had at all
  bool runs = true;                   // null runs nothing, and says so
  std::vector<std::string> failures;  // "sums and maxima: element 3 is ..."
  size_t passed = 0;
  const device::Caps* caps = nullptr;  // none of the interpreter of tensor programs
  std::optional<device::Measured> measured;
  device::CodeStore* store = nullptr;

  bool is_well() const { return problem.empty() && failures.empty(); }
};

void test(Patient& p) {
  const std::vector<std::string_view> tests = runtime::self_checks();
  for (size_t i = 0; i < tests.size(); ++i) {
    std::string problem;
    try {
      problem = runtime::self_check(p.name, i);
    } catch (const Error& error) {
      problem = error.message();
    }
    if (problem.empty())
      ++p.passed;
    else
      p.failures.push_back(fmt::format("{}: {}", tests[i], problem));
  }
}

Patient examine(const std::string& name) {
  Patient p;
  p.name = name;
  if (name == "interp") {
    p.description = "interprets tensor programs: the definition that devices are held against";
  } else {
    try {
      device::Device& device = device::find_device(name);
      p.caps = &device.caps();
      p.description = p.caps->description;
      p.store = device.code_store();
      p.runs = p.caps->runs;
    } catch (const Error& error) {
      p.problem = error.message();
      return p;
    }
  }
  if (!p.runs) return p;
  test(p);
  if (p.store != nullptr)
    p.measured = device::measure(device::find_device(name));  // one that is made for speed
  return p;
}

Json patient_json(const Patient& p) {
  Json out{{"name", p.name},
           {"description", p.description},
           {"status", !p.problem.empty()    ? "missing"
                      : !p.failures.empty() ? "failed"
                      : p.runs              ? "ok"
                                            : "runs nothing"},
           {"problem", p.problem},
           {"tests_passed", p.passed},
           {"failures", p.failures}};
  if (p.caps != nullptr)
    out["limits"] = {{"threads", p.caps->threads},
                     {"vector_lanes", p.caps->vector_lanes},
                     {"slots_of_a_kernel", p.caps->max_slots},
                     {"onchip_bytes", p.caps->onchip_bytes},
                     {"cache_bytes", p.caps->cache_bytes}};
  if (p.measured)
    out["measured"] = {{"memory_bytes_per_second", p.measured->memory_bandwidth},
                       {"cache_bytes_per_second", p.measured->cache_bandwidth},
                       {"flops", p.measured->flops},
                       {"contract_flops", p.measured->contract_flops},
                       {"launch_seconds", p.measured->launch_seconds}};
  if (p.store != nullptr) {
    const device::CodeStore::Totals t = p.store->totals();
    out["code_cache"] = {
        {"folder", t.folder}, {"problem", t.problem}, {"bytes", t.bytes}, {"limit", t.limit}};
  }
  return out;
}

void print_patient(const Patient& p) {
  if (!p.problem.empty()) {
    fmt::print("{:<8} not available: {}\n", p.name, p.problem);
    return;
  }
  const size_t tests = p.passed + p.failures.size();
  const std::string state = !p.runs ? "-"
                            : p.failures.empty()
                                ? fmt::format("ok, {} of {} self-checks", p.passed, tests)
                                : fmt::format("WRONG, {} of {} self-checks", p.passed, tests);
  fmt::print("{:<8} {:<72} {}\n", p.name, p.description, state);
  for (const std::string& failure : p.failures) fmt::print("{:<8}   {}\n", "", failure);
  if (p.measured)
    fmt::print(
        "{:<8}   measured: {:.0f} GFLOP/s in products, {:.0f} elsewhere; {}/s of memory, {}/s of cache\n", "",
        p.measured->contract_flops / 1e9, p.measured->flops / 1e9, size_text(p.measured->memory_bandwidth),
        size_text(p.measured->cache_bandwidth));
  if (p.caps != nullptr && p.store != nullptr)
    fmt::print("{:<8}   limits: {} threads, {} lanes, {} on chip, {} of cache\n", "", p.caps->threads,
               p.caps->vector_lanes, size_text(static_cast<uint64_t>(p.caps->onchip_bytes)),
               size_text(static_cast<uint64_t>(p.caps->cache_bytes)));
  if (p.store == nullptr) return;
  const device::CodeStore::Totals t = p.store->totals();
  if (t.folder.empty())
    fmt::print("{:<8}   compiled kernels are not kept\n", "");
  else
    fmt::print("{:<8}   compiled kernels: {} of {} in {}{}\n", "", size_text(t.bytes), size_text(t.limit),
               t.folder, t.problem.empty() ? "" : ": " + t.problem);
}

int run_doctor(const DoctorOptions& options) {
  std::vector<std::string> names = runtime::device_names();
  if (!options.device.empty()) {
    device_of(options.device);  // raises, with the names that there are
    names = {options.device};
  }
  const std::string chosen = runtime::device_name({});
  Json devices = Json::array();
  bool is_well = true;
  if (!options.json)
    fmt::print("anneal {} (commit {}, {})\n", support::version(), support::commit(), support::compiler());
  for (const std::string& name : names) {
    const Patient p = examine(name);
    is_well = is_well && (p.is_well() || (name != chosen && !p.problem.empty()));
    if (options.json)
      devices.push_back(patient_json(p));
    else
      print_patient(p);
  }
  if (options.json)
    fmt::print("{}\n", Json{{"version", support::version()}, {"default", chosen}, {"devices", devices}}.dump(
                           1, ' ', false, Json::error_handler_t::replace));
  else
    fmt::print("default  {}\n", chosen);
  return is_well ? 0 : 1;
}

}  // namespace

Action add_doctor(Options& verb) {
  const auto options = std::make_shared<DoctorOptions>();
  verb.option("--device", options->device, "only this one");
  verb.flag("--json", options->json, "as JSON");
  return [options] { return run_doctor(*options); };
}

}  // namespace anneal::cli
