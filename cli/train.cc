// SPDX-License-Identifier: MIT
// anneal train: trains a built-in model, with a dashboard on a terminal and plain lines elsewhere. What a run
// is, src/training says; here is how it is shown, stopped and saved.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>

#include "bundles/recorder.h"
#include "bundles/replay.h"
#include "cli/bundles.h"
#include "cli/common.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "runtime/backend.h"
#include "support/flags.h"
#include "terminal/dashboard.h"
#include "terminal/interrupts.h"
#include "training/trainable.h"

namespace anneal::cli {
namespace {

using Clock = std::chrono::steady_clock;
using training::Trainable;

struct TrainOptions {
  std::string model, device, out, resume;
  training::Settings settings;
  int64_t seed = -1, log_every = 10, stop_after = 0, save_every = 0;
  double save_minutes = 5;
  bool plain = false, json = false, bundle = false;
};

// What a run goes on from: a checkpoint, or the bundle of a run.
struct Before {
  std::string file, name;  // no file: the beginning of that bundle's run
  std::optional<bundles::Bundle> bundle;
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
    return false;
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
    progress_.memory = counters().peak_bytes;
    progress_.process_memory = resident_memory();
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
  explicit Run(TrainOptions options)
      : options_(std::move(options)),
        before_(find_before()),
        device_({.device = options_.device, .made = programs_.observer()}) {
    training::Settings& settings = options_.settings;
    const training::Settings given = settings;
    if (options_.seed >= 0) settings.seed = static_cast<uint64_t>(options_.seed);
    std::optional<Checkpoint> checkpoint;
    if (!before_.file.empty()) {
      checkpoint = load_checkpoint(before_.file);
      check_model(*checkpoint);
      settings = training::settings_of(*checkpoint, settings);
      if (options_.seed >= 0 && settings.seed != static_cast<uint64_t>(options_.seed))
        raise(ErrorCode::kArgument,
              fmt::format("--seed is {}, and the checkpoint was made with {}; leave it away to "
                          "go on with that",
                          options_.seed, settings.seed));
    }
    if (options_.model.empty()) raise_no_model();
    const training::Model& model = training::find_model(options_.model);
    training::check_taken(model, given);
    if (settings.steps == 0) settings.steps = model.steps;
    run_ = model.make(settings);
    if (checkpoint) run_->resume(*checkpoint);
    first_ = run_->step().steps();
    check_goal();
  }

  int go() {
    try {
      return run();
    } catch (const std::exception& error) {
      if (recorder_ != nullptr) recorder_->try_end(error.what());
      if (!rescued_.empty()) fmt::print(stderr, "saved: {}, after step {}\n", rescued_, run_->step().steps());
      throw;
    }
  }

 private:
  int run() {
    if (!options_.out.empty()) check_writable(options_.out);
    check_room();
    if (options_.bundle) start_bundle();
    if (!options_.json) print_about();
    Screen screen(options_, *run_, runtime::device_name({.device = options_.device}), first_);
    const terminal::Interrupts interrupts(!screen.is_there());
    const bool stopped = train_or_save(screen);
    screen.close();
    const std::string out = save_at_end(stopped);
    if (!options_.json && !out.empty()) fmt::print("saved: {}, after step {}\n", out, run_->step().steps());
    finish(stopped, out);
    if (recorder_ != nullptr) recorder_->end(stopped ? bundles::State::kStopped : bundles::State::kCompleted);
    constexpr int kBySignal = 128;  // as shells say it
    const int signal = terminal::Interrupts::which();
    return stopped && signal != 0 ? kBySignal + signal : 0;
  }

