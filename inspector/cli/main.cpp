#include <clocale>
#include <exception>

#include <fmt/core.h>

#include "inspector/cli/command.hpp"
#include "inspector/cli/open_files.hpp"
#include "inspector/cli/program.hpp"

int main(int argc, char** argv) {
    std::setlocale(LC_CTYPE, "");  // only to know the terminal's character set
    palloscope::allow_most_open_files();
    try {
        return palloscope::run_program(argc, argv);
    } catch (const std::exception& exception) {
        fmt::print(stderr, "palloscope: internal error: {}\n", exception.what());
        return static_cast<int>(palloscope::ExitCode::kFailed);
    }
}
