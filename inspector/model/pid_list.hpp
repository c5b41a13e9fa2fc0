#pragma once

#include <string>
#include <vector>

namespace palloscope {

// "4242, 4243": the first eight, and how many more there are.
[[nodiscard]] std::string pid_list(const std::vector<int>& pids);

}  // namespace palloscope
