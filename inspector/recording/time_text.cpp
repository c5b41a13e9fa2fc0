#include "inspector/recording/time_text.hpp"

#include <ctime>

#include <fmt/chrono.h>

namespace palloscope {

std::string time_text(std::int64_t time_ns) {
    return fmt::format("{:%FT%TZ}", fmt::gmtime(static_cast<std::time_t>(time_ns / 1'000'000'000)));
}

}  // namespace palloscope
