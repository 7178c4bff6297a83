// SPDX-License-Identifier: MIT
#include "runtime/executor.h"

#include <algorithm>
#include <numeric>

#include "anneal/error.h"
#include "plan/guards.h"
#include "support/check.h"
#include "support/number_text.h"

namespace anneal::runtime {

using plan::Place;
using support::size_text;

std::string largest_blocks(const plan::ExecPlan& plan) {
  constexpr size_t kShown = 5;
  std::vector<size_t> order(plan.blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const uint64_t left = plan.blocks[a].bytes, right = plan.blocks[b].bytes;
    return left != right ? left > right : a < b;
  });
  std::string text;
  for (size_t i = 0; i < std::min(kShown, order.size()); ++i)
    text += "\n  " + size_text(plan.blocks[order[i]].bytes) + "  " + plan.blocks[order[i]].name;
  return text;
}

Executor::Executor(Home home, std::shared_ptr<const plan::ExecPlan> plan,
                   std::vector<std::shared_ptr<const device::Executable>> code)
    : home_(home), plan_(std::move(plan)), code_(std::move(code)) {
  for (uint32_t i = 0; i < plan_->uses.size(); ++i) {
    const plan::Block& block = plan_->blocks[plan_->uses[i].block];
    slots_.push_back({nullptr, static_cast<size_t>(block.offset)});
    if (block.place == Place::kInput) inputs_.push_back({i, block.number});
    if (block.place == Place::kResult) results_.push_back({i, block.number});
  }
  vars_.resize(plan_->step_vars.size());
  for (size_t i = 0; i < plan_->steps.size(); ++i) {
    const plan::Step& s = plan_->steps[i];
    launches_.push_back({code_[s.program].get(), std::span(slots_).subspan(s.first_use, s.uses),
                         std::span<const int64_t>(vars_).subspan(s.first_var, s.vars),
                         i > 0 && plan_->steps[i - 1].launch == s.launch});
  }
}

bool Executor::is_copied(const Extra& extra, size_t input) const {
  return input < extra.shared.size() && extra.shared[input] && plan_->inputs[input].overwritten;
}

uint64_t Executor::needed(const Extra& extra) const {
  uint64_t bytes = extra.inputs;
  if (home_.arena.bytes < plan_->arena_bytes)
    bytes += Pool::rounded(plan_->arena_bytes) - (home_.arena.memory ? home_.arena.memory->bytes() : 0);
  for (uint64_t result : plan_->result_bytes) bytes += Pool::rounded(result);
  for (size_t i = 0; i < plan_->inputs.size(); ++i)
    if (is_copied(extra, i)) bytes += Pool::rounded(plan_->inputs[i].bytes);
  return bytes;
}

bool Executor::has_room(const Extra& extra) const { return home_.pool.has_room(needed(extra)); }

// All memory of the run, or none of it.
void Executor::reserve(const Extra& extra) {
  if (!has_room(extra))
    raise(ErrorCode::kMemory,
          "the program needs " + size_text(needed(extra)) + " more on " + home_.device.caps().name +
              ", of which its own arena is " + size_text(plan_->arena_bytes) + "; ANNEAL_MEMORY_LIMIT is " +
              size_text(home_.pool.limit()) + ", in use are " + size_text(home_.pool.active_bytes()) +
              ". The largest tensors:" + largest_blocks(*plan_));
  if (home_.arena.bytes < plan_->arena_bytes) {
    home_.arena.memory.reset();
    home_.arena.bytes = 0;
    home_.arena.memory = home_.pool.allocate(plan_->arena_bytes);
    home_.arena.bytes = plan_->arena_bytes;
  }
  made_.clear();
  for (uint64_t bytes : plan_->result_bytes) made_.push_back(home_.pool.allocate(bytes));
  copies_.assign(plan_->inputs.size(), nullptr);
  for (size_t i = 0; i < plan_->inputs.size(); ++i)
    if (is_copied(extra, i)) copies_[i] = home_.pool.allocate(plan_->inputs[i].bytes);
}

void Executor::prepare(std::span<const int64_t> vars, const Extra& extra) {
  plan::check_variables(*plan_, vars);
  reserve(extra);
}

void Executor::own_overwritten(Allocations& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!plan_->inputs[i].overwritten || inputs[i].use_count() == 1) continue;
    std::shared_ptr<Allocation> copy = std::move(copies_[i]);
    if (copy == nullptr) copy = home_.pool.allocate(plan_->inputs[i].bytes);
    std::vector<std::byte> bytes(std::min(inputs[i]->bytes(), copy->bytes()));
    home_.device.read(inputs[i]->slice(), bytes);
    home_.device.write(copy->slice(), bytes);
    inputs[i] = copy;
  }
}

void Executor::bind(const Allocations& inputs, std::span<const int64_t> vars) {
  device::Memory* arena = home_.arena.memory == nullptr ? nullptr : home_.arena.memory->slice().memory;
  if (arena != arena_) {
    for (uint32_t i = 0; i < slots_.size(); ++i)
      if (plan_->blocks[plan_->uses[i].block].place == Place::kArena) slots_[i].memory = arena;
    arena_ = arena;
  }
  for (const Patch& p : inputs_) slots_[p.slot] = inputs[p.number]->slice();
  for (const Patch& p : results_) slots_[p.slot] = made_[p.number]->slice();
  for (size_t i = 0; i < vars_.size(); ++i) vars_[i] = vars[plan_->step_vars[i]];
}

Executor::Allocations Executor::run(Allocations inputs, std::span<const int64_t> vars,
                                    std::vector<device::LaunchTime>* times) {
  ANNEAL_CHECK(inputs.size() == plan_->inputs.size() && made_.size() == plan_->result_bytes.size());
  own_overwritten(inputs);
  bind(inputs, vars);
  if (times != nullptr)
    *times = home_.device.submit_timed(launches_);
  else if (home_.poison)
    submit_poisoned();
  else
    home_.device.submit(launches_);
  ++home_.counters.runs;
  home_.counters.launches += plan_->launches;
  home_.counters.bytes += plan_->bytes;
  home_.counters.flops += plan_->flops;
  Allocations out;
  for (const plan::Result& r : plan_->results) {
    const plan::Block& block = plan_->blocks[r.block];
    out.push_back(block.place == Place::kInput ? inputs[block.number] : made_[block.number]);
  }
  made_.clear();
  copies_.clear();
  return out;
}

// What a step writes is all bits one before it: NaN in every float type. Not where it is made in the memory
// of something that the step reads.
void Executor::submit_poisoned() {
  for (size_t i = 0; i < plan_->steps.size(); ++i) {
    const plan::Step& step = plan_->steps[i];
    const std::span uses = std::span(plan_->uses).subspan(step.first_use, step.uses);
    for (const plan::Use& use : uses) {
      const plan::Block& block = plan_->blocks[use.block];
      if (!use.written || block.place == Place::kInput || block.bytes == 0) continue;
      const bool is_read = std::any_of(uses.begin(), uses.end(), [&](const plan::Use& other) {
        const plan::Block& o = plan_->blocks[other.block];
        return !other.written && o.place == block.place && o.offset == block.offset && o.bytes != 0;
      });
      if (is_read) continue;
      const device::Slice& slot = slots_[step.first_use + static_cast<size_t>(&use - uses.data())];
      home_.device.write(slot, std::vector<std::byte>(block.bytes, std::byte{0xff}));
    }
    home_.device.submit(std::span(launches_).subspan(i, 1));
  }
}

}  // namespace anneal::runtime
