// SPDX-License-Identifier: MIT
// The parser of layer lines, and the table of layers.
#include "programs/sequential.h"

#include <charconv>
#include <cmath>
#include <span>

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

// One layer at work: its arguments, and the parameters of its index.
struct LayerCall {
  const LayerSpec& layer;
  Parameters& parameters;
  const Tensor& x;

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

  Tensor weight(const Integers& shape, const Init& init) const {
    return parameters.get("weight", shape, init);
  }
  MaybeTensor bias(int64_t count) const {
    return flag("bias", true) ? parameters.get_if("bias", {count}, {}) : MaybeTensor();
  }
};

// -- Layers --

Tensor linear_layer(const LayerCall& c) {
  const int64_t in = c.extent(0, "in_features"), out = c.extent(1, "out_features");
  const Tensor y =
      matmul(c.x, transpose(c.weight({out, in}, {.deviation = 1 / std::sqrt(static_cast<double>(in))})));
  const MaybeTensor b = c.bias(out);
  return b ? y + *b : y;
}

// The kernel's extents, one for each axis.
Integers kernel_of(const LayerCall& c, size_t axes) {
  Integers kernel = c.integers(2, "kernel_size", {});
  if (kernel.size() == 1) kernel.assign(axes, kernel[0]);
  if (kernel.size() != axes) raise(ErrorCode::kArgument, c.layer.name + ": needs a kernel size");
  return kernel;
}

Init fan_in_init(int64_t channels, const Integers& kernel) {
  double fan_in = static_cast<double>(channels);
  for (int64_t k : kernel) fan_in *= static_cast<double>(k);
  return {.deviation = 1 / std::sqrt(std::max(1.0, fan_in))};
}

template <size_t axes>
Tensor conv_layer(const LayerCall& c) {
  const int64_t in = c.extent(0, "in_channels"), out = c.extent(1, "out_channels");
  const ConvOptions options{c.integers(3, "stride", {1}), c.integers(4, "padding", {0}),
                            c.integers(5, "dilation", {1}), c.integer(6, "groups", 1)};
  if (options.groups < 1 || in % options.groups != 0)
    raise(ErrorCode::kArgument, c.layer.name + ": the groups do not divide the channels");
  const Integers kernel = kernel_of(c, axes);
  Integers shape{out, in / options.groups};
  shape.insert(shape.end(), kernel.begin(), kernel.end());
  const Tensor w = c.weight(shape, fan_in_init(shape[1], kernel));
  constexpr auto conv = axes == 1 ? conv1d : axes == 2 ? conv2d : conv3d;
  return conv(c.x, w, c.bias(out), options);
}

template <size_t axes>
Tensor conv_transpose_layer(const LayerCall& c) {
  const int64_t in = c.extent(0, "in_channels"), out = c.extent(1, "out_channels");
  const ConvTransposeOptions options{c.integers(3, "stride", {1}), c.integers(4, "padding", {0}),
                                     c.integers(5, "output_padding", {0}),
                                     c.integers(SIZE_MAX, "dilation", {1}), c.integer(6, "groups", 1)};
  if (options.groups < 1 || out % options.groups != 0)
    raise(ErrorCode::kArgument, c.layer.name + ": the groups do not divide the channels");
  const Integers kernel = kernel_of(c, axes);
  Integers shape{in, out / options.groups};
  shape.insert(shape.end(), kernel.begin(), kernel.end());
  const Tensor w = c.weight(shape, fan_in_init(in, kernel));
  constexpr auto conv = axes == 1 ? conv_transpose1d : axes == 2 ? conv_transpose2d : conv_transpose3d;
  return conv(c.x, w, c.bias(out), options);
}

PoolOptions pool_options(const LayerCall& c, size_t axes, bool max) {
  Integers kernel = c.integers(0, "kernel_size", {});
  if (kernel.size() == 1) kernel.assign(axes, kernel[0]);
  if (kernel.size() != axes) raise(ErrorCode::kArgument, c.layer.name + ": needs a kernel size");
  PoolOptions options{
      .kernel = kernel, .stride = c.integers(1, "stride", kernel), .padding = c.integers(2, "padding", {0})};
  if (max) options.dilation = c.integers(3, "dilation", {1});
  options.ceil_mode = c.flag("ceil_mode", false);
  options.count_padding = c.flag("count_include_pad", true);
  return options;
}
template <size_t axes>
Tensor max_pool_layer(const LayerCall& c) {
  return max_pool(c.x, axes, pool_options(c, axes, true));
}
template <size_t axes>
Tensor avg_pool_layer(const LayerCall& c) {
  return avg_pool(c.x, axes, pool_options(c, axes, false));
}
template <size_t axes, Tensor (*pool)(In, const Integers&)>
Tensor adaptive_layer(const LayerCall& c) {
  Integers output = c.integers(0, "output_size", {1});
  if (output.size() == 1) output.assign(axes, output[0]);
  return pool(c.x, output);
}

