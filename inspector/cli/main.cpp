#include <unistd.h>

#include <clocale>
#include <exception>

#include <fmt/core.h>

#include "attach/core_limit.hpp"
#include "inspector/cli/command.hpp"
#include "inspector/cli/open_files.hpp"
#include "inspector/cli/program.hpp"

int main(int argc, char** argv) {
    std::setlocale(LC_CTYPE, "");  // only to know the terminal's character set
    palloscope::allow_most_open_files();
    palloscope::forbid_core(getpid());  // a backend that we hold would wait for it to be written
    try {
        return palloscope::run_program(argc, argv);
    } catch (const std::exception& exception) {
        fmt::print(stderr, "palloscope: internal error: {}\n", exception.what());
        return static_cast<int>(palloscope::ExitCode::kFailed);
    }
}
