// SPDX-License-Identifier: MIT
// What people do with it: the tool's own start, training with its defaults, and GPT-2 of 124 million random
// weights, from the file to the first token and from token to token.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "anneal/anneal.h"
#include "anneal/gpt2.h"
#include "bench/bench.h"
#include "training/trainable.h"

namespace anneal::bench {
namespace {

namespace fs = std::filesystem;

// A folder as gpt2 sample wants it, made when it is first asked for and gone with the process.
class Gpt2Folder {
 public:
  static const std::string& path() {
    static const Gpt2Folder folder;
    return folder.path_;
  }

 private:
  Gpt2Folder() : path_((fs::temp_directory_path() / ("anneal-bench-" + std::to_string(getpid()))).string()) {
    fs::create_directories(path_);
    const nn::Gpt model(gpt2::config_named("gpt2"));
    nn::initialize(model, 1);
    gpt2::save(path_ + "/model.safetensors", nn::state_dict(model));
    std::ofstream(path_ + "/config.json")
        << R"({"model_type": "gpt2", "vocab_size": 50257, "n_positions": 1024,
      "n_embd": 768, "n_head": 12, "n_layer": 12})";
    std::ofstream(path_ + "/vocab.json") << vocabulary();
    std::ofstream(path_ + "/merges.txt") << "#version: 0.2\n";
  }
  ~Gpt2Folder() { fs::remove_all(path_); }

  // A token for each byte, others, and the end of a text.
  static std::string vocabulary() {
    std::string out = "{";
    int shifted = 0;  // bytes that no letter shows stand behind the first 256 letters
    for (int byte = 0; byte < 256; ++byte) {
      const bool is_shown = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
      char text[32];
      std::snprintf(text, sizeof text, "\"\\u%04x\": %d, ", is_shown ? byte : 256 + shifted++, byte);
      out += text;
    }
    for (int id = 256; id < 50256; ++id)
      out += "\"w" + std::to_string(id) + "\": " + std::to_string(id) + ", ";
    return out + "\"<|endoftext|>\": 50256}";
  }

  std::string path_;
};

// The tool lies beside this program.
double tool_milliseconds(const std::string& arguments, int repetitions) {
  const fs::path tool = fs::read_symlink("/proc/self/exe").parent_path() / "anneal";
  const std::string command = "'" + tool.string() + "' " + arguments + " > /dev/null";
  bool ran = true;
  const double seconds = min_seconds(repetitions, [&] { ran = ran && std::system(command.c_str()) == 0; });
  if (!ran) raise(ErrorCode::kData, "the tool failed: " + command);
  return 1e3 * seconds;
}

Result first_token() {
  return {tool_milliseconds(
      "gpt2 sample aaaaaaaaaaaaaaaa --plain --max-tokens 1 --model '" + Gpt2Folder::path() + "'", 4)};
}

// A token at a time behind a prompt, in turns with reading as much memory as a token has to read.
struct Decoding {
  double seconds = 1e300, reading = 1e300;
};
Decoding decoding(std::optional<DType> weights, size_t bytes) {
  gpt2::Generator generator(gpt2::load(Gpt2Folder::path(), weights));
  const std::vector<int32_t> prompt(16, 7), one(1, 5);
  const std::vector<uint64_t> memory(bytes / sizeof(uint64_t), 1);
  generator.feed(prompt);
  generator.feed(one);
  Decoding out;
  for (int i = 0; i < 40; ++i) {
    out.seconds = std::min(out.seconds, min_seconds(1, [&] { generator.feed(one); }));
    out.reading = std::min(out.reading, read_seconds(memory.data(), bytes));
  }
  return out;
}

constexpr size_t kWeights = 124'439'808 - 1024 * 768;  // but for the table of positions

Result decode_over_read() {
  const Decoding d = decoding({}, kWeights * sizeof(float));
  return {d.reading / d.seconds};
}

Result decode_narrow() {
  return {1e3 * decoding(bf16, kWeights).seconds, 1e3 * decoding({}, kWeights).seconds};
}

Result memory_of_decoding() {
  gpt2::Generator generator(gpt2::load(Gpt2Folder::path()));
  const std::vector<int32_t> prompt(16, 7), one(1, 5);
  generator.feed(prompt);
  while (generator.length() < 24) generator.feed(one);
  const auto before = static_cast<double>(counters().active_bytes);
  while (generator.length() < 1016) generator.feed(one);
  return {1e-6 * (static_cast<double>(counters().active_bytes) - before)};
}

Result nanogpt_step() {
  const auto run = training::find_model("nanogpt").make({.steps = 2000});
  int64_t done = 0;
  const auto step = [&] { run->step()(run->batch(done++)).loss(); };
  step();
  return {1e3 * min_seconds(20, step)};
}

}  // namespace

std::vector<Row> use_rows() {
  return {
      {"anneal --help", "ms", Better::kLower, 30, [] { return Result{tool_milliseconds("--help", 20)}; }},
      {"train nanogpt, a step with its defaults", "ms", Better::kLower, 150, nanogpt_step},
      {"gpt2 124M, from the file to the first token", "ms", Better::kLower, 1500, first_token},
      {"gpt2 124M, a token", "of reading", Better::kHigher, 0.6, decode_over_read},
      {"gpt2 124M, a token with bf16 weights (peer: f32)", "ms", Better::kLower, 0.8, decode_narrow,
       Against::kPeer},
      {"gpt2 124M, growth over 1,000 tokens", "MB", Better::kLower, 1, memory_of_decoding},
  };
}

}  // namespace anneal::bench
