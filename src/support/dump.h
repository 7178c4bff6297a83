// SPDX-License-Identifier: MIT
// What the compiler shows of its work: after each named step its result as a file (ANNEAL_DUMP,
// ANNEAL_DUMP_DIR), and a line with its time (ANNEAL_DEBUG). Shared by the passes over graphs (src/pass) and
// by the stages behind them, which are listed here in their order. Tested by dump_test.cc.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace anneal::support {

enum class StageId : uint8_t {
  kSimplify,
  kPrepare,
  kIndexing,
  kCascades,
  kScopes,
  kKernels,
  kOrder,
  kPlan,
  kLoops,
  kContractions,
  kRender,
};

struct StageInfo {
  std::string_view name, needs, gives;
  std::string_view ending;  // of its dump
  std::string_view meaning;
};
std::span<const StageInfo> all_stages();  // in order, by StageId
const StageInfo& stage_info(StageId stage);

bool dump_wanted(std::string_view step);
// DIR/NN-step.ending; when this process has written that one before, NN-step.2.ending and so on. Raises
// kData.
void write_dump(size_t number, std::string_view step, std::string_view ending, std::string_view text);
// The line of ANNEAL_DEBUG=1.
void report_step(std::string_view step, double milliseconds, std::string_view detail);

// The time that one run of the compiler spends in each stage, also when it goes to and fro between them.
class StageClock {
 public:
  void enter(StageId stage);  // time from now on is this one's
  void leave();
  double milliseconds(StageId stage) const;

  // Its line, and its dump, of which the text is only made when it is asked for.
  template <typename Text>
  void show(StageId stage, std::string_view detail, const Text& text) const {
    const StageInfo& info = stage_info(stage);
    report_step(info.name, milliseconds(stage), detail);
    if (dump_wanted(info.name)) write_dump(static_cast<size_t>(stage) + 1, info.name, info.ending, text());
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::optional<StageId> current_;
  Clock::time_point since_;
  std::array<Clock::duration, static_cast<size_t>(StageId::kRender) + 1> spent_{};
};

}  // namespace anneal::support
