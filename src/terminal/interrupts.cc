// SPDX-License-Identifier: MIT
#include "terminal/interrupts.h"

#include <unistd.h>

#include <csignal>
#include <string_view>

#include "terminal/terminal.h"

namespace anneal::terminal {
namespace {

constexpr int kAsked[] = {SIGINT, SIGTERM, SIGHUP};

volatile std::sig_atomic_t g_first = 0, g_says_so = 0;

// SIGHUP and SIGTERM may come twice without anybody's impatience, from the shell and from the system.
void note(int which) {
  if (g_first != 0 && which == SIGINT) {
    Terminal::let_go();
    std::signal(which, SIG_DFL);
    ::raise(which);  // when this returns
    return;
  }
  if (g_first == 0) g_first = which;
  if (which != SIGINT || g_says_so == 0) return;
  constexpr std::string_view kText = "stopping after this step; once more ends it at once\n";
  if (::write(STDERR_FILENO, kText.data(), kText.size()) < 0) return;  // then nobody listens
}

}  // namespace

struct Interrupts::Saved {
  struct sigaction before[std::size(kAsked)] = {};
};

Interrupts::Interrupts(bool says_so) : saved_(std::make_unique<Saved>()) {
  g_first = 0;
  g_says_so = says_so ? 1 : 0;
  for (size_t i = 0; i < std::size(kAsked); ++i) {
    struct sigaction action = {};
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(kAsked[i], nullptr, &saved_->before[i]);
    if (saved_->before[i].sa_handler != SIG_IGN) sigaction(kAsked[i], &action, nullptr);
  }
}

Interrupts::~Interrupts() {
  for (size_t i = 0; i < std::size(kAsked); ++i) sigaction(kAsked[i], &saved_->before[i], nullptr);
}

int Interrupts::which() { return g_first; }

}  // namespace anneal::terminal
