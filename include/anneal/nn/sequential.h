// SPDX-License-Identifier: MIT
// A line of layers, each given the result of the one before: modules, functions and lambdas. Parameters are
// named by the position of their layer, 0.weight.
//
//   nn::Sequential net{nn::Conv2d(1, 8, 3), an::relu, nn::Flatten{}, nn::Linear(800, 10)};
#pragma once

#include "anneal/nn/module.h"

namespace anneal::nn {

// A layer of any type, by value: a copy has a copy of it, of the same parameters.
class AnyLayer {
 public:
  template <typename F>
    requires(!std::is_base_of_v<AnyLayer, std::decay_t<F>> &&
             std::is_invocable_r_v<Tensor, const std::decay_t<F>&, const Tensor&>)
  AnyLayer(F&& layer)  // NOLINT: implicit on purpose
      : held_(std::make_unique<Held<std::decay_t<F>>>(std::forward<F>(layer))) {}
  AnyLayer(const AnyLayer& other) : held_(other.held_->clone()) {}
  AnyLayer(AnyLayer&&) noexcept = default;
  AnyLayer& operator=(AnyLayer other) noexcept {
    held_ = std::move(other.held_);
    return *this;
  }

  Tensor operator()(In x) const;
  void anneal_walk(detail::Visitor& visitor) { held_->walk(visitor); }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual std::unique_ptr<Base> clone() const = 0;
    virtual Tensor call(In x) const = 0;
    virtual void walk(detail::Visitor& visitor) = 0;
  };
  template <typename F>
  struct Held final : Base {
    explicit Held(F f) : layer(std::move(f)) {}
    std::unique_ptr<Base> clone() const override { return std::make_unique<Held>(layer); }
    Tensor call(In x) const override {
      if constexpr (std::is_invocable_v<const F&, In>)
        return layer(std::move(x));
      else
        return layer(x.tensor());
    }
    void walk(detail::Visitor& visitor) override {
      if constexpr (detail::is_walked<F>) {
        visitor.here(&layer, &detail::type_tag<F>);
        detail::walk(layer, visitor);
      }
    }
    F layer;
  };
  std::unique_ptr<Base> held_;
};

struct Sequential {
  std::vector<AnyLayer> layers;

  Sequential() = default;
  Sequential(std::initializer_list<AnyLayer> list) : layers(list) {}
  Tensor operator()(In x) const;
  void anneal_walk(detail::Visitor& visitor) { detail::walk(layers, visitor); }
};

}  // namespace anneal::nn
