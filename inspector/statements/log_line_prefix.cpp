#include "inspector/statements/log_line_prefix.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "inspector/statements/log_clock.hpp"

namespace palloscope {

namespace {

// elog.c of PostgreSQL 15, error_severity and send_message_to_server_log. Behind each stand a colon
// and two spaces.
constexpr std::array<std::string_view, 15> kLabels{"LOG",
                                                   "STATEMENT",
                                                   "ERROR",
                                                   "DETAIL",
                                                   "CONTEXT",
                                                   "WARNING",
                                                   "FATAL",
                                                   "PANIC",
                                                   "NOTICE",
                                                   "INFO",
                                                   "DEBUG",
                                                   "HINT",
                                                   "QUERY",
                                                   "LOCATION",
                                                   "BACKTRACE"};
constexpr std::string_view kBehindLabel = ":  ";
constexpr std::string_view kEscapes = "abcdehilLmnpPqQrstuvx";
// What these give may hold anything.
constexpr std::string_view kFreeTexts = "abdhiLru";
// A server cuts names at 63 bytes, and an address is shorter than this.
constexpr std::size_t kLongestFreeText = 256;
// Prefixes with several free texts can be read in many ways; it bounds the search.
constexpr int kMostTries = 4'000;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_alphanumeric(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

template <typename Accepts>
std::size_t run_of(std::string_view text, Accepts accepts) {
    return static_cast<std::size_t>(std::ranges::find_if_not(text, accepts) - text.begin());
}

// "2026-11-25 02:21:06", a fraction, a space and the zone.
std::size_t length_of_time(std::string_view text) {
    constexpr std::size_t kToTheSecond = 19;
    if (!begins_with_log_time(text)) {
        return 0;
    }
    std::size_t length = kToTheSecond;
    if (length < text.size() && text[length] == '.') {
        length += 1 + run_of(text.substr(length + 1), is_digit);
    }
    if (length >= text.size() || text[length] != ' ') {
        return 0;
    }
    const std::size_t zone = run_of(
        text.substr(length + 1), [](char c) { return is_alphanumeric(c) || c == '+' || c == '-'; });
    return zone == 0 ? 0 : length + 1 + zone;
}

// How much of `text` an escape of fixed syntax stands for; none where it cannot stand there.
std::optional<std::size_t> length_of(char escape, std::string_view text) {
    std::size_t length = 0;
    switch (escape) {
        case 'm':
        case 't':
        case 's':
            length = length_of_time(text);
            break;
        case 'e':
            length = run_of(text.substr(0, 5), is_alphanumeric);
            break;
        case 'c':
        case 'n':
            length = run_of(text, [](char c) { return is_alphanumeric(c) || c == '.'; });
            break;
        case 'Q':
            length = run_of(text, [](char c) { return is_digit(c) || c == '-'; });
            break;
        case 'v':  // empty in processes that run no transactions
            return run_of(text, [](char c) { return is_digit(c) || c == '/'; });
        case 'P':  // empty but in parallel workers
            return run_of(text, is_digit);
        default:
            length = run_of(text, is_digit);
    }
    return length == 0 ? std::nullopt : std::optional(length);
}

bool take_label(std::string_view text, LogLinePrefix::Match& match) {
    for (const std::string_view label : kLabels) {
        if (text.starts_with(label) && text.substr(label.size()).starts_with(kBehindLabel)) {
            match.label = text.substr(0, label.size());
            match.text = text.substr(label.size() + kBehindLabel.size());
            return true;
        }
    }
    return false;
}

bool take_value(char escape, std::string_view value, LogLinePrefix::Match& match) {
    switch (escape) {
        case 'p': {
            const auto [end, error] =
                std::from_chars(value.data(), value.data() + value.size(), match.pid);
            return error == std::errc{} && match.pid > 0;
        }
        case 'm':
        case 't':
        case 'n':
            match.time = value;
            return true;
        case 'e':
            match.sql_state = value;
            return true;
        default:
            return true;
    }
}

}  // namespace

// Tries to read one line, element by element, with shorter free texts first.
class LogLinePrefix::Matcher {
  public:
    Matcher(std::span<const Element> elements, std::string_view line)
        : elements_(elements), line_(line) {}

    std::optional<Match> run() { return from(0, 0) ? std::optional(match_) : std::nullopt; }

