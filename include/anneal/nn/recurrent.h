// SPDX-License-Identifier: MIT
// Recurrent networks over [batch, length, features], by the equations and the order of gates of PyTorch. The
// length is a number: every position is part of the program.
#pragma once

#include "anneal/nn/linear.h"

namespace anneal::nn {

// The weights of one layer: of the input, [gates * hidden, features], and of the state, [gates * hidden,
// hidden].
struct RecurrentLayer {
  Param weight_ih, weight_hh;
  std::optional<Param> bias_ih, bias_hh;

  RecurrentLayer() = default;
  RecurrentLayer(int64_t gates, int64_t inputs, int64_t hidden, bool bias, const Loc& loc);
  ANNEAL_MEMBERS(weight_ih, weight_hh, bias_ih, bias_hh)
};

struct RecurrentOptions {
  int layers = 1;
  bool bias = true;
  bool relu = false;  // RNN: in place of tanh
  bool bidirectional =
      false;           // from the end as well: both results side by side, the features of the next layer
  double dropout = 0;  // between layers, when training
};
struct RecurrentResult {
  Tensor out;   // [batch, length, hidden], of the last layer; [.., 2 * hidden] in both directions
  Tensor h, c;  // the last state of each layer, [layers, batch, hidden]; c: LSTM only. In both directions
                // [2 * layers, ..]: from the beginning and from the end, layer by layer
};

// Without a first state it is zeros.
struct RNN {
  std::vector<RecurrentLayer> layers, reversed;  // the latter where it is bidirectional
  Dropout between{0};
  bool relu = false;

  RNN() = default;
  RNN(int64_t inputs, int64_t hidden, const RecurrentOptions& options = {}, Loc loc = Loc::current());
  RecurrentResult operator()(In x, const std::optional<Tensor>& h = {}) const;
  ANNEAL_MEMBERS(layers, reversed)
};
struct LSTM {
  std::vector<RecurrentLayer> layers, reversed;
  Dropout between{0};

  LSTM() = default;
  LSTM(int64_t inputs, int64_t hidden, const RecurrentOptions& options = {}, Loc loc = Loc::current());
  RecurrentResult operator()(In x, const std::optional<Tensor>& h = {},
                             const std::optional<Tensor>& c = {}) const;
  ANNEAL_MEMBERS(layers, reversed)
};
struct GRU {
  std::vector<RecurrentLayer> layers, reversed;
  Dropout between{0};

  GRU() = default;
  GRU(int64_t inputs, int64_t hidden, const RecurrentOptions& options = {}, Loc loc = Loc::current());
  RecurrentResult operator()(In x, const std::optional<Tensor>& h = {}) const;
  ANNEAL_MEMBERS(layers, reversed)
};

}  // namespace anneal::nn
