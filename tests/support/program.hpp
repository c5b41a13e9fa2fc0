#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "attach/file_descriptor.hpp"

namespace palloscope::test {

// How a program ended, and everything that it printed.
struct ProgramResult {
    int exit_code = 0;  // -1 where a signal ended it
    int signal = 0;     // that signal, else 0
    std::string out;
    std::string err;

    bool operator==(const ProgramResult&) const = default;
};

struct ProgramOptions {
    std::vector<std::string> environment;  // NAME=VALUE, in addition to our own
    std::string working_directory;         // empty: ours
    std::string input;                     // standard input; at most a pipe's 64 kB
    bool keep_input_open = false;          // until close_input(), for programs that wait for it
};

// A program that runs in the background: its standard streams are pipes of ours, it leads a process
// group of its own, and it is killed with that group when this owner, or the thread that started
// it, ends.
//
//     Program recorder = Program::start({palloscope_program(), "record", "42", "-o", file});
//     recorder.wait_for_output("recording");
//     recorder.send_signal(SIGINT);
//     EXPECT_EQ(recorder.wait().exit_code, 130);
class Program {
  public:
    // Searches PATH for `arguments[0]`. Throws std::system_error where no process can be made; a
    // program that cannot be executed ends with exit code 127 and says why on its error stream.
    static Program start(const std::vector<std::string>& arguments,
                         const ProgramOptions& options = {});

    Program(Program&& other) noexcept;
    Program& operator=(Program&& other) noexcept;
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program();

    // Valid until wait() has returned.
    pid_t pid() const { return pid_; }

    // To the program alone, not to its children.
    void send_signal(int signal) const;

    void close_input();

    // What it printed until now, as far as the waiting functions have read it.
    const std::string& out() const { return out_.text; }

    const std::string& err() const { return err_.text; }

    // Reads until `text` stands in the output or in the errors. Throws std::runtime_error, with all
    // that was printed, when the program ends before or time runs out.
    void wait_for_output(std::string_view text,
                         std::chrono::milliseconds timeout = std::chrono::seconds(30));

    // Reads until nobody holds the other end of its output: the program itself, or children that it
    // left behind. False when time runs out.
    bool wait_for_end_of_output(std::chrono::milliseconds timeout);

    // Reads all that it prints until it ends. Kills it and throws std::runtime_error, with all that
    // was printed, when time runs out. To be called once.
    ProgramResult wait(std::chrono::milliseconds timeout = std::chrono::seconds(60));

  private:
    // Our end of one of its output streams, and what was read from it.
    struct Stream {
        FileDescriptor descriptor;
        std::string text;
    };

    enum class Event { kOutput, kEndOfOutput, kExit, kTimeout };

    Program() = default;
    static void read_available(Stream& stream);
    Event read_next(std::chrono::steady_clock::time_point deadline, bool watch_exit);
    [[noreturn]] void fail(std::string_view what) const;
    void kill_and_reap() noexcept;
    void swap(Program& other) noexcept;

    std::string name_;
    pid_t pid_ = -1;
    FileDescriptor exit_;  // a pidfd: readable once the program has ended
    FileDescriptor input_;
    Stream out_;
    Stream err_;
};

// Runs a program to its end; see Program::start and Program::wait for what it throws.
ProgramResult run_program(const std::vector<std::string>& arguments,
                          const ProgramOptions& options = {},
                          std::chrono::milliseconds timeout = std::chrono::seconds(60));

// Paths of the programs under test, as built beside these tests.
std::string palloscope_program();
std::string workload_program();

}  // namespace palloscope::test
