// SPDX-License-Identifier: MIT
// mlp, dynmlp and conv: small models that tell a few classes apart.
#include <cstdio>
#include <iterator>

#include "anneal/functions.h"
#include "anneal/nn.h"
#include "programs/data.h"
#include "programs/models.h"
#include "support/hash.h"
#include "support/random_stream.h"
#include "training/models.h"
#include "training/sources.h"

namespace anneal::training {
namespace {

NamedTensors named(const std::vector<programs::Named>& values) {
  NamedTensors out;
  for (const programs::Named& v : values) out.push_back({v.name, v.value});
  return out;
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

Tensor class_loss(const nn::Sequential& net, Inputs in) { return cross_entropy(net(in["x"]), in["y"]); }

// A classifier over inputs of these sizes behind the batch.
Step<nn::Sequential> compile_classifier(nn::Sequential net, Sizes sizes, Optimizer optimizer,
                                        const Settings& settings) {
  const Extent batch = sizes[0];
  return compile(Training{.model = std::move(net),
                          .loss = class_loss,
                          .inputs = {{"x", std::move(sizes)}, {"y", {batch}, i32}},
                          .optimizer = std::move(optimizer),
                          .seed = settings.seed,
                          .nan_trap = settings.nan_trap});
}

// -- mlp, dynmlp --

constexpr uint64_t kHeldOut = 0x5eed;  // data that no seed trains on

class Spirals final : public Trainable {
  static constexpr programs::ModelSizes kSizes = programs::kMlp.trained;

 public:
  Spirals(const Settings& settings, bool dynamic)
      : Trainable(checked(settings, dynamic)),
        dynamic_(dynamic),
        step_(compile_classifier(
            programs::make_mlp(kSizes),
            {dynamic ? dim("batch", 1, kMostDynamic) : Extent(given_or(settings.batch, kSizes.batch)), 2},
            AdamW{.lr = settings.lr != 0 ? settings.lr : 1e-2}, settings)) {}

  const AnyStep& step() const override { return step_; }
  NamedTensors batch(int64_t step) const override {
    return named(programs::spiral_data(items(step), settings_.seed, step));
  }
  int64_t items(int64_t step) const override {
    if (dynamic_ && settings_.batch == 0)
      return programs::kBatchesInTurn[static_cast<size_t>(step) % std::size(programs::kBatchesInTurn)];
    return given_or(settings_.batch, kSizes.batch);
  }
  double item_bytes() const override { return 2 * sizeof(float) + sizeof(int32_t); }
  std::vector<std::string> about() const override {
    return {"three linear layers, " + size_of(step_),
            dynamic_ && settings_.batch == 0 ? "points on three spirals, batches of 1, 7, 32 and 129 in turn"
                                             : "points on three spirals, made up as they are needed"};
  }
  std::vector<std::string> finish() const override {
    constexpr int64_t kPoints = 1000;
    const auto predict = step_.attach([](const nn::Sequential& net, Inputs in) { return net(in["x"]); },
                                      {{"x", {kPoints, 2}}});
    const std::vector<programs::Named> data = programs::spiral_data(kPoints, kHeldOut, 0);
    const double share = accuracy(predict({{"x", data[0].value}}), data[1].value);
    std::vector<std::string> out = {"accuracy on 1,000 new points: " + percent(share)};
    if (dynamic_) out.push_back("programs compiled for all batches: " + std::to_string(step_.compiles()));
    return out;
  }

 protected:
  void describe(Checkpoint& out) const override {
    out.texts["model"] = dynamic_ ? "dynmlp" : "mlp";
    if (settings_.batch != 0) out.integers["batch"] = settings_.batch;
  }

 private:
  static constexpr int64_t kMostDynamic = 1024;
  static const Settings& checked(const Settings& settings, bool dynamic) {
    if (dynamic && settings.batch > kMostDynamic)
      raise(ErrorCode::kArgument, "--batch " + std::to_string(settings.batch) +
                                      ": dynmlp is compiled for at most " + std::to_string(kMostDynamic));
    return settings;
  }

  bool dynamic_;
  Step<nn::Sequential> step_;
};

// -- conv --

constexpr int64_t kTenth = 10;  // so much of the images is held out

programs::ModelSizes conv_sizes(int64_t side) {
  programs::ModelSizes out = programs::kConv.trained;
  out.side = side;
  return out;
}

class Digits final : public Trainable {
 public:
  Digits(const Settings& settings, Images images)
      : Trainable(settings),
        batch_(given_or(settings.batch, programs::kConv.trained.batch)),
        images_(std::move(images)),
        count_(images_.x.shape()[0]),
        side_(images_.x.shape()[2]),
        trained_(count_ - count_ / kTenth),
        step_(compile_classifier(
            programs::make_conv(conv_sizes(side_)), {batch_, 1, side_, side_},
            AdamW{.lr = cosine_schedule(settings.lr != 0 ? settings.lr : 3e-3, settings.steps, 1e-5)},
            settings)),
        pixels_(images_.x.to_vector<float>()),
        labels_(images_.y.to_vector<int32_t>()) {}

  const AnyStep& step() const override { return step_; }
  int64_t items(int64_t) const override { return batch_; }
  double item_bytes() const override {
    return static_cast<double>(side_ * side_) * sizeof(float) + sizeof(int32_t);
  }
  // Every image once in each round through the data, in an order of the round's own.
  NamedTensors batch(int64_t step) const override {
    std::vector<float> x;
    std::vector<int32_t> y;
    for (int64_t i = 0; i < batch_; ++i) append(place(step * batch_ + i), x, y);
    return {{"x", from_data(x, {batch_, 1, side_, side_})}, {"y", from_data(y, {batch_})}};
  }
  std::vector<std::string> data_files() const override { return images_.paths; }
  std::vector<std::string> about() const override {
    return {"two convolutions and a linear layer, " + size_of(step_),
            images_.origin + ": " + std::to_string(trained_) + " images to train on, " +
                std::to_string(count_ - trained_) + " held out"};
  }
  std::vector<std::string> finish() const override {
    const int64_t held_out = count_ - trained_;
    const auto predict = step_.attach([](const nn::Sequential& net, Inputs in) { return net(in["x"]); },
                                      {{"x", {held_out, 1, side_, side_}}});
    const double share = accuracy(predict({{"x", narrow(images_.x, 0, trained_, held_out)}}),
                                  narrow(images_.y, 0, trained_, held_out));
    return {"accuracy on the " + std::to_string(held_out) + " images held out: " + percent(share)};
  }

 protected:
  void describe(Checkpoint& out) const override {
    out.texts["model"] = "conv";
    out.integers["batch"] = batch_;
  }

 private:
  // Which image is number `i` of all that are seen: a shuffle of each round, by a network of four rounds that
  // maps the numbers below a power of two to themselves; those beyond the last image go through it again.
  int64_t place(int64_t i) const {
    const auto round = static_cast<uint64_t>(i / trained_);
    int bits = 2;
    while ((int64_t{1} << bits) < trained_) bits += 2;
    const uint64_t mask = (uint64_t{1} << (bits / 2)) - 1;
    auto at = static_cast<uint64_t>(i % trained_);
    do {
      uint64_t left = at >> (bits / 2), right = at & mask;
      for (uint64_t r = 0; r < 4; ++r) {
        const uint64_t key = support::Hasher(settings_.seed).add(round).add(r).add(right).finish().lo;
        const uint64_t next = left ^ (key & mask);
        left = right;
        right = next;
      }
      at = left << (bits / 2) | right;
    } while (at >= static_cast<uint64_t>(trained_));
    return static_cast<int64_t>(at);
  }
  void append(int64_t image, std::vector<float>& x, std::vector<int32_t>& y) const {
    const auto first = pixels_.begin() + image * side_ * side_;
    x.insert(x.end(), first, first + side_ * side_);
    y.push_back(labels_[static_cast<size_t>(image)]);
  }

  int64_t batch_;
  Images images_;
  int64_t count_, side_, trained_;
  Step<nn::Sequential> step_;
  std::vector<float> pixels_;
  std::vector<int32_t> labels_;
};

// So many noisy images of bars, where there is nothing better.
Images made_up_images() {
  constexpr int64_t kCount = 4000, kSide = 12;
  const std::vector<programs::Named> data = programs::bar_data(kCount, kSide, kHeldOut, 0);
  const std::vector<float> pixels = data[0].value.to_vector<float>();
  return {data[0].value,
          data[1].value,
          "noisy bars, made up (--data FOLDER: MNIST's files)",
          {},
          sha256_of({std::as_bytes(std::span(pixels))})};
}

}  // namespace

std::unique_ptr<Trainable> make_mlp(const Settings& settings) {
  return std::make_unique<Spirals>(settings, false);
}
std::unique_ptr<Trainable> make_dynmlp(const Settings& settings) {
  return std::make_unique<Spirals>(settings, true);
}
std::unique_ptr<Trainable> make_conv(const Settings& settings) {
  Images images = settings.data.empty() ? made_up_images() : find_images(settings.data);
  const Settings known = with_data(settings, images.sha256, images.origin);
  return std::make_unique<Digits>(known, std::move(images));
}

std::string size_of(const AnyStep& step) {
  double count = 0;
  for (const NamedTensor& p : step.parameters()) count += static_cast<double>(p.value.numel());
  char text[64];
  if (count < 1e6)
    std::snprintf(text, sizeof text, "%.1f thousand parameters", count / 1e3);
  else
    std::snprintf(text, sizeof text, "%.1f million parameters", count / 1e6);
  return text;
}

double accuracy(const Tensor& logits, const Tensor& targets) {
  return mean(cast(argmax(logits, -1) == targets, f32)).item<float>();
}

}  // namespace anneal::training
