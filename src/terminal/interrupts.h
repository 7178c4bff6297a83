// SPDX-License-Identifier: MIT
// Being asked to stop, for a program that has something to save first: Ctrl-C, SIGTERM, and SIGHUP, the end
// of the terminal. What was ignored at the start, as by nohup, stays so. A second Ctrl-C ends the program at
// once. Tested by tests/cli_smoke.py and tests/terminal_smoke.py.
#pragma once

#include <memory>

namespace anneal::terminal {

class Interrupts {
 public:
  // Signals are noted until it goes. `says_so`: the first Ctrl-C is answered on stderr.
  explicit Interrupts(bool says_so);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  static int which();  // the number of the first signal; 0: none came

 private:
  struct Saved;
  std::unique_ptr<Saved> saved_;
};

}  // namespace anneal::terminal
