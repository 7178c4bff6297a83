// SPDX-License-Identifier: MIT
// Writes the bundle of a run while it runs: whole files are replaced in one go, logs grow line by line. What
// cannot be written raises. Tested by recorder_test.cc.
#pragma once

#include <chrono>
#include <string>

#include "bundles/program_log.h"
#include "bundles/store.h"

namespace anneal::bundles {

class Recorder {
 public:
  // Makes the bundle, in run_folder(). `programs` may grow later: what is new is written with the next line.
  // Of the manifest the caller gives kind, device and adapter.
  Recorder(Manifest manifest, Config config, const ProgramLog& programs);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  const std::string& id() const { return place_.id; }
  const std::string& folder() const { return place_.folder; }
  std::string path(std::string_view file) const { return place_.folder + "/" + std::string(file); }

  void loss(int64_t step, double loss);
  void token(int32_t token, const std::string& text);
  // The checkpoint was written to path(kCheckpoint).
  void saved(int64_t step);
  // The last call, but for one: where a run fails at its end, that is how it ended.
  void end(State state, const std::string& message = {});
  // Failed, as far as that can still be written.
  void try_end(const std::string& message) noexcept;

 private:
  double elapsed_ms() const;
  void write_programs();
  void write_manifest();
  void write_whole(const std::string& file, const std::string& text);
  void write_quickly(const std::string& folder, const std::string& file, const std::string& text);
  void event(const std::string& what, const std::string& detail = {});

  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin_ = Clock::now();
  Manifest manifest_;
  Config config_;
  const ProgramLog& programs_;
  NewBundle place_;
  LineFile losses_, tokens_, events_;
  bool is_written_ = false;  // the files of programs, once at least
  size_t programs_written_ = 0, kernels_written_ = 0;
};

// What is said of this process and the device that it uses; kind and model are the caller's.
Manifest manifest_of_now(const std::string& device_name, runtime::Context* context);
// The environment variables that matter to a run, where they are set.
std::map<std::string, std::string> flags_of_now();
// Each file with its sum; an empty path is this project's documentation. Raises for what cannot be read.
std::vector<InputFile> described(const std::vector<std::string>& paths);

}  // namespace anneal::bundles
