// SPDX-License-Identifier: MIT
// anneal explain mem: how much memory is alive at each launch of a plan, what the most of it is, and what
// lies in memory that something else had before.
#include <fmt/format.h>

#include <algorithm>

#include "cli/json.h"
#include "cli/scheduled.h"
#include "support/number_text.h"

namespace anneal::cli {

using support::size_text;

namespace {

using plan::Block;
using plan::ExecPlan;
using plan::Place;

struct Life {
  uint32_t block = 0;
  uint32_t first = 0, last = 0;  // launches
};

// A value that is made in the memory of one that the same step reads for the last time.
struct Reuse {
  uint32_t block = 0, of = 0, launch = 0;
};

struct Memory {
  std::vector<Life> lives;      // of the arena
  std::vector<uint64_t> alive;  // bytes, by launch
  uint32_t peak_at = 0;
  uint64_t peak = 0;  // the most that is alive
  std::vector<Reuse> reused;
  uint64_t inputs = 0, results = 0, overwritten = 0;
};

// Bytes of the arena that some value of these has: values in place of others count once.
uint64_t covered(const ExecPlan& plan, std::vector<uint32_t> blocks) {
  std::sort(blocks.begin(), blocks.end(), [&](uint32_t a, uint32_t b) {
    return std::pair(plan.blocks[a].offset, a) < std::pair(plan.blocks[b].offset, b);
  });
  uint64_t bytes = 0, end = 0;
  for (uint32_t b : blocks) {
    const uint64_t begin = std::max(plan.blocks[b].offset, end);
    end = std::max(end, plan.blocks[b].offset + plan::aligned(plan.blocks[b].bytes));
    bytes += end - std::min(begin, end);
  }
  return bytes;
}

void find_reused(const ExecPlan& plan, const plan::Step& step, Memory& out) {
  for (uint32_t i = 0; i < step.uses; ++i) {
    const plan::Use& written = plan.uses[step.first_use + i];
    const Block& b = plan.blocks[written.block];
    for (uint32_t j = 0; written.written && b.bytes != 0 && j < step.uses; ++j) {
      const plan::Use& read = plan.uses[step.first_use + j];
      const Block& r = plan.blocks[read.block];
      const bool same =
          r.place == b.place && (b.place == Place::kArena ? r.offset == b.offset : r.number == b.number);
      if (read.written || read.block == written.block || !same || r.bytes == 0) continue;
      out.reused.push_back({written.block, read.block, step.launch});
      break;
    }
  }
}

Memory memory_of(const ExecPlan& plan) {
  Memory out;
  std::vector<int64_t> life(plan.blocks.size(), -1);
  for (const plan::Step& step : plan.steps) {
    for (uint32_t i = 0; i < step.uses; ++i) {
      const uint32_t b = plan.uses[step.first_use + i].block;
      if (plan.blocks[b].place != Place::kArena || plan.blocks[b].bytes == 0) continue;
      if (life[b] < 0) {
        life[b] = static_cast<int64_t>(out.lives.size());
        out.lives.push_back({b, step.launch, step.launch});
      }
      out.lives[static_cast<size_t>(life[b])].last = step.launch;
    }
    find_reused(plan, step, out);
  }
  out.alive.assign(plan.launches, 0);
  for (uint32_t t = 0; t < plan.launches; ++t) {
    std::vector<uint32_t> blocks;
    for (const Life& l : out.lives)
      if (l.first <= t && t <= l.last) blocks.push_back(l.block);
    out.alive[t] = covered(plan, std::move(blocks));
    if (out.alive[t] > out.peak) out.peak = out.alive[t], out.peak_at = t;
  }
  for (const plan::Input& input : plan.inputs) {
    out.inputs += input.bytes;
    if (input.overwritten) out.overwritten += input.bytes;
  }
  for (uint64_t bytes : plan.result_bytes) out.results += bytes;
  return out;
}

// A column for some launches: the most that is alive at one of them.
void print_chart(const Memory& m) {
  constexpr size_t kColumns = 72, kRows = 8;
  const size_t launches = m.alive.size();
  if (launches == 0 || m.peak == 0) return;
  const size_t columns = std::min(kColumns, launches);
  std::vector<uint64_t> high(columns, 0);
  for (size_t t = 0; t < launches; ++t)
    high[t * columns / launches] = std::max(high[t * columns / launches], m.alive[t]);
  for (size_t row = kRows; row-- > 0;) {
    const double level = static_cast<double>(m.peak) * static_cast<double>(row + 1) / kRows;
    std::string line;
    for (uint64_t h : high) {
      const double filled =
          static_cast<double>(h) / static_cast<double>(m.peak) * kRows - static_cast<double>(row);
      line += filled >= 0.75 ? '#' : filled > 0.25 ? ':' : filled > 0 ? '.' : ' ';
    }
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{:>10} |{}\n", size_text(level), line);
  }
  fmt::print("{:>10} +{}\n{:>12}{:<{}}{}\n", "", std::string(columns, '-'), "", 0,
             std::max<size_t>(columns, 10) - fmt::formatted_size("{}", launches - 1), launches - 1);
}

std::vector<Life> largest_at_peak(const ExecPlan& plan, const Memory& m) {
  std::vector<Life> out;
  for (const Life& l : m.lives)
    if (l.first <= m.peak_at && m.peak_at <= l.last) out.push_back(l);
  std::sort(out.begin(), out.end(), [&](const Life& a, const Life& b) {
    return std::pair(plan.blocks[b.block].bytes, a.block) < std::pair(plan.blocks[a.block].bytes, b.block);
  });
  return out;
}

std::string launch_name(const Scheduled& s, uint32_t t) { return s.schedule().launches[t].name; }

void print_text(const Scheduled& s, const Memory& m) {
  constexpr size_t kShown = 10;
  const ExecPlan& plan = s.plan();
  const auto text = [](uint64_t bytes) { return size_text(bytes); };
  fmt::print("memory of {} over its {} launches\n\n", s.loaded.name, plan.launches);
  print_chart(m);
  const double ratio = plan.lower_bound == 0
                           ? 1
                           : static_cast<double>(plan.arena_bytes) / static_cast<double>(plan.lower_bound);
  fmt::print("\n  {:<12}{}, {:.3f} of the lower bound {}: what is alive at one time at most\n", "peak",
             text(plan.arena_bytes), ratio, text(plan.lower_bound));
  fmt::print("  {:<12}{}, of which {} are overwritten by their next values\n", "inputs", text(m.inputs),
             text(m.overwritten));
  fmt::print("  {:<12}{} of new memory\n", "results", text(m.results));
  if (m.peak == 0) {
    fmt::print("\nnothing is stored between kernels\n");
    return;
  }
  const std::vector<Life> largest = largest_at_peak(plan, m);
  fmt::print("\nalive at launch {}, {}: {} values\n", m.peak_at, launch_name(s, m.peak_at), largest.size());
  for (size_t i = 0; i < std::min(kShown, largest.size()); ++i)
    fmt::print("  {:>10}  {:<52} launches {} to {}\n", text(plan.blocks[largest[i].block].bytes),
               shortened(plan.blocks[largest[i].block].name, 52), largest[i].first, largest[i].last);
  fmt::print("\nmade in place of what the same kernel reads: {}\n", m.reused.size());
  for (size_t i = 0; i < std::min(kShown, m.reused.size()); ++i)
    fmt::print("  {:>10}  {} in place of {}\n", text(plan.blocks[m.reused[i].block].bytes),
               plan.blocks[m.reused[i].block].name, plan.blocks[m.reused[i].of].name);
  if (m.reused.size() > kShown) fmt::print("  {:>10}  and {} more\n", "", m.reused.size() - kShown);
}

void print_json(const Scheduled& s, const Memory& m) {
  const ExecPlan& plan = s.plan();
  Json largest = Json::array(), reused = Json::array();
  for (const Life& l : largest_at_peak(plan, m))
    largest.push_back({{"name", plan.blocks[l.block].name},
                       {"bytes", plan.blocks[l.block].bytes},
                       {"first", l.first},
                       {"last", l.last}});
  for (const Reuse& r : m.reused)
    reused.push_back({{"name", plan.blocks[r.block].name},
                      {"of", plan.blocks[r.of].name},
                      {"bytes", plan.blocks[r.block].bytes},
                      {"launch", r.launch}});
  const Json out{{"peak", plan.arena_bytes}, {"lower_bound", plan.lower_bound},
                 {"peak_launch", m.peak_at}, {"timeline", m.alive},
                 {"inputs", m.inputs},       {"overwritten", m.overwritten},
                 {"results", m.results},     {"largest_at_peak", largest},
                 {"in_place", reused}};
  fmt::print("{}\n", out.dump(1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

int explain_mem(const ScheduleRequest& request, bool json) {
  const Scheduled s = schedule_program(request);
  const Memory m = memory_of(s.plan());
  if (json)
    print_json(s, m);
  else
    print_text(s, m);
  return 0;
}

}  // namespace anneal::cli
