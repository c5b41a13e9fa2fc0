#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "attach/error.hpp"

namespace palloscope {

// FILE, or FILE@TIME: a moment of a recording, as commands are given it.
struct RecordedMoment {
    std::string path;
    std::optional<std::int64_t> time_ns;  // Unix time
};

// A file whose own name has an '@' goes before. kUsage where what stands behind it is no time.
[[nodiscard]] Result<RecordedMoment> recorded_moment(const std::string& operand);

// Whether this file is a database of SQLite, as recordings are; snapshots are JSON.
[[nodiscard]] bool is_recording(const std::string& path);

}  // namespace palloscope
