// SPDX-License-Identifier: MIT
#include "plan/check_plan.h"

#include <algorithm>
#include <map>

namespace anneal::plan {

namespace {

constexpr uint32_t kNobody = ~0u;

// Who wrote each byte of the arena last, as runs.
class Ownership {
 public:
  void write(uint64_t begin, uint64_t end, uint32_t owner) {
    if (begin == end) return;
    split(begin);
    split(end);
    runs_.erase(runs_.lower_bound(begin), runs_.lower_bound(end));
    runs_[begin] = {end, owner};
  }
  // Whether all of it belongs to the owner.
  bool holds(uint64_t begin, uint64_t end, uint32_t owner) const {
    while (begin < end) {
      auto it = runs_.upper_bound(begin);
      if (it == runs_.begin()) return false;
      --it;
      if (it->second.end <= begin || it->second.owner != owner) return false;
      begin = it->second.end;
    }
    return true;
  }

 private:
  struct Run {
    uint64_t end;
    uint32_t owner;
  };
  void split(uint64_t at) {
    auto it = runs_.lower_bound(at);
    if (it == runs_.begin()) return;
    --it;
    if (it->second.end <= at) return;
    runs_[at] = it->second;
    it->second.end = at;
  }
  std::map<uint64_t, Run> runs_;  // by begin
};

class Checker {
 public:
  explicit Checker(const ExecPlan& plan)
      : plan_(plan), input_owner_(plan.inputs.size(), kNobody), written_(plan.blocks.size(), false) {}

  std::string run() {
    for (size_t i = 0; i < plan_.steps.size() && bad_.empty();) {
      size_t end = i;
      while (end < plan_.steps.size() && plan_.steps[end].launch == plan_.steps[i].launch) ++end;
      check_launch(i, end);
      i = end;
    }
    for (const Result& r : plan_.results)
      if (bad_.empty()) check_result(plan_.blocks[r.block], r.block);
    return bad_;
  }

 private:
  const Use& use(const Step& s, uint32_t i) const { return plan_.uses[s.first_use + i]; }

  bool is_input_itself(uint32_t block) const {
    return plan_.blocks[block].place == Place::kInput && !written_by_plan(block);
  }
  bool written_by_plan(uint32_t block) const {
    return std::any_of(plan_.uses.begin(), plan_.uses.end(),
                       [&](const Use& u) { return u.written && u.block == block; });
  }

  bool holds(uint32_t number) const {
    const Block& b = plan_.blocks[number];
    if (b.place == Place::kArena) return arena_.holds(b.offset, b.offset + b.bytes, number);
    if (b.place == Place::kResult) return b.bytes == 0 || written_[number];
    const uint32_t owner = input_owner_[b.number];
    return owner == number || (owner == kNobody && is_input_itself(number));
  }

  void fail(const Step& s, uint32_t block, const std::string& what) {
    if (bad_.empty()) bad_ = "step '" + s.name + "': " + what + " '" + plan_.blocks[block].name + "'";
  }

  static bool overlap(const Block& a, const Block& b) {
    if (a.place != b.place || a.bytes == 0 || b.bytes == 0) return false;
    if (a.place != Place::kArena) return a.number == b.number;
    return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
  }

  void check_launch(size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i)
      for (uint32_t u = 0; u < plan_.steps[i].uses; ++u) check_use(begin, end, i, use(plan_.steps[i], u));
    for (size_t i = begin; i < end; ++i)
      for (uint32_t u = 0; u < plan_.steps[i].uses; ++u) {
        const Use& written = use(plan_.steps[i], u);
        if (!written.written) continue;
        const Block& b = plan_.blocks[written.block];
        written_[written.block] = true;
        if (b.place == Place::kArena) arena_.write(b.offset, b.offset + b.bytes, written.block);
        if (b.place == Place::kInput) input_owner_[b.number] = written.block;
      }
  }

  void check_use(size_t begin, size_t end, size_t step, const Use& one) {
    const Step& s = plan_.steps[step];
    const Block& b = plan_.blocks[one.block];
    if (b.place == Place::kArena && (b.offset + b.bytes > plan_.arena_bytes || b.offset % kAlignment != 0))
      fail(s, one.block, "outside the arena, or not aligned:");
    if (!one.written) {
      if (!holds(one.block)) fail(s, one.block, "the memory does not hold");
      return;
    }
    if (written_[one.block]) fail(s, one.block, "writes again");
    if (b.place == Place::kInput && !plan_.inputs[b.number].overwritten)
      fail(s, one.block, "writes an input:");
    for (size_t i = begin; i < end; ++i)
      for (uint32_t u = 0; u < plan_.steps[i].uses; ++u) {
        const Use& other = use(plan_.steps[i], u);
        if (&other == &one || !overlap(b, plan_.blocks[other.block])) continue;
        const Block& o = plan_.blocks[other.block];
        const bool in_place = !other.written && i == step && o.offset == b.offset && o.bytes == b.bytes;
        if (!in_place) fail(s, one.block, "is in the way of '" + o.name + "' with");
      }
  }

  void check_result(const Block& b, uint32_t number) {
    if (b.place == Place::kArena) bad_ = "a result lies in the arena: " + b.name;
    if (!holds(number)) bad_ = "the memory does not hold the result '" + b.name + "'";
  }

  const ExecPlan& plan_;
  Ownership arena_;
  std::vector<uint32_t> input_owner_;  // the block that was written there last
  std::vector<bool> written_;          // by block
  std::string bad_;
};

}  // namespace

std::string check_plan(const ExecPlan& plan) { return Checker(plan).run(); }

}  // namespace anneal::plan
