#include "inspector/cli/program.hpp"

#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "inspector/cli/command.hpp"
#include "inspector/cli/options.hpp"
#include "inspector/cli/version.hpp"

namespace palloscope {

namespace {

constexpr const char* kName = "palloscope";

constexpr std::array<Command, 9> kCommands{{
    {"list", "every PostgreSQL process on the machine, without a connection", add_list},
    {"check", "whether a backend can be inspected, how, and what is missing", add_check},
    {"snapshot", "the tree of memory contexts of a backend", add_snapshot},
    {"diff", "what grew, shrank, appeared and vanished between two snapshots", add_diff},
    {"explain", "what the bytes are: caches, plans, statements, malloc's own", add_explain},
    {"record", "snapshots again and again, with the statements between them", add_record},
    {"report", "the root causes: which statements grow which contexts, and what to do", add_report},
    {"experiment", "a workload again and again, to see what stops its growth", add_experiment},
    {"export", "the snapshots of a recording, for other programs", add_export},
}};

constexpr const char* kDescription =
    "Explains why PostgreSQL backends grow: reads their memory contexts from outside, without a "
    "connection, an extension or a restart, and ties the growth to the statements that cause it.";

constexpr const char* kFooter =
    "Example:\n"
    "  palloscope list\n"
    "  palloscope snapshot 4242\n"
    "  palloscope record all --application-name 'puma*' -o leak.palloscope --duration 10min\n"
    "  palloscope report leak.palloscope\n\n"
    "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 no such PostgreSQL process, 4 not "
    "permitted,\n"
    "5 server not supported, 6 no safe moment in time, 130 interrupted.";

// What each subcommand runs.
using Actions = std::vector<std::pair<CLI::App*, CommandAction>>;

Actions declare_commands(CLI::App& app) {
    const std::string version = std::string("palloscope ") + kVersion;
    app.set_version_flag("--version", version);
    app.require_subcommand(1);
    app.footer(kFooter);

    Actions actions;
    for (const Command& command : kCommands) {
        CLI::App* const subcommand =
            app.add_subcommand(std::string(command.name), std::string(command.summary));
        subcommand->set_version_flag("--version", version);
        actions.emplace_back(subcommand, command.add(*subcommand));
    }
    return actions;
}

}  // namespace

int run_program(int argc, const char* const* argv) {
    CLI::App app(kDescription, kName);
    const Actions actions = declare_commands(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& success) {
        return app.exit(success);  // --help, --version
    } catch (const CLI::ParseError& error) {
        print_error({.kind = Error::Kind::kUsage,
                     .message = error.what(),
                     .hint = "run with --help for more information"});
        return static_cast<int>(ExitCode::kUsage);
    }
    for (const auto& [subcommand, action] : actions) {
        if (subcommand->parsed()) {
            const auto result = action();
            if (!result) {
                print_error(result.error());
            }
            return static_cast<int>(result ? *result : exit_code_of(result.error().kind));
        }
    }
    return static_cast<int>(ExitCode::kUsage);
}

void describe_program(const std::function<void(const CLI::App&)>& describe) {
    CLI::App app(kDescription, kName);
    // The actions own what the options write into.
    const Actions actions = declare_commands(app);
    describe(app);
}

}  // namespace palloscope
