// SPDX-License-Identifier: MIT
// The parser of layer lines, and the table of layers.
#include "programs/sequential.h"

#include <charconv>
#include <cmath>
#include <span>
#include <utility>

#include "anneal/nn.h"
#include "support/nearest.h"

namespace anneal::programs {
namespace {

using Tuple = std::vector<double>;
using Integers = std::vector<int64_t>;

int64_t to_integer(const LayerSpec& layer, double v) {
  if (v != std::floor(v) || std::abs(v) > 1e12)
    raise(ErrorCode::kArgument, layer.name + ": an integer is needed, not " + std::to_string(v));
  return static_cast<int64_t>(v);
}

// One layer to be made: its arguments, and which parameters there are.
struct LayerCall {
  const LayerSpec& layer;
  const std::string path;  // "0."
  const HasParameter& has_parameter;

  const Tuple* at(size_t i, const char* option) const {
    if (const auto it = layer.options.find(option); it != layer.options.end()) return &it->second;
    return i < layer.numbers.size() ? &layer.numbers[i] : nullptr;
  }
  double number(size_t i, const char* option, double fallback) const {
    const Tuple* t = at(i, option);
    if (t == nullptr) return fallback;
    if (t->size() != 1) raise(ErrorCode::kArgument, layer.name + ": " + option + " is one number");
    return (*t)[0];
  }
  int64_t integer(size_t i, const char* option, int64_t fallback) const {
    return to_integer(layer, number(i, option, static_cast<double>(fallback)));
  }
  int64_t extent(size_t i, const char* option) const {
    const int64_t v = integer(i, option, 0);
    if (v < 1) raise(ErrorCode::kArgument, layer.name + ": needs " + option + ", 1 or more");
    return v;
  }
  Integers integers(size_t i, const char* option, const Integers& fallback) const {
    const Tuple* t = at(i, option);
    if (t == nullptr) return fallback;
    Integers out;
    for (double v : *t) out.push_back(to_integer(layer, v));
    return out;
  }
  bool flag(const char* option, bool fallback) const {
    return number(SIZE_MAX, option, fallback ? 1 : 0) != 0;
  }
  bool has(const char* name) const { return !has_parameter || has_parameter(path + name); }
  bool bias() const { return flag("bias", true) && has("bias"); }
};

// -- Layers --

nn::AnyLayer linear_layer(const LayerCall& c) {
  return nn::Linear(c.extent(0, "in_features"), c.extent(1, "out_features"), {.bias = c.bias()});
}

// The kernel's extents, one for each axis.
Integers kernel_of(const LayerCall& c, size_t at, size_t axes) {
  Integers kernel = c.integers(at, "kernel_size", {});
  if (kernel.size() == 1) kernel.assign(axes, kernel[0]);
  if (kernel.size() != axes) raise(ErrorCode::kArgument, c.layer.name + ": needs a kernel size");
  return kernel;
}

template <size_t axes>
nn::AnyLayer conv_layer(const LayerCall& c) {
  return nn::Conv(static_cast<int>(axes), c.extent(0, "in_channels"), c.extent(1, "out_channels"),
                  kernel_of(c, 2, axes),
                  {.stride = c.integers(3, "stride", {1}),
                   .padding = c.integers(4, "padding", {0}),
                   .dilation = c.integers(5, "dilation", {1}),
                   .groups = c.integer(6, "groups", 1),
                   .bias = c.bias()},
                  Loc::current());
}

template <size_t axes>
nn::AnyLayer conv_transpose_layer(const LayerCall& c) {
  return nn::ConvTranspose(static_cast<int>(axes), c.extent(0, "in_channels"), c.extent(1, "out_channels"),
                           kernel_of(c, 2, axes),
                           {.stride = c.integers(3, "stride", {1}),
                            .padding = c.integers(4, "padding", {0}),
                            .output_padding = c.integers(5, "output_padding", {0}),
                            .dilation = c.integers(SIZE_MAX, "dilation", {1}),
                            .groups = c.integer(6, "groups", 1),
                            .bias = c.bias()},
                           Loc::current());
}

PoolOptions pool_options(const LayerCall& c, size_t axes, bool max) {
  const Integers kernel = kernel_of(c, 0, axes);
  PoolOptions options{
      .kernel = kernel, .stride = c.integers(1, "stride", kernel), .padding = c.integers(2, "padding", {0})};
  if (max) options.dilation = c.integers(3, "dilation", {1});
  options.ceil_mode = c.flag("ceil_mode", false);
  options.count_padding = c.flag("count_include_pad", true);
  return options;
}
template <size_t axes>
nn::AnyLayer max_pool_layer(const LayerCall& c) {
  return nn::MaxPool{static_cast<int>(axes), pool_options(c, axes, true)};
}
template <size_t axes>
nn::AnyLayer avg_pool_layer(const LayerCall& c) {
  return nn::AvgPool{static_cast<int>(axes), pool_options(c, axes, false)};
}
template <size_t axes, typename Pool>
nn::AnyLayer adaptive_layer(const LayerCall& c) {
  Integers output = c.integers(0, "output_size", {1});
  if (output.size() == 1) output.assign(axes, output[0]);
  return Pool{output};
}

nn::AnyLayer layer_norm_layer(const LayerCall& c) {
  return nn::LayerNorm(c.integers(0, "normalized_shape", {}),
                       {.eps = c.number(1, "eps", 1e-5), .affine = c.has("weight"), .bias = c.bias()});
}
nn::AnyLayer rms_norm_layer(const LayerCall& c) {
  const Integers shape = c.integers(0, "normalized_shape", {});
  if (shape.size() != 1) raise(ErrorCode::kArgument, "RMSNorm: needs one width");
  return nn::RMSNorm(shape[0], {.eps = c.number(1, "eps", 1.1920929e-07), .affine = c.has("weight")});
}
nn::AnyLayer group_norm_layer(const LayerCall& c) {
  return nn::GroupNorm(c.extent(0, "num_groups"), c.extent(1, "num_channels"),
                       {.eps = c.number(2, "eps", 1e-5), .affine = c.has("weight"), .bias = c.bias()});
}

// As in training: by the statistics of the batch, of which none are kept.
struct BatchStatisticsNorm {
  std::optional<Param> weight, bias;
  double eps = 1e-5;
  Tensor operator()(const Tensor& x) const {
    const auto value = [](const std::optional<Param>& p) {
      return p ? MaybeTensor(p->tensor()) : MaybeTensor();
    };
    return batch_norm_train(x, value(weight), value(bias), eps).out;
  }
};
nn::AnyLayer batch_norm_layer(const LayerCall& c) {
  const int64_t channels = c.extent(0, "num_features");
  BatchStatisticsNorm layer{.eps = c.number(1, "eps", 1e-5)};
  if (c.has("weight")) layer.weight = Param({channels}, nn::init::ones());
  if (c.bias()) layer.bias = Param({channels}, nn::init::zeros());
  return layer;
}

nn::AnyLayer embedding_layer(const LayerCall& c) {
  return nn::Embedding(c.extent(0, "num_embeddings"), c.extent(1, "embedding_dim"));
}
nn::AnyLayer flatten_layer(const LayerCall& c) {
  return nn::Flatten{static_cast<int>(c.integer(0, "start_dim", 1)),
                     static_cast<int>(c.integer(1, "end_dim", -1))};
}
nn::AnyLayer identity_layer(const LayerCall&) {
  return [](const Tensor& x) { return x; };
}
nn::AnyLayer dropout_layer(const LayerCall& c) {
  if (c.number(0, "p", 0.5) != 0)
    raise(ErrorCode::kArgument,
          "Dropout: which elements are dropped is not part of a model's text; use p = 0");
  return identity_layer(c);
}
nn::AnyLayer prelu_layer(const LayerCall& c) { return nn::PRelu(c.integer(0, "num_parameters", 1)); }

template <Tensor (*fn)(In)>
nn::AnyLayer plain_layer(const LayerCall&) {
  return fn;
}
template <Tensor (*fn)(In, double)>
nn::AnyLayer number_layer(const LayerCall& c) {
  const bool leaky = c.layer.name == "LeakyReLU";
  const double by = c.number(0, leaky ? "negative_slope" : "alpha", leaky ? 0.01 : 1);
  return [by](const Tensor& x) { return fn(x, by); };
}
nn::AnyLayer gelu_layer(const LayerCall& c) {
  const Gelu form = c.flag("tanh", false) ? Gelu::kTanh : Gelu::kErf;
  return [form](const Tensor& x) { return gelu(x, form); };
}
template <Tensor (*fn)(In, int)>
nn::AnyLayer axis_layer(const LayerCall& c) {
  const int axis = static_cast<int>(c.integer(0, "dim", -1));
  return [axis](const Tensor& x) { return fn(x, axis); };
}
nn::AnyLayer softplus_layer(const LayerCall& c) {
  const double beta = c.number(0, "beta", 1), threshold = c.number(1, "threshold", 20);
  return [=](const Tensor& x) { return softplus(x, beta, threshold); };
}
nn::AnyLayer hardtanh_layer(const LayerCall& c) {
  const double low = c.number(0, "min_val", -1), high = c.number(1, "max_val", 1);
  return [=](const Tensor& x) { return hardtanh(x, low, high); };
}

struct LayerKind {
  std::string_view name;
  nn::AnyLayer (*make)(const LayerCall&);
};
constexpr LayerKind kLayers[] = {
    {"Linear", linear_layer},
    {"Conv1d", conv_layer<1>},
    {"Conv2d", conv_layer<2>},
    {"Conv3d", conv_layer<3>},
    {"ConvTranspose1d", conv_transpose_layer<1>},
    {"ConvTranspose2d", conv_transpose_layer<2>},
    {"ConvTranspose3d", conv_transpose_layer<3>},
    {"MaxPool1d", max_pool_layer<1>},
    {"MaxPool2d", max_pool_layer<2>},
    {"MaxPool3d", max_pool_layer<3>},
    {"AvgPool1d", avg_pool_layer<1>},
    {"AvgPool2d", avg_pool_layer<2>},
    {"AvgPool3d", avg_pool_layer<3>},
    {"AdaptiveAvgPool1d", adaptive_layer<1, nn::AdaptiveAvgPool>},
    {"AdaptiveAvgPool2d", adaptive_layer<2, nn::AdaptiveAvgPool>},
    {"AdaptiveAvgPool3d", adaptive_layer<3, nn::AdaptiveAvgPool>},
    {"AdaptiveMaxPool1d", adaptive_layer<1, nn::AdaptiveMaxPool>},
    {"AdaptiveMaxPool2d", adaptive_layer<2, nn::AdaptiveMaxPool>},
    {"AdaptiveMaxPool3d", adaptive_layer<3, nn::AdaptiveMaxPool>},
    {"LayerNorm", layer_norm_layer},
    {"RMSNorm", rms_norm_layer},
    {"GroupNorm", group_norm_layer},
    {"BatchNorm1d", batch_norm_layer},
    {"BatchNorm2d", batch_norm_layer},
    {"BatchNorm3d", batch_norm_layer},
    {"Embedding", embedding_layer},
    {"Flatten", flatten_layer},
    {"Dropout", dropout_layer},
    {"Identity", identity_layer},
    {"PReLU", prelu_layer},
    {"ReLU", plain_layer<relu>},
    {"ReLU6", plain_layer<relu6>},
    {"Tanh", plain_layer<anneal::tanh>},
    {"Sigmoid", plain_layer<sigmoid>},
    {"LogSigmoid", plain_layer<log_sigmoid>},
    {"Hardsigmoid", plain_layer<hardsigmoid>},
    {"Hardswish", plain_layer<hardswish>},
    {"Hardtanh", hardtanh_layer},
    {"SiLU", plain_layer<silu>},
    {"Mish", plain_layer<mish>},
    {"SELU", plain_layer<selu>},
    {"Softsign", plain_layer<softsign>},
    {"Softplus", softplus_layer},
    {"GELU", gelu_layer},
    {"ELU", number_layer<elu>},
    {"CELU", number_layer<celu>},
    {"LeakyReLU", number_layer<leaky_relu>},
    {"Softmax", axis_layer<softmax>},
    {"LogSoftmax", axis_layer<log_softmax>},
};

// Full name and what may be written for it.
constexpr struct {
  std::string_view full, brief;
} kOptionNames[] = {
    {"padding", "pad"},
    {"padding", "p"},
    {"stride", "s"},
    {"dilation", "dil"},
    {"dilation", "d"},
    {"groups", "g"},
    {"kernel_size", "kernel"},
    {"kernel_size", "k"},
    {"output_padding", "out_pad"},
    {"ceil_mode", "ceil"},
    {"negative_slope", "slope"},
    {"normalized_shape", "shape"},
    {"output_size", "output"},
};
constexpr std::string_view kOptions[] = {
    "padding",
    "stride",
    "dilation",
    "groups",
    "kernel_size",
    "output_padding",
    "ceil_mode",
    "count_include_pad",
    "bias",
    "eps",
    "in_features",
    "out_features",
    "in_channels",
    "out_channels",
    "output_size",
    "normalized_shape",
    "num_groups",
    "num_channels",
    "num_features",
    "num_embeddings",
    "embedding_dim",
    "num_parameters",
    "start_dim",
    "end_dim",
    "dim",
    "negative_slope",
    "alpha",
    "beta",
    "threshold",
    "min_val",
    "max_val",
    "tanh",
    "p",
};

// -- The parser --

class LayerParser {
 public:
  explicit LayerParser(std::string_view text) : text_(text) {}

