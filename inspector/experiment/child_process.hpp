#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "attach/error.hpp"
#include "inspector/experiment/service_account.hpp"

namespace palloscope {

struct ChildOptions {
    std::vector<std::string> environment;  // NAME=VALUE, in addition to our own
    std::optional<Account> account;        // whom it runs as, in "/"; else as we do
    // Where its standard output and its standard error go; its input is /dev/null.
    int output = 1;
    int errors = 2;
    // What ends it well; it gets it from the kernel as well when we die (prctl(2),
    // PR_SET_PDEATHSIG).
    int end_signal = 15;
};

// A program of ours that runs beside us. It leads a process group of its own, so that a Ctrl-C on
// the terminal reaches us alone, and ends with this owner.
class ChildProcess {
  public:
    // Searches PATH for `arguments[0]`. kFailed where it cannot be executed.
    [[nodiscard]] static Result<ChildProcess> start(const std::vector<std::string>& arguments,
                                                    const ChildOptions& options);

    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&& other) noexcept;
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess();

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    // As a shell gives it, 128 + the number where a signal ended it; none while it runs.
    [[nodiscard]] std::optional<int> exit_code() const;

    // Waits for its end, and gives its exit code.
    int wait() const;

    // Ends it and its group by its end signal, and by SIGKILL what is left after `patience`. Gives
    // its exit code. The last that is called.
    int stop(std::chrono::milliseconds patience);

  private:
    ChildProcess(pid_t pid, int end_signal) : pid_(pid), end_signal_(end_signal) {}

    pid_t pid_ = 0;
    int end_signal_ = 0;
};

}  // namespace palloscope
