#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "workload/driver.hpp"
#include "workload/scenario.hpp"

namespace CLI {
class App;
}

namespace palloscope::workload {

// What the command line asks for: a scenario, made and with its own options set.
struct Run {
    std::unique_ptr<Scenario> scenario;
    DriverOptions options;
};

// The command line was answered, by help, the version or a complaint: nothing is left to be done.
struct Answered {
    int exit_code = 0;
};

// Reads the command line; prints help and complaints itself.
[[nodiscard]] std::variant<Run, Answered> parse_command_line(int argc, const char* const* argv);

// Calls `describe` with the whole command line, for manual pages and completions.
void describe_command_line(const std::function<void(const CLI::App&)>& describe);

}  // namespace palloscope::workload
