// SPDX-License-Identifier: MIT
// The command line tool: finds the verb, runs it, and turns errors into one message and exit code 1.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <map>
#include <new>
#include <system_error>

#include "anneal/error.h"
#include "cli/common.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "pass/pass.h"
#include "support/error_text.h"
#include "support/flags.h"
#include "support/version.h"

namespace anneal::cli {
namespace {

constexpr Verb kVerbs[] = {
    {"graph", "list the nodes of a program or a built-in model", "anneal graph nanogpt --train", add_graph},
    {"kernels", "list the kernels that a program is run as", "anneal kernels nanogpt --train --fuse greedy",
     add_kernels},
    {"profile", "run a program and time each kernel, beside the model and the roofline",
     "anneal profile nanogpt --train --steps 10 --trace trace.json", add_profile},
    {"opt", "run passes over a program and print the result",
     "anneal opt --passes=simplify --trace program.ir", add_opt},
    {"explain",
     "what an op, a rule or a function means; what a kernel is, why two are not one, what takes memory",
     "anneal explain reduce\n  anneal explain fuse blocks.0.ln1 blocks.0.attn.qkv --program nanogpt\n"
     "  anneal explain kernel 3 --program nanogpt --asm\n  anneal explain mem gpt2 --train",
     add_explain},
    {"interp", "evaluate a program and print its results", "anneal interp program.ir --seed 1 --dim B=4",
     add_interp},
    {"inspect", "list the tensors of a file", "anneal inspect model.safetensors --values", add_inspect},
    {"fetch", "download a text to train on, or GPT-2, into the cache",
     "anneal fetch\n  anneal fetch tinyshakespeare", add_fetch},
    {"conform", "compare with a reference set PATH.json and PATH.safetensors",
     "anneal conform reference/ops --filter conv", add_conform},
    {"reduce", "make a failing program small", "anneal reduce program.ir --check simplify --out small.ir",
     add_reduce},
    {"run", "run a built-in model on random parameters", "anneal run mlp", add_run},
    {"train", "train a built-in model", "anneal train nanogpt --steps 200 --out run.ckpt", add_train},
    {"runs", "the runs that --bundle recorded: list, show, remove, or keep a checkpoint as one",
     "anneal runs\n  anneal runs show last\n  anneal runs rm 20260131T235959.123Z-mlp-1f2e3d", add_runs},
    {"replay", "run a recorded run again and compare it, bit for bit", "anneal replay last", add_replay},
    {"generate", "write with a checkpoint of a character model",
     "anneal generate --ckpt run.ckpt --prompt \"First\"", add_generate},
    {"gpt2", "write with a published GPT-2, or train one further on a text",
     "anneal gpt2 sample \"The meaning of life is\" --max-tokens 40\n"
     "  anneal gpt2 finetune --data notes.txt --model folder/ --out tuned.safetensors",
     add_gpt2},
    {"doctor", "what runs on this machine, whether it gives right numbers, and how fast it is",
     "anneal doctor --json", add_doctor},
    {"cache", "compiled kernels on disk: stats, clear, or why a program's are not there",
     "anneal cache stats\n  anneal cache why nanogpt --train\n  anneal cache clear", add_cache},
};

void print_version() {
  fmt::print("anneal {} (commit {}, {})\n", support::version(), support::commit(), support::compiler());
}

void print_usage() {
  fmt::print("anneal: a tensor compiler\n\nusage: anneal VERB [ARGS]\n\n");
  for (const Verb& verb : kVerbs) fmt::print("  {:<10} {}\n", verb.name, verb.summary);
  fmt::print("  {:<10} {}\n\n", "help", "this text; help VERB; help flags: the environment variables");
  fmt::print("anneal VERB --help has the options and an example.\n");
}

void print_flags() {
  fmt::print("Environment variables:\n\n");
  for (const support::FlagInfo& info : support::kFlags)
    fmt::print("  {:<16} {}\n  {:<16} default: {}\n\n", info.name, info.meaning, "",
               info.fallback.empty() ? "(empty)" : info.fallback);
}

const Verb& find_verb(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Verb& verb : kVerbs) {
    if (verb.name == name) return verb;
    names.push_back(verb.name);
  }
  names.push_back("help");
  raise_unknown("verb", name, names);
}

int run_verb(const Verb& verb, std::vector<std::string> arguments) {
  Options options(verb.summary, "anneal " + std::string(verb.name), verb.example);
  const Action action = verb.add(options);
  if (!options.parse(std::move(arguments))) return 0;
  return action();
}

int help(const std::vector<std::string>& arguments) {
  if (arguments.empty())
    print_usage();
  else if (arguments[0] == "flags")
    print_flags();
  else
    return run_verb(find_verb(arguments[0]), {"--help"});
  return 0;
}

int run(std::vector<std::string> arguments) {
  if (arguments.empty()) return help({});
  const std::string first = arguments[0];
  arguments.erase(arguments.begin());
  if (first == "help" || first == "--help" || first == "-h") return help(arguments);
  if (first == "--version" || first == "version") {
    print_version();
    return 0;
  }
  return run_verb(find_verb(first), std::move(arguments));
}

// A stream that is closed from the start would be the next file that is opened. What is held open in its
// place fails where it is used, as the closed one would.
void keep_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) == -1 && errno == EBADF)
      ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);  // takes the lowest number
}

// What was printed and cannot be written is a failure; a reader that has gone has read enough.
int output_failed(int error) {
  if (error != EPIPE)
    std::fprintf(stderr, "error[data] cannot write the output: %s\n",
                 error == 0 ? "an earlier write failed" : std::generic_category().message(error).c_str());
  return 1;
}

int finished(int code) {
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0;
  const int error = flushed ? 0 : errno;
  return flushed && std::ferror(stdout) == 0 ? code : output_failed(error);
}

int failed(const char* what) {
  std::fflush(stdout);
  const std::string_view text = support::without_caller(what);
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
  return 1;
}

}  // namespace
}  // namespace anneal::cli

int main(int argc, char** argv) {
  using namespace anneal::cli;
  keep_streams();
  std::signal(SIGXFSZ, SIG_IGN);  // where files may not grow, writing fails like on a full disk
  try {
    anneal::pass::check_flags();
    return finished(run({argv + 1, argv + argc}));
  } catch (const anneal::Error& error) {
    return failed(error.what());
  } catch (const std::bad_alloc&) {
    return failed("error[memory] there is no memory left");
  } catch (const std::system_error& error) {
    if (std::ferror(stdout) != 0) return output_failed(error.code().value());  // of printing
    return failed(("error[internal] " + std::string(error.what())).c_str());
  } catch (const std::exception& error) {
    return failed(("error[internal] " + std::string(error.what())).c_str());
  }
}
