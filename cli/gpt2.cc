// SPDX-License-Identifier: MIT
// anneal gpt2: writes with a published GPT-2, and trains one further on a text.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "anneal/gpt2.h"
#include "anneal/training.h"
#include "assets/registry.h"
#include "cli/common.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "cli/writing.h"
#include "runtime/backend.h"
#include "support/flags.h"
#include "terminal/interrupts.h"
#include "training/sources.h"
#include "training/text_data.h"

namespace anneal::cli {
namespace {

struct Gpt2Options {
  std::string what, model = "gpt2", device, data, out;
  std::vector<std::string> prompt;
  WritingOptions writing;
  bool bundle = false;
  int64_t steps = 100, batch = 1, block = 64, log_every = 10;
  double lr = 3e-5;
};

// The folder of a model: one that was given, or that of a published size, fetched where it is not there.
std::string folder_of(const std::string& model) {
  if (std::filesystem::exists(model)) return model;
  gpt2::config_named(model);     // raises, with the names that there are
  std::string folder, problems;  // all of them, not the first alone
  for (const assets::Asset& asset : assets::all_assets()) {
    if (assets::set_of(asset) != model) continue;
    assets::FetchOptions options = assets::default_options();
    options.progress = [&](const assets::Progress& p) {
      fmt::print(stderr, "\r{}: {:.0f} of {:.0f} MB  ", asset.name, static_cast<double>(p.have) / 1e6,
                 static_cast<double>(p.size) / 1e6);
    };
    const io::Result<std::string> path = assets::fetch(asset, options);
    if (path.ok())
      folder = std::filesystem::path(*path).parent_path().string();
    else
      problems += (problems.empty() ? "" : "\n") + path.message();
  }
  if (!problems.empty()) raise(ErrorCode::kData, problems);
  return folder;
}

// What a model is read from: for a bundle's record of it.
std::vector<std::string> files_of(const std::string& path) {
  namespace fs = std::filesystem;
  std::vector<std::string> out;
  if (!fs::is_directory(path)) out.push_back(path);
  const fs::path folder = fs::is_directory(path) ? fs::path(path) : fs::path(path).parent_path();
  for (const fs::directory_entry& file : fs::directory_iterator(folder.empty() ? "." : folder)) {
    const std::string name = file.path().filename().string();
    const bool is_weights = file.path().extension() == ".safetensors" && fs::is_directory(path);
    if (is_weights || name == "config.json" || name == "vocab.json" || name == "merges.txt")
      out.push_back(file.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

int sample(const Gpt2Options& options, runtime::Using& device, const bundles::ProgramLog& programs) {
  std::string prompt;
  for (const std::string& word : options.prompt) prompt += (prompt.empty() ? "" : " ") + word;
  Writer writer = open_gpt2_sample(options.model, prompt, options.writing.weights);
  fmt::print("{}", prompt);
  write_recorded(writer, options.writing, {options.bundle, options.device, device.context(), &programs});
  return 0;
}

int finetune(const Gpt2Options& options) {
  if (options.data.empty()) raise(ErrorCode::kArgument, "gpt2 finetune needs --data FILE, a text");
  if (!options.out.empty()) check_writable(options.out);
  const std::string path = folder_of(options.model);
  const Bpe tokens = gpt2::load_tokenizer(path);
  const training::Text text = training::find_text(options.data);
  nn::Gpt model = gpt2::load(path, f32);
  if (options.block > model.config.context)
    raise(ErrorCode::kArgument, fmt::format("--block {} is more than the model's context of {}",
                                            options.block, model.config.context));
  gpt2::ids_without_token(tokens, model.config.vocabulary);  // raises where they do not belong together
  const training::TextData data(tokens.encode(text.text), options.block);
  const Sizes sizes = {options.batch, options.block};
  const auto step = compile(Training{
      .model = std::move(model),
      .loss = [](const nn::Gpt& m,
                 Inputs in) { return nn::language_model_loss(m(in["ids"]), in["targets"]); },
      .inputs = {{"ids", sizes, i32}, {"targets", sizes, i32}},
      .optimizer =
          AdamW{.lr = warmup_cosine(options.lr, std::min<int64_t>(10, options.steps), options.steps)},
      .seed = static_cast<uint64_t>(options.writing.seed),
      .clip = {.norm = 1}});
  fmt::print("{}: {}\n", options.model, text.origin);
  const terminal::Interrupts interrupts(true);
  for (int64_t i = 0; i < options.steps && terminal::Interrupts::which() == 0; ++i) {
    const StepResult result = step(data.batch(options.batch, static_cast<uint64_t>(options.writing.seed), i));
    const int64_t done = i + 1;
    if (done != 1 && done != options.steps && done % options.log_every != 0) continue;
    const double loss = result.loss();
    if (!std::isfinite(loss)) raise(ErrorCode::kData, fmt::format("the loss of step {} is {}", done, loss));
    fmt::print("step {}: loss={:.6f}\n", done, loss);
    std::fflush(stdout);
  }
  const int signal = terminal::Interrupts::which();
  const std::string out =
      options.out.empty() && signal != 0 ? create_fresh_file("gpt2-tuned", ".safetensors") : options.out;
  constexpr int kBySignal = 128;  // as shells say it
  const int code = signal == 0 ? 0 : kBySignal + signal;
  if (out.empty()) return code;
  gpt2::save(out, step.parameters());
  fmt::print("saved: {}{}\n", out, signal == 0 ? "" : fmt::format(", after step {}", step.steps()));
  return code;
}

// What only the other part would look at.
void check_options(const Gpt2Options& options) {
  const WritingOptions& w = options.writing;
  const WritingOptions plain;
  const Gpt2Options unchanged;
  const bool writes = options.what == "sample";
  const auto refuse = [&](bool given, const char* option) {
    if (given)
      raise(ErrorCode::kArgument, fmt::format("{} is for gpt2 {}, not for gpt2 {}", option,
                                              writes ? "finetune" : "sample", options.what));
  };
  if (writes) {
    refuse(!options.data.empty(), "--data");
    refuse(!options.out.empty(), "--out");
    refuse(options.steps != unchanged.steps, "--steps");
    refuse(options.batch != unchanged.batch, "--batch");
    refuse(options.block != unchanged.block, "--block");
    refuse(options.lr != unchanged.lr, "--lr");
    refuse(options.log_every != unchanged.log_every, "--log-every");
  } else if (options.what == "finetune") {
    refuse(options.bundle && !support::flag_on(support::Flag::kBundle), "--bundle");
    refuse(!w.weights.empty(), "--weights");
    refuse(w.max_tokens != plain.max_tokens, "--max-tokens");
    refuse(w.greedy || w.temperature != plain.temperature, "--temperature or --greedy");
    refuse(w.top_k != plain.top_k, "--top-k");
    refuse(w.top_p != plain.top_p, "--top-p");
  }
}

int run_gpt2(const Gpt2Options& options) {
  check_options(options);
  bundles::ProgramLog programs;
  runtime::Using device({.device = options.device, .made = programs.observer()});
  if (options.what == "sample") return sample(options, device, programs);
  if (options.what == "finetune") {
    if (!options.prompt.empty()) raise(ErrorCode::kArgument, "gpt2 finetune takes no prompt");
    return finetune(options);
  }
  const std::string_view known[] = {"sample", "finetune"};
  raise_unknown("part of anneal gpt2", options.what, known);
}

}  // namespace

Writer open_gpt2_sample(const std::string& model, const std::string& prompt, const std::string& weights) {
  const DType kept = dtype_from_name(weights);
  if (!weights.empty() && kept != f32 && kept != bf16 && kept != f16)
    raise(ErrorCode::kArgument, "--weights is " + weights + "; weights are kept as f32, bf16 or f16");
  const std::string path = folder_of(model);
  const auto tokens = std::make_shared<const Bpe>(gpt2::load_tokenizer(path));
  Writer out{.verb = "gpt2 sample", .model = "gpt2", .source = path};
  nn::Gpt loaded = gpt2::load(path, weights.empty() ? std::nullopt : std::optional(kept));
  out.never = gpt2::ids_without_token(*tokens, loaded.config.vocabulary);
  out.prompt = tokens->encode(prompt);
  check_prompt(out.prompt.size(), "tokens", loaded.config.context);
  out.generator = std::make_unique<gpt2::Generator>(std::move(loaded));
  out.end = tokens->id_of("<|endoftext|>");
  if (out.prompt.empty()) {
    if (!out.end) raise(ErrorCode::kArgument, "gpt2 sample: there must be a prompt to begin with");
    out.prompt.push_back(*out.end);
  }
  const auto decoder = std::make_shared<StreamDecoder>(*tokens);
  out.text_of = [tokens, decoder](int32_t id) { return decoder->push(id); };
  out.rest = [tokens, decoder] { return decoder->finish(); };
  out.files = files_of(path);
  return out;
}

Action add_gpt2(Options& verb) {
  const auto options = std::make_shared<Gpt2Options>();
  verb.argument("what", options->what, "sample, or finetune");
  verb.rest("prompt", options->prompt, "of sample: how the text begins");
  verb.option("--model", options->model, "gpt2, gpt2-medium, gpt2-large, gpt2-xl, or the folder of one");
  verb.option("--device", options->device, "what it runs on; anneal doctor lists them");
  add_writing_options(verb, options->writing);
  verb.option("--weights", options->writing.weights,
              "of sample: keep the matrices as f32, bf16 or f16; as the file has them by itself");
  options->bundle = support::flag_on(support::Flag::kBundle);
  verb.flag("--bundle", options->bundle, "of sample: record the run, to run it again; see anneal runs");
  verb.option("--data", options->data, "of finetune: a text file");
  verb.option("--steps", options->steps, "of finetune: how many", Range::kPositive);
  verb.option("--batch", options->batch, "of finetune: how many pieces of the text a step", Range::kPositive);
  verb.option("--block", options->block, "of finetune: how many tokens a piece has", Range::kPositive);
  verb.option("--lr", options->lr, "of finetune: the greatest learning rate", Range::kPositive);
  verb.option("--log-every", options->log_every, "of finetune: steps between lines", Range::kPositive);
  verb.option("--out", options->out,
              "of finetune: a safetensors file with the published names, written at the end or when Ctrl-C, "
              "SIGTERM or "
              "SIGHUP stops it; without it, then, a new gpt2-tuned.safetensors");
  return [options] { return run_gpt2(*options); };
}

}  // namespace anneal::cli