  private:
    bool from(std::size_t element, std::size_t at) {
        if (++tries_ > kMostTries) {
            return false;
        }
        const std::string_view rest = line_.substr(at);
        if (element == elements_.size()) {
            return take_label(rest, match_);
        }
        const Element& wanted = elements_[element];
        if (wanted.escape == 0) {
            return rest.starts_with(wanted.literal) &&
                   from(element + 1, at + wanted.literal.size());
        }
        if (wanted.escape == 'q') {
            // Only sessions have what follows; the other processes' entries are none of ours.
            return from(element + 1, at) || take_label(rest, match_);
        }
        if (kFreeTexts.find(wanted.escape) != std::string_view::npos) {
            const std::size_t most = std::min(rest.size(), kLongestFreeText);
            for (std::size_t length = 0; length <= most; ++length) {
                if (from(element + 1, at + length)) {
                    return true;
                }
            }
            return false;
        }
        const std::size_t before = wanted.padded ? spaces(rest) : 0;
        const std::string_view value = rest.substr(before);
        const std::optional<std::size_t> length = length_of(wanted.escape, value);
        if (!length || !take_value(wanted.escape, value.substr(0, *length), match_)) {
            return false;
        }
        const std::size_t behind = at + before + *length;
        return from(element + 1, behind) ||
               (wanted.padded && from(element + 1, behind + spaces(line_.substr(behind))));
    }

    static std::size_t spaces(std::string_view text) {
        return run_of(text, [](char c) { return c == ' '; });
    }

    std::span<const Element> elements_;
    std::string_view line_;
    Match match_;
    int tries_ = 0;
};

Result<LogLinePrefix> LogLinePrefix::parse(std::string_view setting) {
    LogLinePrefix prefix;
    std::string escapes;
    std::string literal;
    const auto end_literal = [&] {
        if (!literal.empty()) {
            prefix.elements_.push_back({.literal = std::exchange(literal, {})});
        }
    };
    for (std::size_t at = 0; at < setting.size(); ++at) {
        if (setting[at] != '%') {
            literal += setting[at];
            continue;
        }
        const std::string_view behind = setting.substr(at + 1);
        const std::size_t padding = run_of(behind, [](char c) { return is_digit(c) || c == '-'; });
        const char escape = padding < behind.size() ? behind[padding] : '\0';
        at += padding + 1;
        if (escape == '%' && padding == 0) {
            literal += '%';
            continue;
        }
        if (escape == '\0' || kEscapes.find(escape) == std::string_view::npos) {
            return failure(Error::Kind::kUsage,
                           fmt::format("'{}' is no log_line_prefix: it has an escape that "
                                       "PostgreSQL does not know",
                                       setting),
                           "give what SHOW log_line_prefix says on that server");
        }
        end_literal();
        prefix.elements_.push_back({.escape = escape, .padded = padding > 0, .literal = {}});
        escapes += escape;
    }
    end_literal();
    if (escapes.find('p') == std::string::npos ||
        escapes.find_first_of("mtn") == std::string::npos) {
        return failure(Error::Kind::kUsage,
                       fmt::format("the log_line_prefix '{}' does not tell whose a statement is "
                                   "and when it ran",
                                   setting),
                       "set one with %p and %m on the server, such as '%m [%p] ', or let it "
                       "write a csvlog");
    }
    return prefix;
}

const std::vector<LogLinePrefix>& LogLinePrefix::well_known() {
    static const std::vector<LogLinePrefix> prefixes = [] {
        std::vector<LogLinePrefix> parsed;
        for (const std::string_view setting :
             {"%m [%p] ",                                         // PostgreSQL's, since 10
              "%m [%p] %q%u@%d ",                                 // Debian's
              "%t [%p]: ",                                        // pgBadger's advice
              "%t [%p]: user=%u,db=%d,app=%a,client=%h ",         // pgBadger's advice
              "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",  // pgBadger's older advice
              "%t:%r:%u@%d:[%p]:",                                // Amazon RDS
              "%m [%p]: [%l-1] db=%d,user=%u "}) {                // Google Cloud SQL
            parsed.push_back(*parse(setting));
        }
        return parsed;
    }();
    return prefixes;
}

std::optional<LogLinePrefix::Match> LogLinePrefix::match(std::string_view line) const {
    return Matcher(elements_, line).run();
}

}  // namespace palloscope
