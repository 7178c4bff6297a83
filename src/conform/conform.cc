// SPDX-License-Identifier: MIT
#include "conform/conform.h"

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "conform/entry.h"
#include "io/json_file.h"
#include "ir/graph.h"
#include "runtime/backend.h"
#include "support/nearest.h"

namespace anneal::conform {

using Json = nlohmann::json;

namespace {

// Raises for a name that is none of these.
size_t find_name(std::string_view what, const std::string& name, const std::vector<std::string>& names) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at != names.end()) return static_cast<size_t>(at - names.begin());
  const std::vector<std::string_view> views(names.begin(), names.end());
  std::string text = "there is no " + std::string(what) + " " + io::in_quotes(name) +
                     support::nearest_hint("; the nearest is ", name.substr(0, 100), views) + "\navailable " +
                     std::string(what) + "s:";
  for (std::string_view known : views) text += " " + std::string(known);
  raise(ErrorCode::kName, std::move(text));
}

std::regex compile_filter(const std::string& filter) {
  try {
    return std::regex(filter, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error& error) {
    raise(ErrorCode::kArgument,
          "filter: " + io::in_quotes(filter) + " is not a regular expression: " + error.what());
  }
}

// Long names are cut: the regular expressions of the standard library recurse over what they search.
bool selected(const std::regex& filter, const std::string& name) {
  constexpr size_t kSearched = 200;
  return std::regex_search(name.substr(0, kSearched), filter);
}

std::string text_at(const Json& entry, const char* key) {
  if (!entry.is_object()) return {};
  const auto it = entry.find(key);
  return it != entry.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// The first ones, and how many there are.
std::string joined(const std::vector<std::string>& parts) {
  constexpr size_t kShown = 3;
  std::string out;
  for (size_t i = 0; i < std::min(kShown, parts.size()); ++i) out += (i == 0 ? "" : "; ") + parts[i];
  if (parts.size() > kShown) out += "; and " + std::to_string(parts.size() - kShown) + " more";
  return out;
}

EntryResult run_entry(const Json& json, size_t place, const io::SafeTensors& tensors,
                      const ConformOptions& options) {
  EntryResult result{.name = text_at(json, "name"), .op = text_at(json, "op")};
  Entry entry(json, tensors, result.name, options);
  try {
    if (!json.is_object()) raise(ErrorCode::kData, "the entry is not an object");
    if (result.name.empty()) raise(ErrorCode::kData, "the entry has no \"name\"");
    if (result.op.empty()) raise(ErrorCode::kData, "the entry has no \"op\"");
    if (result.op == "model")
      run_model(entry);
    else
      run_op(entry, result.op);
  } catch (const Error& error) {
    entry.fail("", first_line(error.message()));
  } catch (const std::exception& error) {  // out of memory, most likely
    entry.fail("", error.what());
  }
  if (result.name.empty()) result.name = "#" + std::to_string(place);
  result.error = entry.worst();
  result.gradients = entry.gradients();
  result.message = io::printable(joined(entry.failures()), 400);
  if (!entry.failures().empty()) result.status = Status::kFailed;
  return result;
}

}  // namespace

ConformReport run_conform(const std::string& path, const ConformOptions& options) {
  find_name("device", options.device, runtime::device_names());
  runtime::Settings settings{.device = options.device};
  settings.plan.fuse = static_cast<schedule::Fuse>(find_name(
      "fuse level", options.fuse, {std::begin(schedule::kFuseNames), std::end(schedule::kFuseNames)}));
  settings.plan.share = !options.unplanned;
  const runtime::Using device(settings);
  if (is_checkpoint_folder(path)) return run_checkpoint(path, options);
  const std::regex filter = compile_filter(options.filter);
  io::Result<Json> json = io::read_json(path + ".json");
  if (!json) raise(ErrorCode::kData, json.message());
  if (!json->is_array()) raise(ErrorCode::kData, path + ".json: a list of entries is needed");
  const io::Result<io::SafeTensors> tensors = io::SafeTensors::open(path + ".safetensors");
  if (!tensors) raise(ErrorCode::kData, tensors.message());

  std::set<std::string> names;
  for (const Json& item : *json)
    if (const std::string name = text_at(item, "name"); !name.empty() && !names.insert(name).second)
      raise(ErrorCode::kData, path + ".json: two entries are called " + io::in_quotes(name));

  ConformReport report;
  for (size_t i = 0; i < json->size(); ++i) {
    const Json& item = (*json)[i];
    EntryResult result{.name = text_at(item, "name"), .op = text_at(item, "op"), .status = Status::kSkipped};
    if (options.filter.empty() || selected(filter, result.name)) {
      result = run_entry(item, i, *tensors, options);
      ir::default_graph().collect();  // this entry's tensors go before the next one's come
    }
    (result.status == Status::kPassed   ? report.passed
     : result.status == Status::kFailed ? report.failed
                                        : report.skipped) += 1;
    if (options.on_entry) options.on_entry(result);
    report.entries.push_back(std::move(result));
  }
  return report;
}

}  // namespace anneal::conform
