#pragma once

#include <functional>
#include <string_view>

#include "attach/error.hpp"

namespace CLI {
class App;
}

namespace palloscope {

// What main() returns (contract.md, "Exit codes").
enum class ExitCode {
    kDone = 0,
    kFailed = 1,
    kUsage = 2,
    kGone = 3,
    kPermission = 4,
    kUnsupported = 5,
    kTimeout = 6,
    kInterrupted = 130,
};

[[nodiscard]] ExitCode exit_code_of(Error::Kind kind);

// Runs a command whose options have been parsed.
using CommandAction = std::function<Result<ExitCode>()>;

// One command of `palloscope`, a file each: `add` declares its options on a CLI11 subcommand and
// gives what to run.
struct Command {
    std::string_view name;
    std::string_view summary;
    CommandAction (*add)(CLI::App& app);
};

CommandAction add_check(CLI::App& app);
CommandAction add_diff(CLI::App& app);
CommandAction add_experiment(CLI::App& app);
CommandAction add_explain(CLI::App& app);
CommandAction add_export(CLI::App& app);
CommandAction add_list(CLI::App& app);
CommandAction add_record(CLI::App& app);
CommandAction add_report(CLI::App& app);
CommandAction add_snapshot(CLI::App& app);

}  // namespace palloscope
