// SPDX-License-Identifier: MIT
// Where run bundles are: one folder each, in that of ANNEAL_RUN_DIR or in runs/ of the cache, named by time,
// model and six digits of chance. Nothing in a bundle is followed out of it: files go by plain names, and a
// symbolic link is refused. Tested by store_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bundles/logs.h"
#include "bundles/manifest.h"

namespace anneal::bundles {

// The files of a bundle.
inline constexpr char kManifest[] = "manifest.json", kConfig[] = "config.json", kLosses[] = "loss.csv",
                      kTokens[] = "generation.ndjson", kEvents[] = "events.ndjson", kGraph[] = "graph.json",
                      kSchedule[] = "schedule.json", kKernels[] = "kernels",
                      kCheckpoint[] = "checkpoint.safetensors", kStart[] = "start.safetensors";

// A failure when there is no folder for caches and none was named.
Result<std::string> run_folder();

struct NewBundle {
  std::string id, folder, created_at;
};
// An empty folder that is nobody else's.
Result<NewBundle> create_bundle(const std::string& run_folder, std::string_view model);

struct Bundle {
  std::string id, folder;
  Manifest manifest;
  Config config;
  bool is_alive = false;  // a process is writing it

  // "completed", "running", "killed".
  std::string_view state() const;
  std::string path(std::string_view file) const { return folder + "/" + std::string(file); }
};

// Whether `text` has the form of an id: 20260131T235959.123Z-nanogpt-1f2e3d.
bool is_id(std::string_view text);

// The folder of a bundle: by its id, what it begins with or its last six digits when they name one alone, by
// "last", or by a path, which has a '/'. Fails with the nearest ones.
Result<std::string> find_bundle(const std::string& run_folder, const std::string& name);
Result<Bundle> read_bundle(const std::string& folder);

// A file of the bundle, which must be a file and no link. One that is not there is a failure that says so.
Result<std::string> read_file_of(const Bundle& bundle, std::string_view name);
bool has_file(const Bundle& bundle, std::string_view name);
Result<std::vector<LossRow>> losses_of(const Bundle& bundle);  // none where there is no file
Result<std::vector<TokenRow>> tokens_of(const Bundle& bundle);
// The names of the files in kernels/, in order.
Result<std::vector<std::string>> kernels_of(const Bundle& bundle);

struct Listed {
  std::string id;
  uint64_t bytes = 0;
  std::string problem;  // why it cannot be read; empty: it can
  Bundle bundle;        // with the steps and the loss of now
};
// The oldest first; none where there is no folder.
Result<std::vector<Listed>> list_bundles(const std::string& run_folder);
uint64_t bytes_of(const std::string& folder);

// By the whole of its id. One that is being written is not removed.
Result<void> remove_bundle(const std::string& run_folder, const std::string& id);

}  // namespace anneal::bundles
