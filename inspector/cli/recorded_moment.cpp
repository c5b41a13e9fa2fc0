#include "inspector/cli/recorded_moment.hpp"

#include <filesystem>
#include <fstream>
#include <string_view>

#include <fmt/core.h>

#include "inspector/model/time_text.hpp"

namespace palloscope {

namespace {

// SQLite's files begin so (https://www.sqlite.org/fileformat.html).
constexpr std::string_view kRecordingMagic = "SQLite format 3";

}  // namespace

Result<RecordedMoment> recorded_moment(const std::string& operand) {
    const std::size_t at = operand.rfind('@');
    std::error_code unreadable;
    if (at == std::string::npos || std::filesystem::exists(operand, unreadable)) {
        return RecordedMoment{.path = operand, .time_ns = std::nullopt};
    }
    const auto time_ns = unix_ns_from_iso_time(operand.substr(at + 1));
    if (!time_ns) {
        return failure(Error::Kind::kUsage,
                       fmt::format("'{}' is no time", operand.substr(at + 1)),
                       "write it as 2026-11-23T09:00:00Z");
    }
    return RecordedMoment{.path = operand.substr(0, at), .time_ns = time_ns};
}

bool is_recording(const std::string& path) {
    std::string begin(kRecordingMagic.size(), '\0');
    std::ifstream file(path, std::ios::binary);
    file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
    return file && begin == kRecordingMagic;
}

}  // namespace palloscope
