#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "inspector/diagnosis/cause_rule.hpp"

namespace palloscope {

// Whether growth of what lies outside of contexts is large enough to be one, and not pages of
// contexts' blocks that are touched late: RssAnon counts a page when it is touched, the contexts
// count a block when it is there.
[[nodiscard]] bool is_worth_a_cause(const Suspicion& suspicion);

// By how much an item of the accounting (explanation.hpp) grew between the first and the last
// explanation; none where there are not two, or where they do not tell the same items: one that
// could not ask malloc what is free counts that to what is used.
[[nodiscard]] std::optional<double> accounted_growth(const BackendHistory& backend,
                                                     std::string_view item);

// By how much more malloc keeps free at the last explanation than at the first; none as in
// accounted_growth(). Where the last one met the backend at work, its contexts hold some of it for
// that moment: what they hold beyond what they do at rest counts as free.
[[nodiscard]] std::optional<double> growth_kept_by_malloc(const BackendHistory& backend);

// The most that contexts held at any snapshot beyond what they held at a later one: what they have
// given back to malloc.
[[nodiscard]] double given_back_bytes(const BackendHistory& backend);

}  // namespace palloscope
