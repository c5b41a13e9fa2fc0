#include "inspector/model/time_text.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

namespace palloscope {

namespace {

using std::chrono::floor;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

struct Moment {
    std::chrono::year_month_day date;
    std::chrono::hh_mm_ss<microseconds> time;
};

Moment moment_of(std::int64_t unix_ns) {
    const auto since_epoch = floor<microseconds>(nanoseconds(unix_ns));
    const auto days = floor<std::chrono::days>(since_epoch);
    return {.date = std::chrono::sys_days(days), .time = std::chrono::hh_mm_ss(since_epoch - days)};
}

std::string date_and_time(const Moment& moment, char between) {
    return fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}",
                       static_cast<int>(moment.date.year()),
                       static_cast<unsigned>(moment.date.month()),
                       static_cast<unsigned>(moment.date.day()),
                       between,
                       moment.time.hours().count(),
                       moment.time.minutes().count(),
                       moment.time.seconds().count());
}

// The decimal digits at that place, which must be digits all.
std::optional<int> digits(std::string_view text, std::size_t begin, std::size_t count) {
    const char* const first = text.data() + begin;
    int value = 0;
    const auto [end, error] = std::from_chars(first, first + count, value);
    if (error != std::errc{} || end != first + count || *first == '-') {
        return std::nullopt;
    }
    return value;
}

}  // namespace

std::int64_t unix_time_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string iso_time_text(std::int64_t unix_ns) {
    const Moment moment = moment_of(unix_ns);
    return fmt::format("{}.{:06}Z", date_and_time(moment, 'T'), moment.time.subseconds().count());
}

std::optional<std::int64_t> unix_ns_from_iso_time(std::string_view text) {
    constexpr std::string_view kForm = "0000-00-00T00:00:00.000000Z";
    constexpr std::string_view kFormToTheSecond = "0000-00-00T00:00:00Z";
    if (text.size() == kFormToTheSecond.size() && text.ends_with('Z')) {
        return unix_ns_from_iso_time(std::string(text.substr(0, text.size() - 1)) + ".000000Z");
    }
    if (text.size() != kForm.size()) {
        return std::nullopt;
    }
    for (const std::size_t mark : {4UL, 7UL, 10UL, 13UL, 16UL, 19UL, 26UL}) {
        if (text[mark] != kForm[mark]) {
            return std::nullopt;
        }
    }
    const std::optional<int> year = digits(text, 0, 4);
    const std::optional<int> month = digits(text, 5, 2);
    const std::optional<int> day = digits(text, 8, 2);
    const std::optional<int> hour = digits(text, 11, 2);
    const std::optional<int> minute = digits(text, 14, 2);
    const std::optional<int> second = digits(text, 17, 2);
    const std::optional<int> micros = digits(text, 20, 6);
    if (!year || !month || !day || !hour || !minute || !second || !micros) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date(std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day)));
    // Nanoseconds since 1970 end in 2262.
    if (!date.ok() || *year < 1970 || *year > 2261 || *hour > 23 || *minute > 59 || *second > 59) {
        return std::nullopt;
    }
    const nanoseconds since_epoch = std::chrono::sys_days(date).time_since_epoch() +
                                    std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
                                    std::chrono::seconds(*second) + microseconds(*micros);
    return since_epoch.count();
}

std::string moment_text(std::int64_t unix_ns) {
    const Moment moment = moment_of(unix_ns);
    return fmt::format(
        "{}.{:03} UTC", date_and_time(moment, ' '), moment.time.subseconds().count() / 1000);
}

std::string minute_text(std::int64_t unix_ns) {
    constexpr std::int64_t kHalfMinuteNs = 30'000'000'000;
    constexpr std::string_view kSeconds = ":00";
    std::string text = date_and_time(moment_of(unix_ns + kHalfMinuteNs), ' ');
    text.resize(text.size() - kSeconds.size());
    return text + " UTC";
}

std::string duration_text(double us) {
    struct Unit {
        double us;
        std::string_view name;
    };

    constexpr std::array<Unit, 4> kUnits{{{3.6e9, "h"}, {6e7, "min"}, {1e6, "s"}, {1e3, "ms"}}};
    for (const Unit& unit : kUnits) {
        if (std::abs(us) >= unit.us) {
            return fmt::format("{:.1f} {}", us / unit.us, unit.name);
        }
    }
    return fmt::format("{:.0f} us", us);
}

std::string server_version_text(int server_version_num) {
    constexpr int kFirstOfTwoParts = 100000;
    const int major = server_version_num / 10000;
    if (server_version_num >= kFirstOfTwoParts) {
        return fmt::format("{}.{}", major, server_version_num % 10000);
    }
    return fmt::format("{}.{}.{}", major, server_version_num / 100 % 100, server_version_num % 100);
}

}  // namespace palloscope
