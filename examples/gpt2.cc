// SPDX-License-Identifier: MIT
// GPT-2 writes: `gpt2 FOLDER "PROMPT"` takes the files of Hugging Face (config.json, model.safetensors,
// vocab.json, merges.txt). Without a folder a small model learns a sentence by heart first, byte by byte, and
// continues that.
#include <anneal/anneal.h>

#include <iostream>
#include <string>

namespace an = anneal;
namespace nn = anneal::nn;

namespace {

const std::string kText =
    "A compiler reads a program and writes another one that does the same in less time. "
    "What it may leave out, it leaves out; what it must do, it does once. ";
constexpr int64_t kLength = 96, kBatch = 2;

// The text again and again, from some position; the targets are one token ahead.
an::NamedTensors pieces_of(const std::vector<int32_t>& text, size_t start) {
  std::vector<int32_t> ids, targets;
  for (size_t i = start; i < start + kBatch * kLength; ++i) {
    ids.push_back(text[i % text.size()]);
    targets.push_back(text[(i + 1) % text.size()]);
  }
  return {{"ids", an::from_data(ids, {kBatch, kLength})},
          {"targets", an::from_data(targets, {kBatch, kLength})}};
}

nn::Gpt small_model(const an::Bpe& tokens) {
  const nn::Gpt model({.vocabulary = tokens.size(),
                       .context = kLength,
                       .width = 64,
                       .heads = 4,
                       .layers = 2,
                       .tied = true,
                       .deviation = 0.05,
                       .inputs_first = true});
  const auto step = an::compile(an::Training{
      .model = model,
      .loss = [](const nn::Gpt& m,
                 an::Inputs in) { return nn::language_model_loss(m(in["ids"]), in["targets"]); },
      .inputs = {{"ids", {kBatch, kLength}, an::i32}, {"targets", {kBatch, kLength}, an::i32}},
      .optimizer = an::AdamW{.lr = an::warmup_cosine(5e-3, 20, 500)},
      .seed = 1,
      .clip = {.norm = 1},
  });
  const std::vector<int32_t> text = tokens.encode(kText);
  for (size_t i = 0; i < 500; ++i) {
    const an::StepResult r = step(pieces_of(text, i * 37));
    if (r.step % 100 == 0) std::cerr << "step " << r.step << ": loss " << r.loss() << "\n";
  }
  nn::load_state_dict(model, step.parameters());  // the step trained a copy
  return model;
}

}  // namespace

int main(int argc, char** argv) try {
  const bool is_small = argc < 2;
  const an::Bpe tokens = is_small ? an::Bpe::of_bytes() : an::gpt2::load_tokenizer(argv[1]);
  const nn::Gpt model = is_small ? small_model(tokens) : an::gpt2::load(argv[1]);
  const std::string prompt = argc > 2 ? argv[2] : "A compiler reads a";

  // One program reads the prompt, another takes a token at a time; both keep keys and values on the device.
  an::gpt2::Generator generator(model);
  an::StreamDecoder text(tokens);  // a token may be a part of a character
  std::string shown;
  std::cout << prompt << std::flush;
  const an::gpt2::Generated written = an::gpt2::generate(generator, tokens.encode(prompt),
                                                         {.max_tokens = 48,
                                                          .sampling = {.temperature = 0.5, .top_k = 40},
                                                          .seed = 1,
                                                          .end = tokens.id_of("<|endoftext|>")},
                                                         [&](int32_t id) {
                                                           const std::string piece = text.push(id);
                                                           std::cout << piece << std::flush;
                                                           shown += piece;
                                                           return true;
                                                         });
  std::cout << text.finish() << "\n";
  std::cerr << written.ids.size() << " tokens, " << written.tokens_per_second() << " a second, by "
            << generator.compiles() << " programs\n";
  return !is_small || argc > 2 || (generator.compiles() == 2 && kText.find(shown) != std::string::npos) ? 0
                                                                                                        : 1;
} catch (const an::Error& e) {
  std::cerr << e.what() << "\n";
  return 1;
}
