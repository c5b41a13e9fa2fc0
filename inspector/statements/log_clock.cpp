#include "inspector/statements/log_clock.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <utility>

#include "inspector/model/time_text.hpp"

namespace palloscope {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kQuarter = 15 * 60 * kSecond;
// How far from a quarter of an hour the distance to now may be for a zone to be learnt from it.
constexpr std::int64_t kTolerance = 5 * 60 * kSecond;
// No zone is further from UTC than 14 hours.
constexpr std::int64_t kMostQuarters = 14 * 4;
constexpr std::size_t kMostZones = 16;
constexpr std::string_view kToTheSecond = "0000-00-00 00:00:00";
constexpr std::size_t kMillisecondDigits = 3;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || !is_digit(text.front()) || error != std::errc{} ||
        end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

// %n of log_line_prefix (elog.c of PostgreSQL 15, log_line_prefix): "%ld.%03d".
std::optional<std::int64_t> epoch_ns(std::string_view text) {
    const std::size_t point = text.find('.');
    if (point == std::string_view::npos || text.size() - point - 1 != kMillisecondDigits) {
        return std::nullopt;
    }
    const std::optional<std::int64_t> seconds = number(text.substr(0, point));
    const std::optional<std::int64_t> millis = number(text.substr(point + 1));
    constexpr std::int64_t kMostSeconds = 9'000'000'000;
    if (!seconds || !millis || *seconds > kMostSeconds) {
        return std::nullopt;
    }
    return *seconds * kSecond + *millis * (kSecond / 1000);
}

// "-03", "+0545": what %Z gives for zones whose abbreviation is their offset (tzdata, NEWS 2016g).
std::optional<std::int64_t> numeric_offset(std::string_view zone) {
    if ((zone.size() != 3 && zone.size() != 5) || (zone.front() != '+' && zone.front() != '-')) {
        return std::nullopt;
    }
    const std::optional<std::int64_t> hours = number(zone.substr(1, 2));
    const std::optional<std::int64_t> minutes =
        zone.size() == 5 ? number(zone.substr(3)) : std::optional<std::int64_t>(0);
    if (!hours || !minutes) {
        return std::nullopt;
    }
    const std::int64_t offset = (*hours * 60 + *minutes) * 60 * kSecond;
    return zone.front() == '-' ? -offset : offset;
}

}  // namespace

bool begins_with_log_time(std::string_view text) {
    return text.size() >= kToTheSecond.size() &&
           std::ranges::equal(
               kToTheSecond, text.substr(0, kToTheSecond.size()), [](char form, char c) {
                   return form == '0' ? is_digit(c) : form == c;
               });
}

LogClock::LogClock(std::function<std::int64_t()> now) : now_(std::move(now)) {}

std::optional<std::int64_t> LogClock::unix_ns(std::string_view text) {
    if (!begins_with_log_time(text)) {
        return epoch_ns(text);
    }
    std::string iso(text.substr(0, kToTheSecond.size()));
    iso[10] = 'T';
    text.remove_prefix(kToTheSecond.size());
    if (text.size() > kMillisecondDigits && text.front() == '.') {
        iso += std::string(text.substr(0, kMillisecondDigits + 1)) + "000";
        text.remove_prefix(kMillisecondDigits + 1);
    }
    const std::optional<std::int64_t> local = unix_ns_from_iso_time(iso + 'Z');
    if (!local || text.size() < 2 || text.front() != ' ') {
        return std::nullopt;
    }
    const std::optional<std::int64_t> offset = offset_of(text.substr(1), *local);
    return offset ? std::optional(*local - *offset) : std::nullopt;
}

std::optional<std::int64_t> LogClock::offset_of(std::string_view zone, std::int64_t local_ns) {
    if (zone == "UTC" || zone == "GMT") {
        return 0;
    }
    if (const std::optional<std::int64_t> offset = numeric_offset(zone)) {
        return offset;
    }
    if (const auto found = learnt_.find(zone); found != learnt_.end()) {
        return found->second;
    }
    const std::int64_t distance = local_ns - now_();
    const std::int64_t quarters = (distance + (distance < 0 ? -kQuarter : kQuarter) / 2) / kQuarter;
    if (std::abs(distance - quarters * kQuarter) > kTolerance ||
        std::abs(quarters) > kMostQuarters || learnt_.size() >= kMostZones) {
        return std::nullopt;
    }
    return learnt_.emplace(zone, quarters * kQuarter).first->second;
}

}  // namespace palloscope
