// SPDX-License-Identifier: MIT
// anneal train: trains a built-in model, with a dashboard on a terminal and plain lines elsewhere. What a run
// is, src/training says; here is how it is shown, stopped and saved.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>

#include "cli/common.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "runtime/backend.h"
#include "terminal/dashboard.h"
#include "training/trainable.h"

namespace anneal::cli {
namespace {

using Clock = std::chrono::steady_clock;
using training::Trainable;

struct TrainOptions {
  std::string model, device, out, resume;
  training::Settings settings;
  int64_t seed = 1, log_every = 10, stop_after = 0;
  bool plain = false, json = false;
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// The dashboard of a run, where there is a terminal for it.
class Screen {
 public:
  Screen(const TrainOptions& options, const Trainable& run, const std::string& device, int64_t first) {
    if (options.plain || options.json || !terminal::Terminal::is_there()) return;
    terminal_.emplace();
    progress_.title = fmt::format("{} on {}: {}", options.model, device, run.about().front());
    progress_.steps = options.settings.steps;
    progress_.items = run.unit();
    first_ = first;
  }

  bool is_there() const { return terminal_.has_value(); }
  bool wants_to_stop() {
    if (!terminal_) return false;
    for (char key = terminal_->key(); key != 0; key = terminal_->key())
      if (key == 'q' || key == 'Q') return true;
    return terminal::Terminal::interrupted();
  }
  // Often enough for the eye.
  bool is_due(bool last) const { return terminal_ && (last || !shown_ || seconds_since(*shown_) > 0.1); }
  void show(int64_t step, double loss, int64_t items, double seconds, const ProgramSummary& program) {
    progress_.step = step;
    progress_.seconds = seconds;
    progress_.losses.push_back(loss);
    progress_.items_per_second = seconds > 0 ? static_cast<double>(items) / seconds : 0;
    progress_.forward = static_cast<int64_t>(program.forward);
    progress_.backward = static_cast<int64_t>(program.backward);
    progress_.across = static_cast<int64_t>(program.across);
    progress_.memory = counters().active_bytes;
    progress_.done_before = first_;
    terminal_->frame(terminal::dashboard(progress_, terminal_->width(), terminal_->style()));
    shown_ = Clock::now();
  }
  void close() { terminal_.reset(); }  // the terminal is the user's again

 private:
  std::optional<terminal::Terminal> terminal_;
  terminal::Progress progress_;
  std::optional<Clock::time_point> shown_;
  int64_t first_ = 0;
};

class Run {
 public:
  explicit Run(TrainOptions options) : options_(std::move(options)), device_({.device = options_.device}) {
    const training::Model& model = training::find_model(options_.model);
    training::Settings& settings = options_.settings;
    settings.seed = static_cast<uint64_t>(options_.seed);
    std::optional<Checkpoint> before;
    if (!options_.resume.empty()) {
      before = load_checkpoint(options_.resume);
      check_model(*before);
      settings = training::settings_of(*before, settings);
    }
    if (settings.steps == 0) settings.steps = model.steps;
    run_ = model.make(settings);
    if (before) run_->resume(*before);
    first_ = run_->step().steps();
  }

  int go() {
    if (!options_.json) print_about();
    Screen screen(options_, *run_, runtime::device_name({.device = options_.device}), first_);
    const bool stopped = train(screen);
    screen.close();
    const int64_t done = run_->step().steps();
    std::string out = options_.out;
    if (stopped && out.empty()) out = options_.model + ".ckpt";
    if (!out.empty()) {
      save_checkpoint(out, run_->checkpoint());
      if (!options_.json) fmt::print("saved: {}, after step {}\n", out, done);
    }
    finish(stopped);
    return 0;
  }

 private:
  void check_model(const Checkpoint& checkpoint) const {
    const auto found = checkpoint.texts.find("model");
    if (found != checkpoint.texts.end() && found->second == options_.model) return;
    raise(ErrorCode::kArgument,
          options_.resume + (found == checkpoint.texts.end() ? " does not say which model it is of"
                                                             : " is of the model '" + found->second +
                                                                   "', not of '" + options_.model + "'"));
  }

  void print_about() const {
    fmt::print("model: {}: {}\n", options_.model, training::find_model(options_.model).summary);
    for (const std::string& line : run_->about()) fmt::print("  {}\n", line);
    if (first_ != 0) fmt::print("  goes on after step {} of {}\n", first_, options_.resume);
    std::fflush(stdout);
  }