  // What cannot be reached would run to the end, or not at all.
  void check_goal() const {
    const int64_t steps = options_.settings.steps;
    const auto refuse = [&](const char* option, int64_t step) {
      raise(ErrorCode::kArgument,
            fmt::format("{} {}: {} is at step {} already", option, step, before_.name, first_));
    };
    if (options_.stop_after != 0 && options_.stop_after <= first_)
      refuse("--stop-after", options_.stop_after);
    if (steps < first_) refuse("--steps", steps);
    if (options_.save_every != 0 && options_.out.empty() && !options_.bundle)
      raise(ErrorCode::kArgument, "--save-every needs --out or --bundle, to know where");
  }

  // Data is made by the host, batches twice over; on the cpu all else is host memory too.
  void check_room() const {
    if (first_ >= options_.settings.steps) return;
    constexpr double kCopies = 2;
    double bytes = kCopies * static_cast<double>(run_->items(first_)) * run_->item_bytes();
    const std::string what =
        options_.settings.batch == 0 ? "a batch" : fmt::format("a batch of {}", options_.settings.batch);
    check_memory(what, bytes);
    if (runtime::device_name({.device = options_.device}) != "cpu") return;
    bytes += static_cast<double>(run_->step().summary().peak_bytes);
    check_memory("a step with " + what, bytes);
  }

  // A run whose lines cannot be shown any more, on a full disk or in a terminal that is gone, has its steps.
  bool train_or_save(Screen& screen) {
    try {
      return train(screen);
    } catch (const std::system_error&) {
      screen.close();
      save_at_end(true);
      throw;
    }
  }

  // A bundle that cannot be written, as on a full disk, does not take the run with it.
  void record(const std::function<void()>& write) {
    try {
      write();
    } catch (const std::exception& error) {
      recorder_->try_end(error.what());
      recorder_.reset();
      rescued_ = save_at_end(true);
      throw;
    }
  }

  // Where to: what the user named; of a run that was stopped, else a file that was not there.
  std::string save_at_end(bool stopped) {
    if (!stopped || !options_.out.empty() || recorder_ != nullptr) {
      save(options_.out);
      return options_.out;
    }
    const std::filesystem::path before = before_.bundle ? "" : before_.file;
    const std::string out =
        create_fresh_file(before.empty() ? options_.model : before.stem().string(), ".ckpt");
    try {
      save(out);
    } catch (...) {
      std::remove(out.c_str());
      throw;
    }
    return out;
  }

  // Settings of a bundle's run hold where none are given; its device too.
  Before find_before() {
    Before out{options_.resume, options_.resume, {}};
    if (options_.resume.empty() || std::filesystem::is_regular_file(options_.resume)) return out;
    out.bundle = open_bundle_not_file(options_.resume);
    out.file = bundles::resume_point(*out.bundle);
    out.name = out.bundle->id;
    const bundles::Config& config = out.bundle->config;
    if (options_.model.empty()) options_.model = config.model;
    if (options_.device.empty()) options_.device = config.device;
    if (options_.model != config.model)
      raise(ErrorCode::kArgument, fmt::format("{} is of the model '{}', not of '{}'", out.name, config.model,
                                              io::printable(options_.model)));
    const bool is_data_given = !options_.settings.data.empty();
    options_.settings = merged(options_.settings, bundles::training_settings(config));
    if (!is_data_given) check_data(config);
    return out;
  }
  static training::Settings merged(training::Settings given, const training::Settings& before) {
    for (const auto member :
         {&training::Settings::steps, &training::Settings::batch, &training::Settings::layers,
          &training::Settings::heads, &training::Settings::width, &training::Settings::block})
      if (given.*member == 0) given.*member = before.*member;
    if (given.lr == 0) given.lr = before.lr;
    if (given.data.empty()) given.data = before.data;
    given.seed = before.seed;
    return given;
  }
  static void check_data(const bundles::Config& config) {
    for (const bundles::InputFile& file : config.data)
      if (bundles::described({file.path})[0].sha256 != file.sha256)
        raise(ErrorCode::kData,
              fmt::format("{} is not what that run was trained on; --data goes on with another",
                          file.path.empty() ? "this program's documentation" : io::printable(file.path)));
  }
  [[noreturn]] static void raise_no_model() {
    std::string text =
        "anneal train: model is required\nusage: anneal train model [OPTIONS], see anneal train --help\n"
        "available models:";
    for (const training::Model& m : training::all_models())
      text += fmt::format("\n  {:<10} {}", m.name, m.summary);
    raise(ErrorCode::kArgument, text);
  }

