// SPDX-License-Identifier: MIT
// The core in a build without exceptions: builds graphs, differentiates them twice and interprets them. With
// an argument it makes a mistake instead, which must reach the error handler. Run and checked by smoke.mjs.
#include <anneal/anneal.h>

#include <cstdio>
#include <cstdlib>

namespace an = anneal;
using an::Tensor;

namespace {

void print(const char* name, const Tensor& values) {
  std::printf("%s:", name);
  for (double value : values.to_vector<double>()) std::printf(" %.9g", value);
  std::printf("\n");
}

void report_and_exit(const an::Error& error) {
  std::printf("%s\n", error.what());
  std::exit(3);
}

}  // namespace

int main(int argc, char**) {
  const Tensor x = an::tensor({1.f, 2.f, 3.f});
  if (argc > 1) {
    an::set_error_handler(report_and_exit);
    print("mistake", x + an::ones({4}));
  }
  const auto sum_of_squares = [](const Tensor& v) { return an::sum(an::square(v)); };
  const auto sum_of_gradient = [&](const Tensor& v) { return an::sum(an::grad(sum_of_squares)(v)); };
  print("square", an::square(x));
  print("gradient", an::grad(sum_of_squares)(x));
  print("second", an::grad(sum_of_gradient)(x));
  print("softmax", an::softmax(x, -1));
  return 0;
}
