// SPDX-License-Identifier: MIT
#include "programs/models.h"

#include "anneal/error.h"
#include "programs/sequential.h"

namespace anneal::programs {

nn::Sequential make_mlp(const ModelSizes& sizes) {
  const std::string hidden = std::to_string(sizes.hidden), classes = std::to_string(sizes.classes);
  return make_sequential(parse_layers("Linear(2," + hidden + ") Tanh Linear(" + hidden + "," + hidden +
                                      ") Tanh Linear(" + hidden + "," + classes + ")"));
}

nn::Sequential make_conv(const ModelSizes& sizes) {
  const int64_t left = sizes.side / 4;  // behind both windows
  const std::string first = std::to_string(sizes.channels), second = std::to_string(2 * sizes.channels);
  return make_sequential(parse_layers("Conv2d(1," + first + ",3,pad1) ReLU MaxPool2d(2) Conv2d(" + first +
                                      "," + second + ",3,pad1) ReLU MaxPool2d(2) Flatten Linear(" +
                                      std::to_string(2 * sizes.channels * left * left) + "," +
                                      std::to_string(sizes.classes) + ")"));
}

nn::GptConfig gpt_config(const ModelSizes& sizes) {
  nn::GptConfig out{.vocabulary = sizes.vocabulary,
                    .context = sizes.block,
                    .width = sizes.width,
                    .heads = sizes.heads,
                    .layers = sizes.layers};
  if (sizes.deviation != 0) out.deviation = sizes.deviation;
  if (out.heads < 1 || out.width % out.heads != 0)
    raise(ErrorCode::kArgument, "--dmodel " + std::to_string(out.width) + " does not divide into " +
                                    std::to_string(out.heads) + " heads");
  return out;
}

ModelSizes resized(ModelSizes sizes, const ModelSizes& given, std::string_view name) {
  for (const auto member :
       {&ModelSizes::layers, &ModelSizes::heads, &ModelSizes::width, &ModelSizes::block}) {
    if (given.*member == 0) continue;
    if (!sizes.is_gpt())
      raise(ErrorCode::kArgument,
            "--layers, --heads, --dmodel and --block are sizes of a GPT, such as nanogpt; " +
                std::string(name) + " is none");
    sizes.*member = given.*member;
  }
  return sizes;
}

}  // namespace anneal::programs
