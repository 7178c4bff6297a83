// SPDX-License-Identifier: MIT
// Writing token by token, for the verbs that do: how tokens are drawn, and how they are shown.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "anneal/gpt2/generator.h"
#include "bundles/program_log.h"

namespace anneal::cli {

class Options;

struct WritingOptions {
  int64_t max_tokens = 20, top_k = 40, seed = 1;
  double temperature = 1, top_p = 1;
  bool greedy = false, quiet = false;
  std::string weights;  // the type that a model's matrices are kept in; empty: as they are
  bool slides = false;  // where the context is full, go on from its last half
  bool is_shown = true;
  std::function<void(int32_t id, const std::string& text)> on_token = {};  // told of each
};
void add_writing_options(Options& verb, WritingOptions& options);

// A model that is ready to write.
struct Writer {
  std::string verb, model;  // "gpt2 sample", "gpt2"
  std::string source;       // where it was found: a file or folder
  std::unique_ptr<gpt2::Generator> generator;
  std::vector<int32_t> prompt;
  std::optional<int32_t> end;
  std::function<std::string(int32_t)> text_of;  // what can be shown of a token now
  std::function<std::string()> rest;            // what is left at the end
  std::vector<int32_t> never;                   // ids that stand for nothing
  std::vector<std::string> files;               // what was read
};
Writer open_generate(const std::string& checkpoint, const std::string& prompt);
Writer open_gpt2_sample(const std::string& model, const std::string& prompt, const std::string& weights);

// Writes, and records it in a run bundle where that is asked for. `device`: what the verb was given, and
// `programs` what its context told of.
struct Recording {
  bool on = false;
  std::string device;
  runtime::Context* context = nullptr;
  const bundles::ProgramLog* programs = nullptr;
};
void write_recorded(Writer& writer, WritingOptions options, const Recording& recording);

// The options as a bundle keeps them, and back.
std::map<std::string, bundles::Value> values_of(const WritingOptions& options);
WritingOptions writing_options(const bundles::Config& config);

// Feeds the prompt, then draws and shows tokens until there are enough, the context is full, or the end is
// drawn. Then a line on stderr says how fast that was.
void write_tokens(Writer& writer, const WritingOptions& options);

// Raises, before anything is shown, for a prompt that leaves a model no room.
void check_prompt(size_t length, std::string_view unit, int64_t context);

}  // namespace anneal::cli
