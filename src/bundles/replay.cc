// SPDX-License-Identifier: MIT
#include "bundles/replay.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include "anneal/error.h"
#include "assets/sha256.h"
#include "bundles/recorder.h"
#include "io/file_bytes.h"

namespace anneal::bundles {
namespace {

struct Number {
  const char* name;
  int64_t training::Settings::* member;
};
constexpr Number kNumbers[] = {
    {"steps", &training::Settings::steps},   {"batch", &training::Settings::batch},
    {"layers", &training::Settings::layers}, {"heads", &training::Settings::heads},
    {"dmodel", &training::Settings::width},  {"block", &training::Settings::block}};

template <typename T>
T required(Result<T> result) {
  if (!result) raise(ErrorCode::kData, result.message());
  return std::move(*result);
}

bool is_same_number(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b) || (std::isnan(a) && std::isnan(b));
}

void note(Comparison& out, const Deviation& deviation) {
  const auto size = [](const Deviation& d) {
    const double difference = std::abs(d.recorded - d.now);
    return std::isnan(difference) ? HUGE_VAL : difference;
  };
  if (!out.first) out.first = deviation;
  if (!out.greatest || size(deviation) > size(*out.greatest)) out.greatest = deviation;
}

std::string sum_now(const InputFile& file) {
  if (file.path.empty()) return described({""})[0].sha256;
  const io::Result<std::string> sum = assets::sha256_of_file(file.path);
  return sum ? *sum : "";
}

}  // namespace

std::map<std::string, Value> values_of(const training::Settings& settings) {
  std::map<std::string, Value> out;
  for (const Number& n : kNumbers) out[n.name] = settings.*n.member;
  out["lr"] = settings.lr;
  out["seed"] = static_cast<int64_t>(settings.seed);
  out["nan_trap"] = settings.nan_trap;
  out["data"] = settings.data;
  return out;
}

training::Settings training_settings(const Config& config) {
  training::Settings out;
  for (const Number& n : kNumbers) {
    out.*n.member = config.get<int64_t>(n.name, 0);
    if (out.*n.member < 0)
      raise(ErrorCode::kData,
            std::string("the run bundle's ") + n.name + " is " + std::to_string(out.*n.member));
  }
  out.lr = config.get<double>("lr", 0);
  out.seed = static_cast<uint64_t>(config.get<int64_t>("seed", 1));
  out.nan_trap = config.get<bool>("nan_trap", false);
  out.data = config.get<std::string>("data", {});
  return out;
}

std::string resume_point(const Bundle& bundle) {
  if (bundle.manifest.kind == Kind::kGenerate)
    raise(ErrorCode::kArgument, bundle.id + " wrote a text; a run of anneal train can go on");
  const std::string& file =
      bundle.manifest.checkpoint.empty() ? bundle.config.start : bundle.manifest.checkpoint;
  if (file.empty()) return {};
  if (!has_file(bundle, file)) raise(ErrorCode::kData, required(read_file_of(bundle, file)));  // says why
  return bundle.path(file);
}

std::vector<std::string> changes_since(const Bundle& bundle, const Manifest& now) {
  std::vector<std::string> out;
  const auto compare = [&](const std::string& what, const std::string& before, const std::string& after) {
    if (before != after)
      out.push_back(io::concat(what, ": ", before.empty() ? "(none)" : io::printable(before), " then, ",
                               after.empty() ? "(none)" : io::printable(after), " now"));
  };
  const Manifest& then = bundle.manifest;
  compare("version", then.version, now.version);
  compare("commit", then.git_rev, now.git_rev);
  compare("compiler", then.compiler, now.compiler);
  compare("device", then.device, now.device);
  compare("adapter", then.adapter, now.adapter);
  const std::map<std::string, std::string> flags = flags_of_now();
  std::set<std::string> names;
  for (const auto& [name, value] : bundle.config.flags) names.insert(name);
  for (const auto& [name, value] : flags) names.insert(name);
  const auto value_in = [](const std::map<std::string, std::string>& map, const std::string& name) {
    const auto found = map.find(name);
    return found == map.end() ? std::string() : found->second;
  };
  for (const std::string& name : names)
    compare(io::printable(name), value_in(bundle.config.flags, name), value_in(flags, name));
  for (const InputFile& file : bundle.config.data) {
    const std::string label = "data " + (file.path.empty() ? "in this program, its documentation"
                                                           : io::printable(file.path)),
                      sum = sum_now(file);
    if (sum.empty())
      out.push_back(label + ": cannot be read now");
    else
      compare(label + ": SHA-256", file.sha256, sum);
  }
  return out;
}

Comparison replay_training(const Bundle& bundle, ProgramLog& programs,
                           const std::function<void(int64_t step)>& progress) {
  if (bundle.manifest.kind != Kind::kTrain) raise(ErrorCode::kArgument, bundle.id + " is of no training");
  const std::vector<LossRow> rows = required(losses_of(bundle));
  if (rows.empty()) raise(ErrorCode::kData, bundle.id + " has no losses: there is nothing to compare");
  training::Settings settings = training_settings(bundle.config);
  std::optional<Checkpoint> before;
  if (!bundle.config.start.empty()) {
    if (!has_file(bundle, bundle.config.start))
      raise(ErrorCode::kData, required(read_file_of(bundle, bundle.config.start)));
    before = load_checkpoint(bundle.path(bundle.config.start));
    settings = training::settings_of(*before, settings);
  }
  const std::unique_ptr<training::Trainable> run = training::find_model(bundle.config.model).make(settings);
  if (before) run->resume(*before);
  if (run->step().steps() + 1 != rows[0].step)
    raise(ErrorCode::kData, io::concat(bundle.id, ": its losses begin with step ", rows[0].step,
                                       ", the run with step ", run->step().steps() + 1));
  Comparison out;
  for (const LossRow& row : rows) {
    const double loss = run->step()(run->batch(row.step - 1)).loss();
    ++out.compared;
    if (!is_same_number(loss, row.loss)) note(out, {row.step, row.loss, loss});
    if (progress) progress(row.step);
  }
  if (bundle.manifest.state == State::kCompleted) run->finish();
  compare_kernels(bundle, programs, out);
  return out;
}

void compare_kernels(const Bundle& bundle, const ProgramLog& programs, Comparison& out) {
  std::set<std::string> now;
  for (const ProgramLog::Kernel& k : programs.kernels()) now.insert(k.text);
  assets::Sha256 sum;
  for (const std::string& file : required(kernels_of(bundle))) {
    const auto text = io::FileBytes::read(bundle.path(kKernels) + "/" + file, size_t{1} << 28);
    if (!text) raise(ErrorCode::kData, text.message());
    const std::span<const std::byte> bytes = (*text)->bytes();
    sum.add(bytes);
    if (now.erase({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) == 0)
      out.kernels_gone.push_back(file);
  }
  if (bundle.manifest.state != State::kCompleted) return;
  if (sum.finish() != bundle.manifest.kernels_hash)
    raise(ErrorCode::kData, bundle.id + ": the files in kernels/ are not what its manifest says");
  for (const ProgramLog::Kernel& k : programs.kernels())
    if (now.contains(k.text)) out.kernels_new.push_back(k.file);
}

}  // namespace anneal::bundles