Tensor layer_norm_layer(const LayerCall& c) {
  const Integers shape = c.integers(0, "normalized_shape", {});
  const MaybeTensor w = c.parameters.get_if("weight", shape, {.constant = 1});
  const MaybeTensor b = c.flag("bias", true) ? c.parameters.get_if("bias", shape, {}) : MaybeTensor();
  return anneal::layer_norm(c.x, w, b, c.number(1, "eps", 1e-5), static_cast<int>(shape.size()));
}
Tensor rms_norm_layer(const LayerCall& c) {
  const Integers shape = c.integers(0, "normalized_shape", {});
  return rms_norm(c.x, c.parameters.get_if("weight", shape, {.constant = 1}),
                  c.number(1, "eps", 1.1920929e-07), static_cast<int>(shape.size()));
}
Tensor group_norm_layer(const LayerCall& c) {
  const int64_t channels = c.extent(1, "num_channels");
  return group_norm(c.x, c.extent(0, "num_groups"),
                    c.parameters.get_if("weight", {channels}, {.constant = 1}), c.bias(channels),
                    c.number(2, "eps", 1e-5));
}
// As in training: by the statistics of the batch.
Tensor batch_norm_layer(const LayerCall& c) {
  const int64_t channels = c.extent(0, "num_features");
  return batch_norm_train(c.x, c.parameters.get_if("weight", {channels}, {.constant = 1}), c.bias(channels),
                          c.number(1, "eps", 1e-5))
      .out;
}

Tensor embedding_layer(const LayerCall& c) {
  return embedding(c.x,
                   c.weight({c.extent(0, "num_embeddings"), c.extent(1, "embedding_dim")}, {.deviation = 1}));
}
Tensor flatten_layer(const LayerCall& c) {
  return flatten(c.x, static_cast<int>(c.integer(0, "start_dim", 1)),
                 static_cast<int>(c.integer(1, "end_dim", -1)));
}
Tensor dropout_layer(const LayerCall& c) {
  if (c.number(0, "p", 0.5) != 0)
    raise(ErrorCode::kArgument,
          "Dropout: which elements are dropped is not part of a model's text; use p = 0");
  return c.x;
}
Tensor prelu_layer(const LayerCall& c) {
  const int64_t count = c.integer(0, "num_parameters", 1);
  Tensor slope = c.weight({count}, {.constant = 0.25});
  if (count != 1 && c.x.rank() > 2)
    slope = reshape(slope, Sizes(Integers(static_cast<size_t>(c.x.rank() - 2), 1)));
  return where(c.x > 0, c.x, c.x * slope);
}

template <Tensor (*fn)(In)>
Tensor plain_layer(const LayerCall& c) {
  return fn(c.x);
}
template <Tensor (*fn)(In, double)>
Tensor number_layer(const LayerCall& c) {
  const bool leaky = c.layer.name == "LeakyReLU";
  return fn(c.x, c.number(0, leaky ? "negative_slope" : "alpha", leaky ? 0.01 : 1));
}
Tensor identity_layer(const LayerCall& c) { return c.x; }
Tensor gelu_layer(const LayerCall& c) { return gelu(c.x, c.flag("tanh", false) ? Gelu::kTanh : Gelu::kErf); }
Tensor softmax_layer(const LayerCall& c) { return softmax(c.x, static_cast<int>(c.integer(0, "dim", -1))); }
Tensor log_softmax_layer(const LayerCall& c) {
  return log_softmax(c.x, static_cast<int>(c.integer(0, "dim", -1)));
}
Tensor softplus_layer(const LayerCall& c) {
  return softplus(c.x, c.number(0, "beta", 1), c.number(1, "threshold", 20));
}
Tensor hardtanh_layer(const LayerCall& c) {
  return hardtanh(c.x, c.number(0, "min_val", -1), c.number(1, "max_val", 1));
}

struct LayerKind {
  std::string_view name;
  Tensor (*apply)(const LayerCall&);
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
    {"AdaptiveAvgPool1d", adaptive_layer<1, adaptive_avg_pool>},
    {"AdaptiveAvgPool2d", adaptive_layer<2, adaptive_avg_pool>},
    {"AdaptiveAvgPool3d", adaptive_layer<3, adaptive_avg_pool>},
    {"AdaptiveMaxPool1d", adaptive_layer<1, adaptive_max_pool>},
    {"AdaptiveMaxPool2d", adaptive_layer<2, adaptive_max_pool>},
    {"AdaptiveMaxPool3d", adaptive_layer<3, adaptive_max_pool>},
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
    {"Softmax", softmax_layer},
    {"LogSoftmax", log_softmax_layer},
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

Tensor sequential(Parameters& parameters, const std::vector<LayerSpec>& layers, Tensor x) {
  for (size_t i = 0; i < layers.size(); ++i) {
    const Module module(parameters, std::to_string(i));
    for (const LayerKind& kind : kLayers)
      if (kind.name == layers[i].name) x = kind.apply({layers[i], parameters, x});
  }
  return x;
}

}  // namespace anneal::programs
