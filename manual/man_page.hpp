#pragma once

#include <string>

#include "manual/described_command.hpp"

namespace palloscope::manual {

// The program's manual page in section 1, in the language of man(7): a section for each command.
[[nodiscard]] std::string man_page(const DescribedCommand& program, const std::string& version);

}  // namespace palloscope::manual
