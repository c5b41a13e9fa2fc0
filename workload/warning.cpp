#include "workload/warning.hpp"

#include <cstdio>

#include <fmt/core.h>

namespace palloscope::workload {

void warn(std::string_view message) {
    fmt::print(stderr, "palloscope-workload: {}\n", message);
}

}  // namespace palloscope::workload
