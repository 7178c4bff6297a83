// SPDX-License-Identifier: MIT
// The models of trainable.h, one file each. Private to this folder. Tested by trainable_test.cc.
#pragma once

#include "training/trainable.h"

namespace anneal::training {

std::unique_ptr<Trainable> make_mlp(const Settings& settings);
std::unique_ptr<Trainable> make_dynmlp(const Settings& settings);
std::unique_ptr<Trainable> make_conv(const Settings& settings);
std::unique_ptr<Trainable> make_nanogpt(const Settings& settings);

// The settings with what the data is, by its sum. Raises where a checkpoint is continued that was trained on
// other data, unless other data was asked for; that is noted then. `origin` says in words what it is.
Settings with_data(Settings settings, const std::string& sha256, const std::string& origin);

inline int64_t given_or(int64_t given, int64_t otherwise) { return given != 0 ? given : otherwise; }

// Raises for a GPT that nobody trains here: it would take all memory before that is noticed.
void check_size(const nn::GptConfig& config);

// "4.6 thousand parameters", of what is trained.
std::string size_of(const AnyStep& step);
// The part of the rows of logits [rows, classes] whose greatest is at the target.
double accuracy(const Tensor& logits, const Tensor& targets);

}  // namespace anneal::training
