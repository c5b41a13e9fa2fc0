#pragma once

#include <string_view>

namespace palloscope {

// Contexts of compiled functions and of the plans of their statements, with what is kept of both in
// TopMemoryContext and its tables.
[[nodiscard]] bool covers_functions(std::string_view path);

}  // namespace palloscope
