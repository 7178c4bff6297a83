// SPDX-License-Identifier: MIT
// anneal fetch: the files that this program knows to get, into the cache.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "assets/registry.h"
#include "cli/common.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "support/number_text.h"

namespace anneal::cli {
namespace {

using assets::Asset;
using support::size_text;

struct FetchVerbOptions {
  std::vector<std::string> names;
  bool json = false;
};

// The files of a set, or the one of that name.
std::vector<const Asset*> assets_of(const std::string& name) {
  std::vector<const Asset*> found;
  std::vector<std::string_view> known;
  for (const Asset& asset : assets::all_assets()) {
    if (asset.name == name || assets::set_of(asset) == name) found.push_back(&asset);
    if (known.empty() || known.back() != assets::set_of(asset)) known.push_back(assets::set_of(asset));
  }
  if (found.empty()) raise_unknown("set of files", name, known);
  return found;
}

int list_assets(const FetchVerbOptions& verb, const assets::FetchOptions& options) {
  Json list = Json::array();
  for (const Asset& asset : assets::all_assets()) {
    const std::string path = options.folder.empty() ? std::string() : assets::path_of(asset, options);
    std::error_code unknown;
    const bool there = !path.empty() && std::filesystem::exists(path, unknown);
    const std::string_view state = there ? "there" : asset.sha256.empty() ? "by hand" : "missing";
    if (verb.json)
      list.push_back({{"name", asset.name},
                      {"url", asset.url},
                      {"bytes", asset.size},
                      {"sha256", asset.sha256},
                      {"path", path},
                      {"state", state}});
    else
      fmt::print("{:<30} {:>9}  {:<8} {}\n", asset.name, asset.size == 0 ? "?" : size_text(asset.size), state,
                 path);
  }
  if (verb.json) fmt::print("{}\n", list.dump(1, ' ', false, Json::error_handler_t::replace));
  return 0;
}

// One line on a terminal, at most ten times a second.
class ProgressLine {
 public:
  explicit ProgressLine(std::string_view name) : name_(name), shown_(::isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() {
    if (printed_) fmt::print(stderr, "\n");
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const assets::Progress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ ||
        (printed_ && progress.have < progress.size && now - last_ < std::chrono::milliseconds(100)))
      return;
    last_ = now;
    printed_ = true;
    fmt::print(stderr, "\r{}: {} of {}, {:.1f} MB/s   ", name_, size_text(progress.have),
               size_text(progress.size), progress.bytes_per_second / 1e6);
    std::fflush(stderr);
  }

 private:
  std::string name_;
  bool shown_, printed_ = false;
  std::chrono::steady_clock::time_point last_;
};

// All that can be had, then what was wrong with the others.
int fetch_assets(const FetchVerbOptions& verb) {
  std::vector<const Asset*> wanted;
  for (const std::string& name : verb.names)
    for (const Asset* asset : assets_of(name)) wanted.push_back(asset);
  std::string problems;
  Json list = Json::array();
  for (const Asset* asset : wanted) {
    ProgressLine line(asset->name);
    assets::FetchOptions options = assets::default_options();
    options.progress = [&line](const assets::Progress& progress) { line.show(progress); };
    const io::Result<std::string> path = assets::fetch(*asset, options);
    if (!path) {
      problems += (problems.empty() ? "" : "\n") + path.message();
    } else if (verb.json) {
      list.push_back({{"name", asset->name}, {"path", *path}});
    } else {
      fmt::print("{}\n", *path);
    }
  }
  if (verb.json) fmt::print("{}\n", list.dump(1, ' ', false, Json::error_handler_t::replace));
  if (!problems.empty()) raise(ErrorCode::kData, problems);
  return 0;
}

}  // namespace

Action add_fetch(Options& verb) {
  const auto options = std::make_shared<FetchVerbOptions>();
  verb.rest("name", options->names, "sets of files, or files; none: a list of all, with where they are");
  verb.flag("--json", options->json, "as JSON");
  return [options] {
    return options->names.empty() ? list_assets(*options, assets::default_options()) : fetch_assets(*options);
  };
}

}  // namespace anneal::cli
