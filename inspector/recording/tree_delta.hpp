#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "inspector/model/context_tree.hpp"
#include "inspector/statements/ident.hpp"

namespace palloscope {

// What makes a context of one snapshot the same as a context of the next one.
struct ContextIdentity {
    // Id of the parent as `identify` gave it; 0 for the root.
    std::int64_t parent = 0;
    std::string_view name;
    // Masked: no literals.
    std::optional<std::string_view> ident;
    ContextType type = ContextType::kAllocSet;
    // 1 for the oldest of the siblings alike in all of the above.
    std::int64_t ordinal = 1;
};

// What a snapshot says of a context. Siblings stand in the order of `place`.
struct ContextState {
    std::int64_t place = 0;
    ContextFigures figures;

    bool operator==(const ContextState&) const = default;
};

struct ContextUpdate {
    std::int64_t context = 0;
    // None: the context vanished.
    std::optional<ContextState> now;
};

// Turns the successive trees of one backend into changes. Holds the last tree, nothing older.
//
//     TreeDelta delta(identify);               // looks a context's id up, or gives it a new one
//     for (tree : trees) store(delta.advance(tree));
class TreeDelta {
  public:
    using Identify = std::function<std::int64_t(const ContextIdentity&)>;

    // `identify` is called only for contexts that the tree before did not have.
    explicit TreeDelta(Identify identify) : identify_(std::move(identify)) {}

    // What changed since the tree before (at first: everything), sorted by id. Parents must come
    // before their children. If `identify` throws, the object is of no more use.
    [[nodiscard]] std::vector<ContextUpdate> advance(const ContextTree& tree);

  private:
    struct Known {
        std::int64_t id = 0;
        // None until the first change of a new context is made.
        std::optional<ContextState> state;
        std::uint64_t seen_in = 0;  // the last advance() that met it
    };

    void identify_all(const ContextTree& tree);
    [[nodiscard]] std::vector<std::int64_t> places(const ContextTree& tree) const;

    Identify identify_;
    std::uint64_t round_ = 0;
    ContextTree last_;
    // By packed identity; the pointers in by_index_ lead into it.
    std::unordered_map<std::string, Known> known_;
    std::vector<Known*> by_index_;
    IdentForms forms_;
};

}  // namespace palloscope
