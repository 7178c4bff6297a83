// SPDX-License-Identifier: MIT
#include "terminal/terminal.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string_view>

#include "support/flags.h"

namespace anneal::terminal {

using support::Flag;

namespace {

constexpr int kPlainWidth = 80, kPlainHeight = 24;  // where the terminal does not say
constexpr int kHandled[] = {SIGTSTP, SIGCONT, SIGQUIT, SIGABRT};

// What signal handlers must know of the terminal that is taken.
volatile std::sig_atomic_t g_taken = 0, g_has_input = 0;
termios g_before = {}, g_raw = {};

// What is drawn by a program in the background lies in the shell's lines, and taking keys would stop it.
// Where the terminal is not that of the session there is no background.
bool is_in_front() {
  const pid_t front = ::tcgetpgrp(STDOUT_FILENO);
  return front < 0 || front == ::getpgrp();
}

void write_now(std::string_view text) {
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) return;  // there is nobody to tell
}

void take() {
  if (!is_in_front()) return;
  if (g_has_input != 0) ::tcsetattr(STDIN_FILENO, TCSANOW, &g_raw);
  write_now("\x1b[?25l");  // no cursor
}

void handle(int which) {
  const int error = errno;
  if (which == SIGCONT) {
    take();
  } else {
    Terminal::let_go();
    if (which == SIGTSTP) {
      ::raise(SIGSTOP);
    } else {
      std::signal(which, SIG_DFL);
      ::raise(which);  // when this returns
    }
  }
  errno = error;
}

// LC_ALL before LC_CTYPE before LANG, as the C library has it.
bool is_utf8() {
  for (const Flag flag : {Flag::kLcAll, Flag::kLcCtype, Flag::kLang}) {
    const std::string_view value = support::flag_text(flag);
    if (value.empty()) continue;
    constexpr std::string_view kNames[] = {"UTF-8", "utf-8", "UTF8", "utf8"};
    return std::any_of(std::begin(kNames), std::end(kNames),
                       [&](std::string_view n) { return value.find(n) != value.npos; });
  }
  return false;
}

}  // namespace

struct Terminal::Saved {
  struct sigaction before[std::size(kHandled)] = {};
};

bool Terminal::is_there() {
  const std::string& kind = support::flag_text(Flag::kTerm);
  return isatty(STDOUT_FILENO) != 0 && !kind.empty() && kind != "dumb" && is_in_front();
}

void Terminal::let_go() {
  if (g_taken == 0 || !is_in_front()) return;
  write_now("\x1b[?25h");
  if (g_has_input != 0) ::tcsetattr(STDIN_FILENO, TCSANOW, &g_before);
}

Terminal::Terminal() : saved_(std::make_unique<Saved>()) {
  g_has_input = isatty(STDIN_FILENO) != 0 && tcgetattr(STDIN_FILENO, &g_before) == 0 ? 1 : 0;
  g_raw = g_before;
  g_raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  g_raw.c_cc[VMIN] = 0;  // read() returns at once
  g_raw.c_cc[VTIME] = 0;
  g_taken = 1;
  for (size_t i = 0; i < std::size(kHandled); ++i) {
    struct sigaction action = {};
    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(kHandled[i], &action, &saved_->before[i]);
  }
  std::fflush(stdout);
  take();
}

Terminal::~Terminal() {
  std::fflush(stdout);
  let_go();
  g_taken = 0;
  for (size_t i = 0; i < std::size(kHandled); ++i) sigaction(kHandled[i], &saved_->before[i], nullptr);
}

Style Terminal::style() const {
  return {.colour = support::flag_text(Flag::kNoColor).empty(), .unicode = is_utf8()};
}

int Terminal::width() const {
  winsize size = {};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kPlainWidth;
}

// Up to the first line of the last frame and down over it. A terminal that became narrower has wrapped those
// lines; what is left of them is cleared with all below.
void Terminal::frame(const std::vector<std::string>& lines) {
  if (!is_in_front()) return;
  winsize size = {};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
  const size_t room = static_cast<size_t>(known ? std::max<int>(size.ws_row, 2) : kPlainHeight) - 1;
  std::string out;  // the cursor goes back no further than to the first row
  if (!shown_.empty()) out = "\x1b[" + std::to_string(std::min(shown_.size(), room)) + "F";
  out += "\x1b[J";
  shown_.assign(lines.begin(), lines.begin() + static_cast<ptrdiff_t>(std::min(lines.size(), room)));
  for (const std::string& line : shown_) out += line + "\n";
  std::fwrite(out.data(), 1, out.size(), stdout);
  std::fflush(stdout);
}

void Terminal::print(const std::string& line) {
  const std::vector<std::string> below = std::move(shown_);
  std::string out;
  if (!below.empty()) out = "\x1b[" + std::to_string(below.size()) + "F\x1b[J";
  out += line + "\n";
  std::fwrite(out.data(), 1, out.size(), stdout);
  shown_.clear();
  frame(below);
}

char Terminal::key() {
  char c = 0;
  return g_has_input != 0 && is_in_front() && read(STDIN_FILENO, &c, 1) == 1 ? c : '\0';
}

}  // namespace anneal::terminal