  void start_bundle() {
    const training::Settings& settings = options_.settings;
    bundles::Manifest manifest =
        bundles::manifest_of_now(runtime::device_name({.device = options_.device}), device_.context());
    bundles::Config config{.verb = "train", .model = options_.model, .device = manifest.device};
    config.settings = bundles::values_of(settings);
    if (!settings.data.empty())
      config.settings["data"] = std::filesystem::absolute(settings.data).lexically_normal().string();
    config.settings["stop_after"] = options_.stop_after;
    config.data = bundles::described(run_->data_files());
    config.flags = bundles::flags_of_now();
    if (!before_.file.empty()) config.start = bundles::kStart;
    config.resumed_from = before_.name;
    recorder_ = std::make_unique<bundles::Recorder>(std::move(manifest), std::move(config), programs_);
    if (!before_.file.empty()) save_checkpoint(recorder_->path(bundles::kStart), run_->checkpoint());
  }

  void save(const std::string& out) {
    if (!out.empty()) save_checkpoint(out, run_->checkpoint());
    if (recorder_ != nullptr)
      record([&] {
        save_checkpoint(recorder_->path(bundles::kCheckpoint), run_->checkpoint());
        recorder_->saved(run_->step().steps());
      });
    saved_ = Clock::now();
  }

  void check_model(const Checkpoint& checkpoint) {
    const auto found = checkpoint.texts.find("model");
    if (found != checkpoint.texts.end() && options_.model.empty()) options_.model = found->second;
    if (found != checkpoint.texts.end() && found->second == options_.model) return;
    raise(ErrorCode::kArgument,
          before_.name + (found == checkpoint.texts.end()
                              ? " does not say which model it is of"
                              : " is of the model '" + found->second + "', not of '" + options_.model + "'"));
  }

  void print_about() const {
    fmt::print("model: {}: {}\n", options_.model, training::find_model(options_.model).summary);
    for (const std::string& line : run_->about()) fmt::print("  {}\n", line);
    if (first_ != 0) fmt::print("  goes on after step {} of {}\n", first_, before_.name);
    for (const std::string& line : run_->notes()) fmt::print("  {}\n", line);
    if (recorder_ != nullptr) fmt::print("bundle: {}\n", recorder_->folder());
    std::fflush(stdout);
  }

