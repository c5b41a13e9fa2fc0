#pragma once

#include <string>
#include <vector>

namespace palloscope {

// Our environment with these in it, NAME=VALUE, in the place of what has such a name.
[[nodiscard]] std::vector<std::string> environment_with(const std::vector<std::string>& additions);

// As execve(2) takes its arguments and its environment; valid as long as `texts`, unchanged.
[[nodiscard]] std::vector<char*> null_terminated(std::vector<std::string>& texts);

}  // namespace palloscope
