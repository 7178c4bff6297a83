// SPDX-License-Identifier: MIT
#include "bundles/recorder.h"

#include <cmath>
#include <exception>
#include <filesystem>
#include <system_error>

#include "anneal/error.h"
#include "assets/sha256.h"
#include "io/file_bytes.h"
#include "support/flags.h"
#include "support/version.h"
#include "training/sources.h"

namespace anneal::bundles {
namespace {

void require(const Result<void>& done) {
  if (!done) raise(ErrorCode::kData, "the run bundle cannot be written: " + done.message());
}

}  // namespace

Recorder::Recorder(Manifest manifest, Config config, const ProgramLog& programs)
    : manifest_(std::move(manifest)), config_(std::move(config)), programs_(programs) {
  const Result<std::string> folder = run_folder();
  if (!folder) raise(ErrorCode::kData, folder.message());
  Result<NewBundle> made = create_bundle(*folder, config_.model);
  if (!made) raise(ErrorCode::kData, made.message());
  place_ = std::move(*made);
  manifest_.model = config_.model;
  manifest_.created_at = place_.created_at;
  manifest_.state = State::kRunning;
  require(events_.create(path(kEvents)));
  events_.lock();
  std::error_code error;
  std::filesystem::create_directory(path(kKernels), error);
  if (error) require(io::Failure{path(kKernels) + ": cannot create: " + error.message()});
  if (manifest_.kind == Kind::kTrain) {
    require(losses_.create(path(kLosses)));
    require(losses_.append(kLossHead));
  } else if (manifest_.kind == Kind::kGenerate) {
    require(tokens_.create(path(kTokens)));
  }
  try {
    write_whole(kConfig, config_text(config_));
    event("started");
    write_manifest();
    write_programs();
  } catch (const std::exception& failed) {
    try_end(failed.what());
    throw;
  }
}

void Recorder::try_end(const std::string& message) noexcept {
  try {
    end(State::kFailed, message);
  } catch (const std::exception&) {  // what failed first says what is wrong
  }
}

double Recorder::elapsed_ms() const {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin_).count();
}

void Recorder::write_whole(const std::string& file, const std::string& text) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  require(io::replace_file(path(file), std::span(&bytes, 1)));
}

// Whole, but not waiting for the disk: there are many of them, and a machine that stops takes the newest
// along.
void Recorder::write_quickly(const std::string& folder, const std::string& file, const std::string& text) {
  const std::string temporary = folder + "/." + file;
  std::error_code error;
  {
    LineFile written;
    require(written.create(temporary));
    require(written.append(text));
  }
  std::filesystem::rename(temporary, folder + "/" + file, error);
  if (error) require(io::Failure{folder + "/" + file + ": cannot replace: " + error.message()});
}

void Recorder::write_manifest() {
  manifest_.duration_ms = std::llround(elapsed_ms());
  manifest_.kernels = static_cast<int64_t>(programs_.kernels().size());
  manifest_.kernels_hash = programs_.hash();
  manifest_.sym_binds = programs_.dims();
  write_whole(kManifest, manifest_text(manifest_));
}

void Recorder::write_programs() {
  if (is_written_ && programs_written_ == programs_.programs()) return;
  is_written_ = true;
  const size_t before = kernels_written_;
  for (; kernels_written_ < programs_.kernels().size(); ++kernels_written_) {
    const ProgramLog::Kernel& kernel = programs_.kernels()[kernels_written_];
    write_quickly(path(kKernels), kernel.file, kernel.text);
  }
  write_quickly(place_.folder, kGraph, programs_.graphs_text());
  write_quickly(place_.folder, kSchedule, programs_.schedules_text());
  const size_t programs = programs_.programs() - programs_written_;
  programs_written_ = programs_.programs();
  if (programs == 0) return;
  event("compiled", io::concat(programs, programs == 1 ? " program" : " programs", ", ",
                               kernels_written_ - before, " new kernels"));
  write_manifest();
}

void Recorder::event(const std::string& what, const std::string& detail) {
  require(events_.append(event_line({elapsed_ms(), what, manifest_.steps, detail})));
}

void Recorder::loss(int64_t step, double loss) {
  require(losses_.append(loss_line({step, loss, elapsed_ms()})));
  manifest_.steps = step;
  manifest_.last_loss = std::isfinite(loss) ? std::optional(loss) : std::nullopt;
  write_programs();
}

void Recorder::token(int32_t token, const std::string& text) {
  require(tokens_.append(token_line({manifest_.steps, token, text, elapsed_ms()})));
  ++manifest_.steps;
  write_programs();
}

void Recorder::saved(int64_t step) {
  manifest_.steps = step;
  manifest_.checkpoint = kCheckpoint;
  event("saved", kCheckpoint);
  write_manifest();
}

void Recorder::end(State state, const std::string& message) {
  manifest_.state = state;
  manifest_.message = message;
  if (state == State::kCompleted || state == State::kStopped) write_programs();
  write_manifest();
  event(std::string(kStateText[static_cast<size_t>(state)]), message);
}

Manifest manifest_of_now(const std::string& device_name, runtime::Context* context) {
  Manifest out;
  out.version = support::version();
  out.git_rev = support::commit();
  out.compiler = support::compiler();
  out.device = device_name;
  out.adapter =
      context == nullptr ? "the interpreter of tensor programs" : context->device().caps().description;
  return out;
}

std::map<std::string, std::string> flags_of_now() {
  using support::Flag;
  std::map<std::string, std::string> out;
  for (const Flag flag :
       {Flag::kCalibrate, Flag::kCpuFeatures, Flag::kThreads, Flag::kMemoryLimit, Flag::kPoison})
    if (support::flag_text(flag) != support::flag_info(flag).fallback)
      out.emplace(support::flag_info(flag).name, support::flag_text(flag));
  return out;
}

std::vector<InputFile> described(const std::vector<std::string>& paths) {
  std::vector<InputFile> out;
  for (const std::string& path : paths) {
    if (path.empty()) {
      out.push_back({"", hash_of(training::documentation())});
      continue;
    }
    const io::Result<std::string> sum = assets::sha256_of_file(path);
    if (!sum) raise(ErrorCode::kData, sum.message());
    out.push_back({std::filesystem::absolute(path).lexically_normal().string(), *sum});
  }
  return out;
}

}  // namespace anneal::bundles
