#include "inspector/backend/process_title.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "inspector/backend/backend_types.hpp"

namespace palloscope {

namespace {

constexpr std::string_view kPrefix = "postgres: ";

// The endings that a client backend's title has, longest first (postgres.c, set_ps_display).
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kStates{{
    {" idle in transaction (aborted)", "idle in transaction (aborted)"},
    {" idle in transaction", "idle in transaction"},
    {" idle", "idle"},
    {" authentication", "starting"},
}};

std::optional<std::string_view> backend_type_of(std::string_view rest) {
    const auto* const found = std::ranges::find_if(
        kBackendTypes, [&](const auto& type) { return rest.starts_with(type.first); });
    if (found == kBackendTypes.end()) {
        return std::nullopt;
    }
    return found->second;
}

std::string_view take_word(std::string_view& text) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

}  // namespace

std::optional<ProcessTitle> parse_process_title(std::string_view title) {
    if (!title.starts_with(kPrefix)) {
        return std::nullopt;
    }
    std::string_view rest = title.substr(kPrefix.size());
    auto type = backend_type_of(rest);
    // With cluster_name set, the title goes on "NAME: ".
    if (const std::size_t colon = rest.find(": "); !type && colon != std::string_view::npos) {
        rest.remove_prefix(colon + 2);
        type = backend_type_of(rest);
    }
    if (type) {
        return ProcessTitle{.backend_type = std::string(*type)};
    }

    ProcessTitle parsed{.backend_type = "client backend"};
    const auto* const state = std::ranges::find_if(
        kStates, [&](const auto& known) { return rest.ends_with(known.first); });
    if (state != kStates.end()) {
        parsed.state = state->second;
    }
    parsed.user = take_word(rest);
    parsed.database = take_word(rest);
    return parsed;
}

}  // namespace palloscope
