#include "tests/workload/driver_fixture.hpp"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/session.hpp"

namespace palloscope::workload::test {

namespace {

int next_number() {
    static int number = 0;
    return ++number;
}

std::string_view small_options(std::string_view scenario) {
    if (scenario == "partitions") {
        return "--partitions 300";
    }
    if (scenario == "functions") {
        return "--functions 300";
    }
    if (scenario == "plateau") {
        return "--tables 50";
    }
    return scenario == "shared-buffers" ? "--megabytes 4" : "";
}

}  // namespace

TemporaryPath::TemporaryPath(std::string_view name)
    : path_(
          fmt::format("{}palloscope-{}-{}-{}", testing::TempDir(), name, getpid(), next_number())) {
    std::remove(path_.c_str());
}

TemporaryPath::~TemporaryPath() {
    std::remove(path_.c_str());
}

std::string TemporaryPath::text() const {
    const std::ifstream file(path_);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::unique_ptr<Scenario> make_scenario(std::string_view name) {
    for (const ScenarioEntry& entry : scenarios()) {
        if (entry.name == name) {
            auto scenario = entry.make();
            CLI::App command;
            scenario->add_options(command);
            command.parse(std::string(small_options(name)));
            return scenario;
        }
    }
    throw std::runtime_error(fmt::format("there is no scenario {}", name));
}

std::vector<Execution> read_journal(const std::string& text) {
    std::vector<Execution> executions;
    std::size_t begin = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos;
         end = text.find('\n', begin)) {
        const auto line = nlohmann::json::parse(text.substr(begin, end - begin));
        begin = end + 1;
        executions.push_back(
            {.seq = line.at("seq"),
             .backend_pid = line.at("backend_pid"),
             .session = line.at("session"),
             .step = line.at("step"),
             .form = {.text = line.at("query"), .fingerprint = line.at("fingerprint")},
             .started_at_ns = line.at("started_at_ns"),
             .ended_at_ns = line.at("ended_at_ns"),
             .rows = line.at("rows")});
        if (!line.at("error").is_null()) {
            executions.back().error = line.at("error").get<std::string>();
        }
    }
    return executions;
}

}  // namespace palloscope::workload::test
