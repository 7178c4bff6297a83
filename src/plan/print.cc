// SPDX-License-Identifier: MIT
#include "plan/print.h"

namespace anneal::plan {

namespace {

std::string place_text(const Block& b) {
  switch (b.place) {
    case Place::kArena:
      return "arena " + std::to_string(b.offset) + ".." + std::to_string(b.offset + b.bytes);
    case Place::kInput: return "input " + std::to_string(b.number);
    case Place::kResult: return "result memory " + std::to_string(b.number);
  }
  return {};
}

}  // namespace

std::string print(const ExecPlan& plan) {
  uint64_t results = 0;
  for (uint64_t bytes : plan.result_bytes) results += bytes;
  std::string out = std::to_string(plan.launches) + " launches, " + std::to_string(plan.steps.size()) +
                    " steps, " + std::to_string(plan.programs) + " programs\narena " +
                    std::to_string(plan.arena_bytes) + " bytes, at least " +
                    std::to_string(plan.lower_bound) + "; results " + std::to_string(results) + " bytes\n";
  for (const Variable& v : plan.vars)
    out += "var " + v.name + " " + std::to_string(v.min) + ".." + std::to_string(v.max) +
           (v.multiple_of == 1 ? "" : " by " + std::to_string(v.multiple_of)) + "\n";
  for (const Guard& g : plan.guards) out += "check " + g.text + "\n";
  for (size_t i = 0; i < plan.inputs.size(); ++i)
    out += "input " + std::to_string(i) + " = " + plan.inputs[i].name +
           (plan.inputs[i].overwritten ? ", overwritten" : "") + "\n";
  for (const Step& s : plan.steps) {
    out += "launch " + std::to_string(s.launch) + ": " + s.name + " (program " + std::to_string(s.program);
    for (uint32_t i = 0; i < s.vars; ++i)
      out += (i == 0 ? " of " : ", ") + plan.vars[plan.step_vars[s.first_var + i]].name;
    out += ")\n";
    for (uint32_t i = 0; i < s.uses; ++i) {
      const Use& use = plan.uses[s.first_use + i];
      const Block& b = plan.blocks[use.block];
      out += std::string(use.written ? "  write " : "  read  ") + place_text(b) + " = " + b.name + "\n";
    }
  }
  for (size_t i = 0; i < plan.results.size(); ++i)
    out += "result " + std::to_string(i) + " is " + place_text(plan.blocks[plan.results[i].block]) + "\n";
  return out;
}

namespace {

std::string kilobytes(double bytes) {
  const auto tenths = static_cast<int64_t>(bytes / 100 + 0.5);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " KB";
}

}  // namespace

std::string summary(const ExecPlan& plan) {
  std::string out;
  for (size_t i = 0; i < plan.steps.size();) {
    const uint32_t launch = plan.steps[i].launch;
    double bytes = 0;
    size_t parts = 0;
    const std::string& name = plan.steps[i].name;
    for (; i < plan.steps.size() && plan.steps[i].launch == launch; ++i, ++parts)
      bytes += plan.steps[i].bytes;
    out += std::to_string(launch) + "  " + name;
    if (parts > 1) out += " and " + std::to_string(parts - 1) + " more";
    out += "  " + kilobytes(bytes) + "\n";
  }
  uint64_t results = 0;
  for (uint64_t bytes : plan.result_bytes) results += bytes;
  return out + std::to_string(plan.launches) + " launches of " + std::to_string(plan.steps.size()) +
         " kernels, " + std::to_string(plan.programs) + " unique; " + kilobytes(plan.bytes) +
         " moved, modelled; peak " + kilobytes(static_cast<double>(plan.arena_bytes)) + " beside " +
         kilobytes(static_cast<double>(results)) + " of results\n";
}

}  // namespace anneal::plan
