// SPDX-License-Identifier: MIT
// A convolutional network learns which way a bar lies in noisy images: layers, batch norm, dropout, and a
// forward that is attached to the training step.
#include <anneal/anneal.h>

#include <iostream>
#include <random>

namespace an = anneal;
namespace nn = anneal::nn;
using an::Tensor;

namespace {

constexpr int kSize = 10, kBatch = 64;

struct Net {
  nn::Conv2d conv1{1, 8, 3, {.same = true}}, conv2{8, 16, 3, {.same = true}};
  nn::BatchNorm norm{8};
  nn::MaxPool pool = nn::max_pool2d(2);
  nn::Dropout dropout{0.1};
  nn::Linear head{16 * 2 * 2, 4};

  Tensor operator()(const Tensor& image) const {
    Tensor x = pool(an::relu(norm(conv1(image))));
    x = pool(an::relu(conv2(x)));
    return head(dropout(an::flatten(x, 1)));
  }
};

struct Images {
  Tensor pixels, labels;
};

// Bars that lie, stand, rise or fall.
Images make_images(std::mt19937& random) {
  std::normal_distribution<float> noise(0, 0.3f);
  std::uniform_int_distribution<int> kind(0, 3), place(2, kSize - 3);
  std::vector<float> pixels;
  std::vector<int32_t> labels;
  for (int i = 0; i < kBatch; ++i) {
    const int k = kind(random), at = place(random);
    for (int row = 0; row < kSize; ++row)
      for (int column = 0; column < kSize; ++column) {
        const int where[] = {row, column, (row + column) / 2, (row - column + kSize) / 2};
        pixels.push_back((where[k] == at ? 1.0f : 0.0f) + noise(random));
      }
    labels.push_back(k);
  }
  return {an::from_data(pixels, {kBatch, 1, kSize, kSize}), an::from_data(labels, {kBatch})};
}

}  // namespace

int main() {
  const auto step = an::compile(an::Training{
      .model = Net{},
      .loss = [](const Net& m, an::Inputs in) { return an::cross_entropy(m(in["pixels"]), in["labels"]); },
      .inputs = {{"pixels", {kBatch, 1, kSize, kSize}}, {"labels", {kBatch}, an::i32}},
      .optimizer = an::AdamW{.lr = an::warmup_cosine(1e-2, 10, 120)},
      .seed = 1,
  });
  const auto predict =
      step.attach([](const Net& m, an::Inputs in) { return an::argmax(m(in["pixels"]), -1); },
                  {{"pixels", {kBatch, 1, kSize, kSize}}});

  std::mt19937 random(1);
  for (int i = 0; i < 120; ++i) {
    const Images batch = make_images(random);
    const an::StepResult r = step({{"pixels", batch.pixels}, {"labels", batch.labels}});
    if (r.step % 30 == 0) std::cout << "step " << r.step << ": loss " << r.loss() << "\n";
  }
  const Images test = make_images(random);
  const Tensor found = predict({{"pixels", test.pixels}});
  const double right = an::mean(an::cast(found == test.labels, an::f32)).item<double>();
  std::cout << "right: " << 100 * right << " %\n";
  return right > 0.9 ? 0 : 1;
}
