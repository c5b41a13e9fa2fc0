#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/model/context_tree.hpp"

namespace palloscope {

enum class ChangeKind { kGrew, kShrank, kAppeared, kVanished };

// "grew", "shrank", "appeared", "vanished".
[[nodiscard]] std::string_view to_string(ChangeKind kind);

// What became of contexts of one path of names, all in the same way: alike siblings are one change.
struct ContextChange {
    // Names from the root down, joined by '/'. Of a path of more than a hundred names the root and
    // the last hundred, with "..." for the others: each savepoint nests one more
    // CurTransactionContext, so paths can be thousands of names long.
    std::string path;
    // The last of these names.
    std::string name;
    // Of the context that changed most.
    std::optional<std::string> ident;
    ChangeKind kind = ChangeKind::kGrew;
    // Contexts that changed so; one of them is zero for those that appeared or vanished.
    std::int64_t count_before = 0;
    std::int64_t count_after = 0;
    // Sums over them; delta = after − before.
    ContextFigures before;
    ContextFigures after;
    ContextFigures delta;

    bool operator==(const ContextChange&) const = default;
};

// What grew, shrank, appeared and vanished between two trees of the same backend.
struct Difference {
    // Of the whole trees.
    std::int64_t count_before = 0;
    std::int64_t count_after = 0;
    ContextFigures before;
    ContextFigures after;
    ContextFigures delta;
    // The most changed used_bytes first; the sum of their deltas is `delta`, but for contexts whose
    // bytes are the same while their blocks or chunks are not.
    std::vector<ContextChange> changes;

    bool operator==(const Difference&) const = default;
};

// Contexts are the same in both trees if their parents are, their names and idents are equal, and
// so is their place among siblings of that name and ident, counted from the oldest (the server
// lists the newest first, so those that are new come last). A context grew or shrank by its
// used_bytes, or by its total_bytes where these are unchanged.
[[nodiscard]] Difference difference(const ContextTree& before, const ContextTree& after);

}  // namespace palloscope
