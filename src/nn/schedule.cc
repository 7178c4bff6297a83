// SPDX-License-Identifier: MIT
// Learning rates by step. Tested by optim_test.cc.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "anneal/error.h"
#include "anneal/optim.h"

namespace anneal {

namespace {

void needs(bool fits, const char* schedule, const std::string& what) {
  if (!fits) raise(ErrorCode::kArgument, std::string(schedule) + ": " + what);
}
void needs_steps(int64_t steps, const char* schedule) {
  needs(steps >= 1, schedule, std::to_string(steps) + " steps: it needs 1 or more");
}

}  // namespace

Schedule linear_schedule(double from, double to, int64_t steps) {
  needs_steps(steps, "linear_schedule");
  return Schedule([=](int64_t step) {
    if (step >= steps) return to;
    return from + (to - from) * static_cast<double>(step) / static_cast<double>(steps);
  });
}

Schedule cosine_schedule(double from, int64_t steps, double floor) {
  needs_steps(steps, "cosine_schedule");
  return Schedule([=](int64_t step) {
    if (step >= steps) return floor;
    const double turn = std::numbers::pi * static_cast<double>(step) / static_cast<double>(steps);
    return floor + (from - floor) * (1 + std::cos(turn)) / 2;
  });
}

Schedule warmup(int64_t steps, Schedule then) {
  needs(steps >= 0, "warmup", std::to_string(steps) + " steps: it cannot be negative");
  return Schedule([=](int64_t step) {
    if (step >= steps) return then(step - steps);
    return then(0) * static_cast<double>(step + 1) / static_cast<double>(steps);
  });
}

Schedule warmup_cosine(double peak, int64_t warmup_steps, int64_t total_steps, double floor) {
  needs(warmup_steps <= total_steps, "warmup_cosine",
        "of " + std::to_string(total_steps) + " steps " + std::to_string(warmup_steps) + " cannot rise");
  return warmup(warmup_steps, cosine_schedule(peak, std::max<int64_t>(total_steps - warmup_steps, 1), floor));
}

Schedule staircase(double from, double factor, int64_t every) {
  needs_steps(every, "staircase");
  return Schedule([=](int64_t step) { return from * std::pow(factor, static_cast<double>(step / every)); });
}

Schedule multi_step(double from, double factor, std::vector<int64_t> milestones) {
  return Schedule([=](int64_t step) {
    const auto passed =
        std::count_if(milestones.begin(), milestones.end(), [&](int64_t m) { return step >= m; });
    return from * std::pow(factor, static_cast<double>(passed));
  });
}

}  // namespace anneal
