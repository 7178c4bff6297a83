// SPDX-License-Identifier: MIT
// Tested by recurrent_test.cc.
#include "anneal/nn/recurrent.h"

#include <cmath>

#include "nn/layer.h"

namespace anneal::nn {

RecurrentLayer::RecurrentLayer(int64_t gates, int64_t inputs, int64_t hidden, bool bias, const Loc& loc) {
  if (inputs < 1 || hidden < 1) {
    const Call call("recurrent", loc);
    call.fail(ErrorCode::kArgument,
              "widths must be 1 or more, not " + std::to_string(inputs) + " and " + std::to_string(hidden));
  }
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  const Init init = init::uniform(-bound, bound);
  weight_ih = Param({gates * hidden, inputs}, init, {}, loc);
  weight_hh = Param({gates * hidden, hidden}, init, {}, loc);
  if (!bias) return;
  bias_ih = Param({gates * hidden}, init, {}, loc);
  bias_hh = Param({gates * hidden}, init, {}, loc);
}

namespace {

std::vector<RecurrentLayer> recurrent_layers(int64_t gates, int64_t inputs, int64_t hidden,
                                             const RecurrentOptions& options, const Loc& loc) {
  std::vector<RecurrentLayer> out;
  const int64_t wide = options.bidirectional ? 2 * hidden : hidden;
  for (int i = 0; i < options.layers; ++i)
    out.emplace_back(gates, i == 0 ? inputs : wide, hidden, options.bias, loc);
  return out;
}
std::vector<RecurrentLayer> reversed_layers(int64_t gates, int64_t inputs, int64_t hidden,
                                            const RecurrentOptions& options, const Loc& loc) {
  if (!options.bidirectional) return {};
  return recurrent_layers(gates, inputs, hidden, options, loc);
}

struct CellState {
  Tensor h, c;
};

// Runs a cell, next(from the input, from the state, state), over all layers and positions.
template <typename Network, typename Cell>
RecurrentResult run_recurrent(const Network& network, const char* kind, const In& x,
                              const std::optional<Tensor>& h, const std::optional<Tensor>& c, bool has_cell,
                              const Cell& cell) {
  const detail::Layer layer(network, kind, x, detail::Makeup::kOfLayers);
  layer.needs_rank(3, "[batch, length, features]");
  if (network.layers.empty()) layer.fail(ErrorCode::kArgument, "was never made: give it sizes");
  layer.needs(2, network.layers[0].weight_ih.shape()[1], "features");
  const Extent batch = x.tensor().size(0), extent = x.tensor().size(1);
  if (!extent.is_const())
    layer.fail(ErrorCode::kShape, "needs a length that is a number, not " + extent.str());
  const int64_t hidden = network.layers[0].weight_hh.shape()[1], length = extent.value();
  const auto first = [&](const std::optional<Tensor>& given, size_t i) {
    return given ? select(*given, 0, static_cast<int64_t>(i)) : zeros({batch, hidden});
  };
  Tensor y = x.tensor();
  std::vector<Tensor> last_h, last_c;
  // One layer, from the beginning or from the end; its states go behind those before.
  const auto run = [&](const RecurrentLayer& one, bool from_end) {
    const Scope scope(one);
    const Tensor inputs = linear(y, one.weight_ih.tensor(), detail::maybe(one.bias_ih));
    const Tensor weight = one.weight_hh;
    const std::optional<Tensor> bias = detail::maybe(one.bias_hh);
    CellState state{first(h, last_h.size()), has_cell ? first(c, last_h.size()) : Tensor()};
    std::vector<Tensor> out(static_cast<size_t>(length));
    for (int64_t i = 0; i < length; ++i) {
      const int64_t t = from_end ? length - 1 - i : i;
      state = cell(select(inputs, 1, t), linear(state.h, weight, bias), state);
      out[static_cast<size_t>(t)] = state.h;
    }
    last_h.push_back(state.h);
    if (state.c.defined()) last_c.push_back(state.c);
    return out.empty() ? zeros({batch, 0, hidden}) : stack(out, 1);
  };
  for (size_t i = 0; i < network.layers.size(); ++i) {
    if (i > 0) y = network.between(y);
    const Tensor forth = run(network.layers[i], false);
    y = network.reversed.empty() ? forth : cat({forth, run(network.reversed[i], true)}, 2);
  }
  return {y, stack(last_h), last_c.empty() ? Tensor() : stack(last_c)};
}

// Gate number `i` of [batch, gates * hidden].
Tensor gate(const Tensor& all, const CellState& state, int64_t i) {
  const int64_t hidden = state.h.size(1).value();
  return narrow(all, 1, i * hidden, hidden);
}

}  // namespace

RNN::RNN(int64_t inputs, int64_t hidden, const RecurrentOptions& options, Loc loc)
    : layers(recurrent_layers(1, inputs, hidden, options, loc)),
      reversed(reversed_layers(1, inputs, hidden, options, loc)),
      between{options.dropout},
      relu(options.relu) {}
RecurrentResult RNN::operator()(In x, const std::optional<Tensor>& h) const {
  return run_recurrent(*this, "rnn", x, h, {}, false,
                       [&](const Tensor& in, const Tensor& own, const CellState&) {
                         return CellState{relu ? anneal::relu(in + own) : anneal::tanh(in + own), {}};
                       });
}

LSTM::LSTM(int64_t inputs, int64_t hidden, const RecurrentOptions& options, Loc loc)
    : layers(recurrent_layers(4, inputs, hidden, options, loc)),
      reversed(reversed_layers(4, inputs, hidden, options, loc)),
      between{options.dropout} {}
RecurrentResult LSTM::operator()(In x, const std::optional<Tensor>& h, const std::optional<Tensor>& c) const {
  return run_recurrent(*this, "lstm", x, h, c, true,
                       [](const Tensor& in, const Tensor& own, const CellState& state) {
                         const Tensor all = in + own;  // input, forget, cell, output
                         const Tensor next = sigmoid(gate(all, state, 1)) * state.c +
                                             sigmoid(gate(all, state, 0)) * anneal::tanh(gate(all, state, 2));
                         return CellState{sigmoid(gate(all, state, 3)) * anneal::tanh(next), next};
                       });
}

GRU::GRU(int64_t inputs, int64_t hidden, const RecurrentOptions& options, Loc loc)
    : layers(recurrent_layers(3, inputs, hidden, options, loc)),
      reversed(reversed_layers(3, inputs, hidden, options, loc)),
      between{options.dropout} {}
RecurrentResult GRU::operator()(In x, const std::optional<Tensor>& h) const {
  return run_recurrent(*this, "gru", x, h, {}, false,
                       [](const Tensor& in, const Tensor& own, const CellState& state) {
                         const Tensor reset = sigmoid(gate(in, state, 0) + gate(own, state, 0));
                         const Tensor update = sigmoid(gate(in, state, 1) + gate(own, state, 1));
                         const Tensor next = anneal::tanh(gate(in, state, 2) + reset * gate(own, state, 2));
                         return CellState{next + update * (state.h - next), {}};
                       });
}

}  // namespace anneal::nn