  // Whether it was stopped before its end.
  bool train(Screen& screen) {
    const AnyStep& step = run_->step();
    const Clock::time_point begin = Clock::now();
    const int64_t steps = options_.settings.steps;
    int64_t items = 0;
    for (int64_t done = first_; done < steps;) {
      const StepResult result = step(run_->batch(done));
      items += run_->items(done);
      ++done;
      const bool is_line = done == first_ + 1 || done == steps || done % options_.log_every == 0;
      const bool stops = screen.wants_to_stop() || done == options_.stop_after;
      const bool is_due = screen.is_due(stops || done == steps);
      if (!stops && !is_due && (!is_line || screen.is_there())) continue;
      const double loss = result.loss();  // waits for the steps up to here
      if (!std::isfinite(loss))
        raise(ErrorCode::kData, fmt::format("train: the loss of step {} is {}; a smaller --lr may help, and "
                                            "--nan-trap says where it comes from",
                                            done, loss));
      if (is_due)
        screen.show(done, loss, items, seconds_since(begin), step.summary());
      else if (options_.json)
        fmt::print("{{\"step\":{},\"loss\":{}}}\n", done, loss);
      else
        fmt::print("step {}: loss={:.6f}\n", done, loss);
      std::fflush(stdout);
      if (stops && done < steps) return true;
    }
    seconds_ = seconds_since(begin);
    items_ = items;
    return false;
  }

  void finish(bool stopped) const {
    const Counters used = counters();
    if (options_.json) {
      fmt::print("{}\n", Json{{"counters", counters_json(used)}}.dump());
      return;
    }
    if (stopped) {
      fmt::print("stopped after step {}; --resume goes on from there\n", run_->step().steps());
      return;
    }
    for (const std::string& line : run_->finish()) fmt::print("{}\n", line);
    const ProgramSummary program = run_->step().summary();
    if (program.launches != 0)
      fmt::print("kernels of a step: {} forward, {} backward, {} across the seam; {} launches\n",
                 program.forward, program.backward, program.across, program.launches);
    if (items_ != 0)
      fmt::print("speed: {} {}/s, {:.1f} ms a step\n",
                 terminal::count_text(std::llround(static_cast<double>(items_) / seconds_)), run_->unit(),
                 1e3 * seconds_ / static_cast<double>(options_.settings.steps - first_));
    if (used.runs != 0)  // the interpreter counts nothing
      fmt::print("{}\n", counters_text(used));
  }

  TrainOptions options_;
  runtime::Using device_;
  std::unique_ptr<Trainable> run_;
  int64_t first_ = 0, items_ = 0;
  double seconds_ = 0;
};

}  // namespace

Action add_train(Options& verb) {
  const auto options = std::make_shared<TrainOptions>();
  training::Settings& settings = options->settings;
  verb.argument("model", options->model, "mlp, conv, dynmlp or nanogpt");
  verb.option("--steps", settings.steps, "how many, in all; the model's own number when it is not given",
              Range::kPositive);
  verb.option("--stop-after", options->stop_after, "end at this step and save, for --resume to go on",
              Range::kPositive);
  verb.option("--batch", settings.batch, "how many examples a step", Range::kPositive);
  verb.option("--seed", options->seed, "of parameters and data", Range::kNotNegative);
  verb.option("--lr", settings.lr, "the greatest learning rate, instead of the model's own",
              Range::kPositive);
  verb.option("--device", options->device, "what it runs on; anneal doctor lists them");
  verb.option("--data", settings.data, "of nanogpt: a text file; of conv: a folder with MNIST's files");
  verb.option("--layers", settings.layers, "of nanogpt", Range::kPositive);
  verb.option("--heads", settings.heads, "of nanogpt", Range::kPositive);
  verb.option("--dmodel", settings.width, "of nanogpt: the width", Range::kPositive);
  verb.option("--block", settings.block, "of nanogpt: how many characters it looks at", Range::kPositive);
  verb.option("--out", options->out, "a checkpoint, written at the end");
  verb.option("--resume", options->resume, "a checkpoint to go on from, bit for bit");
  verb.option("--log-every", options->log_every, "steps between lines", Range::kPositive);
  verb.flag("--nan-trap", settings.nan_trap, "name what makes the first NaN or infinity; slow");
  verb.flag("--plain", options->plain, "lines instead of a dashboard");
  verb.flag("--json", options->json, "each line as JSON");
  return [options] { return Run(*options).go(); };
}

}  // namespace anneal::cli
