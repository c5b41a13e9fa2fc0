#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/cli/program.hpp"
#include "manual/completions.hpp"
#include "manual/described_command.hpp"
#include "tests/support/program.hpp"

namespace palloscope::test {
namespace {

using manual::DescribedCommand;
using testing::HasSubstr;

DescribedCommand palloscope_command() {
    DescribedCommand program;
    describe_program([&](const CLI::App& app) { program = manual::describe(app); });
    return program;
}

// What bash offers for an empty word after "palloscope COMMAND".
std::string completed_by_bash(const std::string& script, const std::string& command) {
    return run_program({"bash",
                        "-c",
                        fmt::format("{}\nCOMP_WORDS=(palloscope {} ''); COMP_CWORD=2; _palloscope; "
                                    "printf '%s\\n' \"${{COMPREPLY[@]}}\"",
                                    script,
                                    command)})
        .out;
}

TEST(Completion, OffersEveryOptionOfEveryCommandInBash) {
    const DescribedCommand program = palloscope_command();
    ASSERT_FALSE(program.commands.empty());
    const std::string script = manual::bash_completion(program);
    for (const DescribedCommand& command : program.commands) {
        const std::string offered = '\n' + completed_by_bash(script, command.name);
        for (const manual::DescribedOption& option : command.options) {
            for (const std::string& name : option.names) {
                EXPECT_THAT(offered, HasSubstr('\n' + name + '\n')) << command.name;
            }
        }
    }
}

}  // namespace
}  // namespace palloscope::test
