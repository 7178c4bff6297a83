// SPDX-License-Identifier: MIT
#include "support/dump.h"

#include <cstdio>
#include <map>

#include "anneal/error.h"
#include "support/flags.h"
#include "support/lock.h"

namespace anneal::support {
namespace {

constexpr StageInfo kStages[] = {
    {"simplify", "tensor", "tensor", "ir", "the laws of arithmetic and movement, to a fixpoint"},
    {"prepare", "tensor", "tensor", "ir",
     "running folds of narrow floats go in f32, one-element scatters are selections; simplified after that"},
    {"indexing", "tensor", "values", "txt",
     "movement is looked through: what each value reads, and by which map"},
    {"cascades", "values", "values", "txt",
     "pairs of rows that are made again, so that a reduction goes on into the next without storing them"},
    {"scopes", "values", "groups", "txt",
     "which values are made where they are used, and which share a kernel, with every decision"},
    {"kernels", "groups", "kernel", "ir", "each group as a sink of statements over scalar expressions"},
    {"order", "kernel", "kernel", "txt", "kernels that run as one launch, and the order of launches"},
    {"plan", "kernel", "plan", "txt",
     "where each value lies, what is overwritten, what is checked at launch"},
    {"loops", "kernel", "loops", "txt",
     "each different kernel as loops: grid, vectors, contractions, phases"},
    {"contractions", "loops", "loops", "ir",
     "which loops are a sum of products for a device's skeleton: its axes, its factors, what rides along"},
    {"render", "loops", "code", "txt", "what the device makes of the loops: LLVM IR on cpu"},
};
static_assert(std::size(kStages) == static_cast<size_t>(StageId::kRender) + 1);

// How often a file was written by this process.
size_t times_written(const std::string& path) {
  static RecursiveLock& lock = *new RecursiveLock;
  static auto& times = *new std::map<std::string, size_t>;
  lock.lock();
  const size_t n = ++times[path];
  lock.unlock();
  return n;
}

}  // namespace

std::span<const StageInfo> all_stages() { return kStages; }
const StageInfo& stage_info(StageId stage) { return kStages[static_cast<size_t>(stage)]; }

bool dump_wanted(std::string_view step) { return flag_names(Flag::kDump, step); }

void write_dump(size_t number, std::string_view step, std::string_view ending, std::string_view text) {
  std::string path = flag_text(Flag::kDumpDir) + (number < 10 ? "/0" : "/") + std::to_string(number) + "-" +
                     std::string(step);
  if (const size_t n = times_written(path); n > 1) path += "." + std::to_string(n);
  path += "." + std::string(ending);
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) raise(ErrorCode::kData, "ANNEAL_DUMP: cannot write " + path);
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !whole) raise(ErrorCode::kData, "ANNEAL_DUMP: cannot write all of " + path);
}

void report_step(std::string_view step, double milliseconds, std::string_view detail) {
  if (flag_level(Flag::kDebug) < 1) return;
  std::fprintf(stderr, "%-20.*s %8.2f ms  %.*s\n", static_cast<int>(step.size()), step.data(), milliseconds,
               static_cast<int>(detail.size()), detail.data());
}

void StageClock::enter(StageId stage) {
  leave();
  current_ = stage;
  since_ = Clock::now();
}

void StageClock::leave() {
  if (current_) spent_[static_cast<size_t>(*current_)] += Clock::now() - since_;
  current_.reset();
}

double StageClock::milliseconds(StageId stage) const {
  return std::chrono::duration<double, std::milli>(spent_[static_cast<size_t>(stage)]).count();
}

}  // namespace anneal::support
