// SPDX-License-Identifier: MIT
// What `anneal train` trains: a model with its data, compiled into a step, and what there is to say of it
// when it is done. Batches are functions of the seed and the number of the step, so a run that is resumed
// goes on as if it had never stopped. Tested by trainable_test.cc.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "anneal/files.h"
#include "anneal/nn/gpt.h"
#include "anneal/training.h"

namespace anneal::training {

// Zero and empty: the model's own.
struct Settings {
  std::string data = {};  // a text file, or a folder with images and labels
  int64_t steps = 0, batch = 0;
  int64_t layers = 0, heads = 0, width = 0, block = 0;  // of a GPT
  double lr = 0;
  uint64_t seed = 1;
  bool nan_trap = false;

  // Of a checkpoint that is continued; see settings_of().
  std::string alphabet = {};            // its tokens keep their meaning
  std::string data_sha256 = {};         // of what it was trained on; of a Trainable, what it trains on
  bool is_data_given = false;           // other data is what is wanted
  std::vector<std::string> notes = {};  // what is another than it was, in words
};

class Trainable {
 public:
  explicit Trainable(Settings settings) : settings_(std::move(settings)) {}
  virtual ~Trainable() = default;

  virtual const AnyStep& step() const = 0;
  virtual NamedTensors batch(int64_t step) const = 0;  // of step number 0, 1, ...
  virtual int64_t items(int64_t step) const = 0;       // examples or tokens in it
  virtual double item_bytes() const = 0;               // of one of them, in a batch
  virtual std::string_view unit() const { return "examples"; }
  virtual std::vector<std::string> data_files() const { return {}; }  // an empty path: part of this program
  virtual std::vector<std::string> about() const = 0;                 // lines: the model, its data
  virtual std::vector<std::string> finish() const = 0;                // lines: how good it became, a sample

  // What is not as it was in the checkpoint that is continued, line by line.
  const std::vector<std::string>& notes() const { return settings_.notes; }

  // With what it takes to make the model again: settings that are numbers, and texts.
  Checkpoint checkpoint() const;
  // Raises when it is of another model.
  void resume(const Checkpoint& checkpoint) const;

 protected:
  virtual void describe(Checkpoint& checkpoint) const = 0;

  const Settings settings_;
};

struct Model {
  std::string_view name, summary;
  int64_t steps;           // by default
  std::string_view takes;  // of the settings that only some models have, by the names of their options
  std::unique_ptr<Trainable> (*make)(const Settings& settings);
};
std::span<const Model> all_models();
// Raises kName with the nearest name and the list.
const Model& find_model(std::string_view name);
// Raises for a setting that the model does not take, and names the models that do.
void check_taken(const Model& model, const Settings& given);

// The model of a checkpoint of nanogpt. Raises kData where it is of another one, or says too little; `label`
// names it.
nn::GptConfig gpt_of(const Checkpoint& checkpoint, const std::string& label);

// The settings that a checkpoint was made with, where `given` leaves them open. Raises kArgument where it
// says otherwise and the tensors would not fit; other changes are noted.
Settings settings_of(const Checkpoint& checkpoint, Settings given);

}  // namespace anneal::training