  // Whether it was stopped before its end.
  bool train(Screen& screen) {
    const AnyStep& step = run_->step();
    const Clock::time_point begin = saved_ = Clock::now();
    const int64_t steps = options_.settings.steps;
    int64_t items = 0;
    for (int64_t done = first_; done < steps;) {
      const StepResult result = step(run_->batch(done));
      items += run_->items(done);
      ++done;
      if (recorder_ != nullptr) record([&] { recorder_->loss(done, result.loss()); });
      save_between(done);
      const bool is_line = done == first_ + 1 || done == steps || done % options_.log_every == 0;
      const bool stops =
          screen.wants_to_stop() || terminal::Interrupts::which() != 0 || done == options_.stop_after;
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

  // By steps where that is asked for, by time, and a bundle's own now and then.
  void save_between(int64_t done) {
    constexpr int64_t kOften = 100;
    if (done >= options_.settings.steps || done == options_.stop_after) return;
    const bool has_place = !options_.out.empty() || recorder_ != nullptr;
    const bool by_steps = options_.save_every != 0 && done % options_.save_every == 0;
    const bool by_time =
        has_place && options_.save_minutes > 0 && seconds_since(saved_) > 60 * options_.save_minutes;
    if (by_steps || by_time)
      save(options_.out);
    else if (recorder_ != nullptr && options_.save_every == 0 && done % kOften == 0)
      save("");
  }

  void finish(bool stopped, const std::string& out) const {
    const Counters used = counters();
    if (options_.json) {
      Json last{{"counters", counters_json(used)}};
      if (!out.empty()) last["saved"] = out;
      fmt::print("{}\n", last.dump(-1, ' ', false, Json::error_handler_t::replace));
      return;
    }
    if (stopped) {
      fmt::print("stopped after step {}; --resume{} goes on from there\n", run_->step().steps(),
                 recorder_ == nullptr ? "" : " " + recorder_->id());
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
  bundles::ProgramLog programs_;
  Before before_;
  runtime::Using device_;
  std::unique_ptr<Trainable> run_;
  std::unique_ptr<bundles::Recorder> recorder_;  // null: no bundle is written
  std::string rescued_;                          // where the run is whose bundle could not be written
  int64_t first_ = 0, items_ = 0;
  double seconds_ = 0;
  Clock::time_point saved_;
};

}  // namespace

Action add_train(Options& verb) {
  const auto options = std::make_shared<TrainOptions>();
  training::Settings& settings = options->settings;
  options->bundle = support::flag_on(support::Flag::kBundle);
  verb.optional_argument("model", options->model,
                         "mlp, conv, dynmlp or nanogpt; that of --resume when it is not given");
  verb.option("--steps", settings.steps, "how many, in all; the model's own number when it is not given",
              Range::kPositive);
  verb.option("--stop-after", options->stop_after,
              "end at this step and save, for --resume to go on; so do q on the dashboard, Ctrl-C, SIGTERM "
              "and SIGHUP. "
              "Without --out and --bundle the file is a new one, MODEL.ckpt, MODEL-2.ckpt or so on",
              Range::kPositive);
  verb.option("--batch", settings.batch, "how many examples a step", Range::kPositive);
  verb.option("--seed", options->seed, "of parameters and data; 1 when it is not given", Range::kNotNegative);
  verb.option("--lr", settings.lr, "the greatest learning rate, instead of the model's own",
              Range::kPositive);
  verb.option("--device", options->device, "what it runs on; anneal doctor lists them");
  verb.option("--data", settings.data, "of nanogpt: a text file; of conv: a folder with MNIST's files");
  verb.option("--layers", settings.layers, "of nanogpt", Range::kPositive);
  verb.option("--heads", settings.heads, "of nanogpt", Range::kPositive);
  verb.option("--dmodel", settings.width, "of nanogpt: the width", Range::kPositive);
  verb.option("--block", settings.block, "of nanogpt: how many characters it looks at", Range::kPositive);
  verb.option("--out", options->out,
              "a checkpoint, written when the run ends or is stopped, and as the next two say");
  verb.option(
      "--save-every", options->save_every,
      "steps between checkpoints, of --out and of --bundle; a bundle's is written every 100 otherwise",
      Range::kPositive);
  verb.option("--save-minutes", options->save_minutes,
              "with --out or --bundle, minutes between checkpoints, 5 when it is not given; 0: only by steps",
              Range::kNotNegative);
  verb.option(
      "--resume", options->resume,
      "a checkpoint to go on from, bit for bit, or a run bundle: its folder or id. The file is only read, "
      "unless --out names it too");
  verb.flag("--bundle", options->bundle,
            "record the run: what it was, its kernels and its losses, to go on with it or to run it again; "
            "anneal runs lists what there is");
  verb.option("--log-every", options->log_every, "steps between lines", Range::kPositive);
  verb.flag("--nan-trap", settings.nan_trap, "name what makes the first NaN or infinity; slow");
  verb.flag("--plain", options->plain, "lines instead of a dashboard");
  verb.flag("--json", options->json, "each line as JSON");
  return [options] { return Run(*options).go(); };
}

}  // namespace anneal::cli
