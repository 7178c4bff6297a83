// SPDX-License-Identifier: MIT
// Recurrent networks over [batch, length, features], by the equations and the order of gates of PyTorch. The
// length is a number: every position is part of the program.
#pragma once

#include "anneal/nn/module.h"

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
};
struct RecurrentResult {
  Tensor out;   // [batch, length, hidden], of the last layer
  Tensor h, c;  // the last state of each layer, [layers, batch, hidden]; c: LSTM only
};

// Without a first state it is zeros.
struct RNN {
  std::vector<RecurrentLayer> layers;
  bool relu = false;

  RNN() = default;
  RNN(int64_t inputs, int64_t hidden, const RecurrentOptions& options = {}, Loc loc = Loc::current());
  RecurrentResult operator()(In x, const std::optional<Tensor>& h = {}) const;
  ANNEAL_MEMBERS(layers)
};
struct LSTM {
  std::vector<RecurrentLayer> layers;

  LSTM() = default;
  LSTM(int64_t inputs, int64_t hidden, const RecurrentOptions& options = {}, Loc loc = Loc::current());
  RecurrentResult operator()(In x, const std::optional<Tensor>& h = {},
                             const std::optional<Tensor>& c = {}) const;
  ANNEAL_MEMBERS(layers)
};
struct GRU {
  std::vector<RecurrentLayer> layers;

  GRU() = default;
  GRU(int64_t inputs, int64_t hidden, const RecurrentOptions& options = {}, Loc loc = Loc::current());
  RecurrentResult operator()(In x, const std::optional<Tensor>& h = {}) const;
  ANNEAL_MEMBERS(layers)
};

}  // namespace anneal::nn