  std::vector<LayerSpec> run() {
    std::vector<LayerSpec> out;
    for (skip_blanks(); at_ < text_.size(); skip_blanks()) {
      LayerSpec& layer = out.emplace_back();
      layer.name = name();
      check_known(layer.name);
      if (peek() == '(') arguments(layer);
    }
    if (out.empty()) fail("there is no layer");
    return out;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    raise(ErrorCode::kParse, "layers: column " + std::to_string(at_ + 1) + ": " + what);
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  void skip_spaces() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }
  // Between layers also what some write to separate them.
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == ',' || peek() == ';') ++at_;
  }

  std::string name() {
    const size_t start = at_;
    while (is_letter(peek()) || is_digit(peek())) ++at_;
    if (at_ == start || is_digit(text_[start])) fail("a layer is needed, such as Linear(6,16)");
    return std::string(text_.substr(start, at_ - start));
  }

  void check_known(const std::string& name) const {
    std::vector<std::string_view> names;
    for (const LayerKind& kind : kLayers) {
      if (kind.name == name) return;
      names.push_back(kind.name);
    }
    fail("there is no layer " + name + support::nearest_hint("; the nearest is ", name, names));
  }

  double number() {
    skip_spaces();
    double v = 0;
    const auto [end, status] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), v);
    if (status != std::errc() || !std::isfinite(v)) fail("a number is needed");
    at_ = static_cast<size_t>(end - text_.data());
    return v;
  }

  Tuple value() {
    skip_spaces();
    if (peek() != '(') return {is_letter(peek()) ? word_value() : number()};
    ++at_;
    Tuple out{number()};
    for (skip_spaces(); peek() == ','; skip_spaces()) {
      ++at_;
      skip_spaces();
      if (peek() == ')') break;
      out.push_back(number());
    }
    if (peek() != ')') fail("expected ')'");
    ++at_;
    return out;
  }

  double word_value() {
    const std::string word = this->word();
    if (word == "True" || word == "true") return 1;
    if (word == "False" || word == "false") return 0;
    fail("a number, True or False is needed, not " + word);
  }

  std::string word() {
    const size_t start = at_;
    while (is_letter(peek())) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  static std::string full_name(const std::string& word) {
    for (const auto& [full, brief] : kOptionNames)
      if (brief == word) return std::string(full);
    return word;
  }

  // "pad1", "padding=1", "bias=False", "tanh", or a number or tuple without a name.
  void argument(LayerSpec& layer) {
    skip_spaces();
    if (!is_letter(peek())) {
      layer.numbers.push_back(value());
      return;
    }
    const std::string option = layer.name == "Dropout" ? word() : full_name(word());
    if (support::edit_distance(support::nearest_name(option, kOptions), option) != 0)
      fail("there is no option " + option + support::nearest_hint("; the nearest is ", option, kOptions));
    skip_spaces();
    if (peek() == '=') {
      ++at_;
      skip_spaces();
      if (peek() == '"' || peek() == '\'') fail("write the option's value as a number, or its name alone");
      layer.options[option] = value();
    } else {
      layer.options[option] = is_digit(peek()) || peek() == '-' ? Tuple{number()} : Tuple{1};
    }
  }

  void arguments(LayerSpec& layer) {
    ++at_;
    for (skip_spaces(); peek() != ')'; skip_spaces()) {
      argument(layer);
      skip_spaces();
      if (peek() == ',') {
        ++at_;
      } else if (peek() != ')') {
        fail("expected ',' or ')'");
      }
    }
    ++at_;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::vector<LayerSpec> parse_layers(std::string_view text) { return LayerParser(text).run(); }

nn::Sequential make_sequential(const std::vector<LayerSpec>& layers, const HasParameter& has) {
  nn::Sequential out;
  for (size_t i = 0; i < layers.size(); ++i)
    for (const LayerKind& kind : kLayers)
      if (kind.name == layers[i].name)
        out.layers.push_back(kind.make({layers[i], std::to_string(i) + ".", has}));
  return out;
}

}  // namespace anneal::programs
