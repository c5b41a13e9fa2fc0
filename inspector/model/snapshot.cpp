#include "inspector/model/snapshot.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace palloscope {

namespace {

constexpr std::array<std::pair<Method, std::string_view>, 4> kMethodNames{{
    {Method::kRead, "read"},
    {Method::kFreeze, "freeze"},
    {Method::kFork, "fork"},
    {Method::kCall, "call"},
}};

}  // namespace

std::string_view to_string(Method method) {
    const auto* const found =
        std::ranges::find(kMethodNames, method, &std::pair<Method, std::string_view>::first);
    return found->second;
}

std::optional<Method> method_from(std::string_view text) {
    const auto* const found =
        std::ranges::find(kMethodNames, text, &std::pair<Method, std::string_view>::second);
    if (found == kMethodNames.end()) {
        return std::nullopt;
    }
    return found->first;
}

}  // namespace palloscope
