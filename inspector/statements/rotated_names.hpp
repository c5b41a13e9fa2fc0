#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace palloscope {

// The pattern (glob(7)) of the names that a server gives its logs one after the other, where
// log_filename has a time in it: of "log/postgresql-2026-11-23_090000.csv" it is
// "log/postgresql-*.csv". None where the name has no digits, or the path is a pattern already.
[[nodiscard]] std::optional<std::string> pattern_of_rotated(std::string_view path);

}  // namespace palloscope
