#include "workload/command_line.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "workload/duration.hpp"
#include "workload/scenario_list.hpp"

namespace palloscope::workload {

namespace {

constexpr int kExitUsage = 2;
constexpr std::size_t kMostSessions = 10000;

constexpr const char* kDescription =
    "Issues known mixes of statements to PostgreSQL and journals every one of them, without its\n"
    "literals. Each scenario is made to show one cause of a backend's growth, or none.";

constexpr const char* kFooter =
    "Without --loops and --duration it goes on until SIGINT or SIGTERM, finishes the transactions\n"
    "that it is in and ends with exit code 0; a second signal ends it at once (130).\n"
    "Exit codes: 0 done, 1 failed, 2 wrong command line, 4 not permitted, 130 interrupted.";

// The options that every scenario has.
void add_common_options(CLI::App& command, DriverOptions& options) {
    command.add_option("--dsn",
                       options.conninfo,
                       "How to connect: a connection string or URI of libpq; what it leaves out "
                       "comes from PGHOST, PGPORT and so on");
    command.add_option("--journal",
                       options.journal_path,
                       "Append a line of JSON for each statement to this file (mode 0600)");
    command.add_option("--step",
                       options.step_socket,
                       "After each statement, wait at this socket until 'palloscope record "
                       "--statements step:SOCKET' has taken its snapshot");
    command.add_option("--rate", options.rate, "Loops per second of each session")
        ->check(CLI::PositiveNumber);
    command.add_option_function<std::string>(
        "--duration",
        [&options](const std::string& text) {
            const auto duration = parse_duration(text);
            if (!duration) {
                throw CLI::ValidationError(
                    "--duration",
                    fmt::format("{}; {}", duration.error().message, duration.error().hint));
            }
            options.duration = *duration;
        },
        "End after this time (us, ms, s, min, h)");
    command.add_option("--loops", options.loops, "End after so many loops of each session");
    command
        .add_option("--sessions",
                    options.sessions,
                    "Connections, all at work at the same time (default: as the scenario's "
                    "application has them)")
        ->check(CLI::Range(std::size_t{1}, kMostSessions));
    command.add_option("--between",
                       options.upkeep.statement,
                       "Issue this statement (DISCARD ALL, say) in a session between two requests");
    command.add_flag("--reconnect",
                     options.upkeep.reconnect,
                     "Replace a session by a new connection between two requests");
    command
        .add_option(
            "--every", options.upkeep.every, "Do that after every so many requests of the session")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    command.add_option("--seed", options.seed, "Make the same random choices as the last run");
    command.add_option(
        "--application-name", options.application_name, "In place of the scenario's own");
}

// One scenario as a command.
struct Command {
    CLI::App* app = nullptr;
    std::unique_ptr<Scenario> scenario;
};

Command add_command(CLI::App& program, const ScenarioEntry& entry, DriverOptions& options) {
    Command command{
        .app = program.add_subcommand(std::string(entry.name),
                                      fmt::format("{} [{}]", entry.summary, causes_of(entry))),
        .scenario = entry.make()};
    add_common_options(*command.app, options);
    command.scenario->add_options(*command.app);
    command.app->footer(
        fmt::format("{}\n\nExample:\n  palloscope-workload {} --dsn 'host=/tmp dbname=demo' "
                    "--journal journal.jsonl --duration 60s\n\n{}",
                    entry.explanation,
                    entry.name,
                    kFooter));
    return command;
}

// `list`, which is no scenario.
struct ListCommand {
    CLI::App* app = nullptr;
    std::string format = "table";
};

void add_list(CLI::App& program, ListCommand& list) {
    list.app = program.add_subcommand("list", "List the scenarios, with what each of them shows");
    list.app->add_option("--format", list.format, "how to print it")
        ->check(CLI::IsMember({"table", "json"}))
        ->capture_default_str();
    list.app->footer(
        "json adds the statements that leave memory behind, by family, and the places where: "
        "names\n"
        "of contexts on PostgreSQL 15, or items of 'palloscope explain'.\n\n"
        "Example:\n  palloscope-workload list\n  palloscope-workload list --format json");
}

// The whole command line, and what its options write into.
class CommandLine {
  public:
    CommandLine() {
        app.set_version_flag("--version", "palloscope-workload " PALLOSCOPE_VERSION);
        app.require_subcommand(1);
        app.footer(fmt::format(
            "Example:\n  palloscope-workload conjur --dsn 'host=/tmp dbname=demo' --journal "
            "journal.jsonl --duration 60s\n\n'palloscope-workload SCENARIO --help' explains a "
            "scenario.\n{}",
            kFooter));
        add_list(app, list);
        for (const ScenarioEntry& entry : scenarios()) {
            commands.push_back(add_command(app, entry, options));
        }
    }

    CLI::App app{kDescription, "palloscope-workload"};
    ListCommand list;
    DriverOptions options;
    std::vector<Command> commands;
};

}  // namespace

std::variant<Run, Answered> parse_command_line(int argc, const char* const* argv) {
    CommandLine line;
    try {
        line.app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return Answered{line.app.exit(error) == 0 ? 0 : kExitUsage};
    }
    if (line.list.app->parsed()) {
        fmt::print("{}", line.list.format == "json" ? scenario_list_json() : scenario_list_table());
        return Answered{};
    }
    for (Command& command : line.commands) {
        if (command.app->parsed()) {
            return Run{.scenario = std::move(command.scenario), .options = std::move(line.options)};
        }
    }
    // require_subcommand() has refused a command line without one.
    return Answered{kExitUsage};
}

void describe_command_line(const std::function<void(const CLI::App&)>& describe) {
    describe(CommandLine().app);
}

}  // namespace palloscope::workload
