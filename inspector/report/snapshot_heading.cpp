#include "inspector/report/snapshot_heading.hpp"

#include <vector>

#include <fmt/format.h>

#include "inspector/model/time_text.hpp"
#include "inspector/report/clean_text.hpp"

namespace palloscope {

std::string_view heading_separator(const TextStyle& style) {
    return style.ascii ? " | " : " · ";
}

std::string backend_heading(const Snapshot& snapshot, const TextStyle& style) {
    const ProcessInfo& process = snapshot.process;
    std::vector<std::string> parts;
    parts.push_back(painted(style, Paint::kStrong, fmt::format("pid {}", process.pid)));
    if (process.user || process.database) {
        parts.push_back(clean_line(process.user.value_or("")) + '@' +
                        clean_line(process.database.value_or("")));
    }
    if (process.application_name && !process.application_name->empty()) {
        parts.push_back(clean_line(*process.application_name));
    }
    // A client's backend is what one expects; every other type is worth a word.
    if (process.backend_type != "client backend") {
        parts.push_back(clean_line(process.backend_type));
    }
    if (process.state) {
        parts.push_back(clean_line(*process.state));
    }
    parts.push_back("PostgreSQL " + server_version_text(snapshot.server_version_num));
    std::erase(parts, "");
    return fmt::format("{}", fmt::join(parts, heading_separator(style)));
}

}  // namespace palloscope
