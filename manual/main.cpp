#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>

#include <fmt/core.h>

#include "inspector/cli/program.hpp"
#include "manual/completions.hpp"
#include "manual/described_command.hpp"
#include "manual/man_page.hpp"
#include "workload/command_line.hpp"

// Writes the manual pages and completions of both programs into a folder, while the project is
// built: palloscope-manual VERSION FOLDER.
namespace palloscope::manual {

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream file;
    file.exceptions(std::ios::failbit | std::ios::badbit);
    file.open(path);
    file << text;
    file.close();
}

void write_all(const CLI::App& app,
               const std::string& version,
               const std::filesystem::path& folder) {
    const DescribedCommand program = describe(app);
    write(folder / (program.name + ".1"), man_page(program, version));
    write(folder / (program.name + ".bash"), bash_completion(program));
    write(folder / ("_" + program.name), zsh_completion(program));
    write(folder / (program.name + ".fish"), fish_completion(program));
}

}  // namespace

}  // namespace palloscope::manual

int main(int argc, char** argv) {
    if (argc != 3) {
        fmt::print(stderr, "usage: palloscope-manual VERSION FOLDER\n");
        return 2;
    }
    try {
        const auto write = [&](const CLI::App& app) {
            palloscope::manual::write_all(app, argv[1], argv[2]);
        };
        palloscope::describe_program(write);
        palloscope::workload::describe_command_line(write);
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "palloscope-manual: {}\n", error.what());
        return 1;
    }
}
