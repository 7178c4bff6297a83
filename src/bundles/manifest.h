// SPDX-License-Identifier: MIT
// What a run bundle says of itself: manifest.json, which run it was and how it ended, and config.json, what
// it takes to run it again. Both may come from anyone: every field is checked, and a complaint says which one
// it is. Tested by manifest_test.cc and bundle_fuzz.cc.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "io/message.h"

namespace anneal::bundles {

using io::Result;

inline constexpr int64_t kBundleVersion = 1;

enum class Kind : uint8_t { kTrain, kGenerate, kSaved };
inline constexpr std::array<std::string_view, 3> kKindText = {"train", "generate", "saved"};

// kRunning of a run that nobody runs: it was killed.
enum class State : uint8_t { kRunning, kCompleted, kStopped, kFailed };
inline constexpr std::array<std::string_view, 4> kStateText = {"running", "completed", "stopped", "failed"};

struct Bounds {
  int64_t min = 0, max = 0;
  friend bool operator==(const Bounds&, const Bounds&) = default;
};

struct Manifest {
  Kind kind = Kind::kTrain;
  State state = State::kRunning;
  std::string message;                     // why it failed
  std::string model;                       // "nanogpt"
  std::string version, git_rev, compiler;  // of the program that ran it
  std::string device, adapter;             // "cpu", and what that is in words
  int64_t kernels = 0;
  std::string kernels_hash;                 // SHA-256 of all files in kernels/, one behind the other
  std::map<std::string, Bounds> sym_binds;  // named dimensions and what they may be
  std::string created_at;                   // "2026-01-31T23:59:59Z"
  int64_t duration_ms = 0;
  int64_t steps = 0;                // the number of the last one, or of the last token
  std::optional<double> last_loss;  // of it
  std::string checkpoint;           // the name of a file in the bundle; empty: there is none yet
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

struct InputFile {
  std::string path;  // absolute; empty: part of the program
  std::string sha256;
  friend bool operator==(const InputFile&, const InputFile&) = default;
};

using Value = std::variant<bool, int64_t, double, std::string>;

struct Config {
  std::string verb;                          // "train", "generate", "gpt2 sample", "save"
  std::string model;                         // "nanogpt"
  std::string device;                        // "cpu"
  std::map<std::string, Value> settings;     // by the names of the verb's options
  std::vector<InputFile> data;               // texts, images, checkpoints: what was read
  std::vector<int32_t> prompt;               // of a text: its tokens
  std::string start;                         // the file in the bundle that it went on from, or empty
  std::string resumed_from;                  // the bundle or file that this was, for people
  std::map<std::string, std::string> flags;  // environment variables that matter to a run, where they are set
  friend bool operator==(const Config&, const Config&) = default;

  // Of the settings; `otherwise` when it is not there or of another type.
  template <typename T>
  T get(const std::string& name, T otherwise) const {
    const auto found = settings.find(name);
    const T* value = found == settings.end() ? nullptr : std::get_if<T>(&found->second);
    return value == nullptr ? otherwise : *value;
  }
};

// `label` names the text in messages, usually by its path.
Result<Manifest> parse_manifest(std::string_view text, std::string_view label);
Result<Config> parse_config(std::string_view text, std::string_view label);
std::string manifest_text(const Manifest& manifest);
std::string config_text(const Config& config);

// A name of one file or folder: letters, digits, '.', '_', '-', not first a dot.
bool is_plain_name(std::string_view name);

}  // namespace anneal::bundles
