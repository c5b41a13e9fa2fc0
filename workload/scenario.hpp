#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attach/error.hpp"
#include "workload/client.hpp"
#include "workload/session.hpp"

namespace CLI {
class App;
}

namespace palloscope::workload {

// One worker process of the application that a scenario imitates.
struct Worker {
    std::string name;  // the beginning of the journal's `session`
    std::string application_name;
};

// How the application shares its connections out: each worker has a pool of its own, and there are
// as many clients as workers. `--sessions` puts that many clients with a session each in its place.
struct Layout {
    std::vector<Worker> workers;
    std::size_t pool_size = 1;
};

// A known mix of statements, made to show one cause of growth (or none).
//
// To add one: write workload/scenarios/NAME.cpp with a class of this kind (or an Application, see
// scenarios/application.hpp) and a function that gives its ScenarioEntry; list that function in
// scenarios/entries.hpp and scenarios.cpp.
class Scenario {
  public:
    Scenario() = default;
    Scenario(const Scenario&) = delete;
    Scenario& operator=(const Scenario&) = delete;
    Scenario(Scenario&&) = delete;
    Scenario& operator=(Scenario&&) = delete;
    virtual ~Scenario() = default;

    // Adds the options that only this scenario has to its command.
    virtual void add_options(CLI::App& command);

    // How the application connects. Called after the options were read. By default one worker with
    // one connection, named palloscope-workload.
    [[nodiscard]] virtual Layout layout() const;

    // Makes the tables and functions that the loops need, in one session, before them. Must be
    // harmless where they exist.
    [[nodiscard]] virtual Result<> set_up(Session& session) = 0;

    // One loop of one client; several clients are in here at once. Returns the first failure, after
    // which the next loop begins anew.
    [[nodiscard]] virtual Result<> loop(Client& client) = 0;
};

// What a scenario is made to show: the truth that a diagnosis is measured against.
struct Leak {
    std::string_view cause;  // the cause's id in contract.md
    // The families of the statements that leave memory behind (contract.md, "Statements").
    std::vector<std::string_view> statements;
    // Where, on PostgreSQL 15: names of contexts; where it is in none, an id of the accounting
    // ("malloc-used", contract.md, "Explanation").
    std::vector<std::string_view> places;
    // The first version of each major (as server_version_num) that does not leak any more; nor does
    // any later major. Empty where all versions leak.
    std::vector<int> mended_in;
};

// What a user reads about a scenario, and how it is made.
struct ScenarioEntry {
    std::string_view name;         // the command
    std::string_view summary;      // one line
    std::string_view explanation;  // a paragraph or two
    std::vector<Leak> leaks;       // none: a control
    std::unique_ptr<Scenario> (*make)();
};

// The ids of the causes that a scenario shows, with commas between, or "nothing leaks".
[[nodiscard]] std::string causes_of(const ScenarioEntry& entry);

// Every scenario there is, in the order of the help.
[[nodiscard]] std::span<const ScenarioEntry> scenarios();

}  // namespace palloscope::workload
