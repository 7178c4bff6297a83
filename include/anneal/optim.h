// SPDX-License-Identifier: MIT
// Optimizers, and learning rates that change from step to step. They are part of the compiled step; what
// changes is given to it as a number, so that nothing is compiled again.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace anneal {

// A learning rate by the number of steps done before: 0 for the first. Any such function is one, and any
// number.
class Schedule {
 public:
  using Function = std::function<double(int64_t step)>;
  template <typename T>
    requires std::is_arithmetic_v<T>
  Schedule(T rate) : function_([r = static_cast<double>(rate)](int64_t) { return r; }) {}  // NOLINT
  template <typename F>
    requires(std::is_invocable_r_v<double, const F&, int64_t> && !std::is_same_v<F, Schedule>)
  Schedule(F function) : function_(std::move(function)) {}  // NOLINT
  double operator()(int64_t step) const { return function_(step); }

 private:
  Function function_;
};

Schedule linear_schedule(double from, double to, int64_t steps);         // then `to`
Schedule cosine_schedule(double from, int64_t steps, double floor = 0);  // half a wave down, then `floor`
// Rises for `steps` steps to what `then` begins with, which counts from the end of the rise.
Schedule warmup(int64_t steps, Schedule then);
// Up to `peak` in `warmup_steps`, and as a cosine down to `floor` at `total_steps`.
Schedule warmup_cosine(double peak, int64_t warmup_steps, int64_t total_steps, double floor = 0);
Schedule staircase(double from, double factor, int64_t every);                     // times factor, each time
Schedule multi_step(double from, double factor, std::vector<int64_t> milestones);  // at each of them

// Which parameters a setting applies to, by name; empty: those that Param::decays() says, for weight decay.
using NameFilter = std::function<bool(std::string_view name)>;

struct Sgd {
  Schedule lr = 1e-2;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;  // added to the gradient
  NameFilter decays = {};
};
struct Adam {
  Schedule lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double weight_decay = 0;  // added to the gradient
  NameFilter decays = {};
};
struct AdamW {
  Schedule lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double weight_decay = 0.01;  // of the parameter itself, times lr
  NameFilter decays = {};
};
// The sign of an average of gradients.
struct Lion {
  Schedule lr = 1e-4;
  double beta1 = 0.9, beta2 = 0.99;
  double weight_decay = 0.01;
  NameFilter decays = {};
};
// Matrices take the nearest orthogonal matrix of their momentum, by five steps of Newton and Schulz;
// all else goes to `rest`. `matrices`: which those are, by name; by itself all parameters of two axes but the
// tables of embeddings. Heads are better left out of them: `.matrices = [](std::string_view name) {...}`.
struct Muon {
  Schedule lr = 0.02;
  double momentum = 0.95;
  bool nesterov = true;
  int steps = 5;
  double weight_decay = 0;
  NameFilter decays = {};
  NameFilter matrices = {};
  AdamW rest = {.lr = 3e-4};
};
using Optimizer = std::variant<Sgd, Adam, AdamW, Lion, Muon>;

// Of all gradients, before the optimizer sees them; 0: none.
struct Clip {
  double norm = 0;   // scales them so that the norm of all together is at most this
  double value = 0;  // bounds each element
};

}  // namespace anneal
