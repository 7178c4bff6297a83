// SPDX-License-Identifier: MIT
// The files of a run bundle that grow while it runs: a line at a time, so that what was written is there
// whatever becomes of the process. A last line without its end is what a killed one did not finish, and is
// left out. Tested by logs_test.cc and bundle_fuzz.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/message.h"

namespace anneal::bundles {

using io::Result;

// A line of loss.csv. The loss comes back bit for bit.
struct LossRow {
  int64_t step = 0;
  double loss = 0, wall_ms = 0;
  friend bool operator==(const LossRow&, const LossRow&) = default;
};
inline constexpr std::string_view kLossHead = "step,loss,wall_ms\n";
std::string loss_line(const LossRow& row);
// Steps must follow one another.
Result<std::vector<LossRow>> parse_losses(std::string_view text, std::string_view label);

// A line of generation.ndjson: what was drawn, and what could be shown of it then.
struct TokenRow {
  int64_t index = 0;
  int32_t token = 0;
  std::string text;
  double wall_ms = 0;
  friend bool operator==(const TokenRow&, const TokenRow&) = default;
};
std::string token_line(const TokenRow& row);
Result<std::vector<TokenRow>> parse_tokens(std::string_view text, std::string_view label);

// A line of events.ndjson.
struct Event {
  double wall_ms = 0;
  std::string event;  // "started", "compiled", "saved", "completed", "stopped", "failed"
  int64_t step = 0;
  std::string detail;
  friend bool operator==(const Event&, const Event&) = default;
};
std::string event_line(const Event& event);
Result<std::vector<Event>> parse_events(std::string_view text, std::string_view label);

// A file that lines are put behind, each with one call, so that it is whole or not there.
class LineFile {
 public:
  LineFile() = default;
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  Result<void> create(const std::string& path);  // fails where there is one
  Result<void> append(std::string_view line);
  // Holds a lock on the file until this ends: a sign of life, see is_locked.
  void lock();

 private:
  std::string path_;
  int file_ = -1;
};
bool is_locked(const std::string& path);

}  // namespace anneal::bundles
