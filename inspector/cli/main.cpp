#include <array>
#include <clocale>
#include <cstdlib>
#include <exception>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "inspector/cli/command.hpp"
#include "inspector/cli/options.hpp"
#include "inspector/cli/version.hpp"

namespace {

using palloscope::Command;
using palloscope::ExitCode;

constexpr std::array<Command, 8> kCommands{{
    {"list", "every PostgreSQL process on the machine, without a connection", palloscope::add_list},
    {"check",
     "whether a backend can be inspected, how, and what is missing",
     palloscope::add_check},
    {"snapshot", "the tree of memory contexts of a backend", palloscope::add_snapshot},
    {"diff",
     "what grew, shrank, appeared and vanished between two snapshots",
     palloscope::add_diff},
    {"explain",
     "what the bytes are: caches, plans, statements, malloc's own",
     palloscope::add_explain},
    {"record",
     "snapshots again and again, with the statements between them",
     palloscope::add_record},
    {"report",
     "the root causes: which statements grow which contexts, and what to do",
     palloscope::add_report},
    {"export", "the snapshots of a recording, for other programs", palloscope::add_export},
}};

constexpr const char* kDescription =
    "Explains why PostgreSQL backends grow: reads their memory contexts from outside, without a "
    "connection, "
    "an extension or a restart, and ties the growth to the statements that cause it.";

constexpr const char* kFooter =
    "Example:\n"
    "  palloscope list\n"
    "  palloscope snapshot 4242\n"
    "  palloscope record all --application-name 'puma*' -o leak.palloscope --duration 10min\n"
    "  palloscope report leak.palloscope\n\n"
    "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 no such PostgreSQL process, 4 not "
    "permitted,\n"
    "5 server not supported, 6 no safe moment in time, 130 interrupted.";

int run(int argc, char** argv) {
    CLI::App app(kDescription, "palloscope");
    app.set_version_flag("--version", std::string("palloscope ") + palloscope::kVersion);
    app.require_subcommand(1);
    app.footer(kFooter);

    std::vector<std::pair<CLI::App*, palloscope::CommandAction>> actions;
    for (const Command& command : kCommands) {
        CLI::App* const subcommand =
            app.add_subcommand(std::string(command.name), std::string(command.summary));
        subcommand->set_version_flag("--version",
                                     std::string("palloscope ") + palloscope::kVersion);
        actions.emplace_back(subcommand, command.add(*subcommand));
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& success) {
        return app.exit(success);  // --help, --version
    } catch (const CLI::ParseError& error) {
        palloscope::print_error({.kind = palloscope::Error::Kind::kUsage,
                                 .message = error.what(),
                                 .hint = "run with --help for more information"});
        return static_cast<int>(ExitCode::kUsage);
    }
    for (const auto& [subcommand, action] : actions) {
        if (subcommand->parsed()) {
            const auto result = action();
            if (!result) {
                palloscope::print_error(result.error());
            }
            return static_cast<int>(result ? *result
                                           : palloscope::exit_code_of(result.error().kind));
        }
    }
    return static_cast<int>(ExitCode::kUsage);
}

}  // namespace

int main(int argc, char** argv) {
    std::setlocale(LC_CTYPE, "");  // only to know the terminal's character set
    try {
        return run(argc, argv);
    } catch (const std::exception& exception) {
        fmt::print(stderr, "palloscope: internal error: {}\n", exception.what());
        return static_cast<int>(ExitCode::kFailed);
    }
}
