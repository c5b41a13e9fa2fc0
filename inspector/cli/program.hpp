#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace palloscope {

// Parses the command line, runs its command and says what went wrong; gives the exit code.
[[nodiscard]] int run_program(int argc, const char* const* argv);

// Calls `describe` with the whole command line, for manual pages and completions.
void describe_program(const std::function<void(const CLI::App&)>& describe);

}  // namespace palloscope
