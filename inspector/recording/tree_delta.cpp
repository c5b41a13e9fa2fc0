#include "inspector/recording/tree_delta.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace palloscope {

namespace {

// A root has no parent; its siblings, if any, are other roots.
std::size_t parent_slot(const MemoryContext& context) {
    return context.parent ? *context.parent + 1 : 0;
}

bool same_shape(const ContextTree& a, const ContextTree& b) {
    return std::ranges::equal(
        a.contexts, b.contexts, [](const MemoryContext& x, const MemoryContext& y) {
            return x.parent == y.parent && x.type == y.type && x.name == y.name &&
                   x.ident == y.ident;
        });
}

// A key equal exactly where parent, number, type, name and ident are. Names hold no NUL byte, since
// they are C strings in the server.
std::string packed(std::int64_t parent, std::int64_t number, const ContextIdentity& identity) {
    const auto numbers =
        std::bit_cast<std::array<char, 2 * sizeof(std::int64_t)>>(std::array{parent, number});
    std::string key;
    key.reserve(numbers.size() + 2 + identity.name.size() +
                (identity.ident ? identity.ident->size() : 0));
    key.append(numbers.data(), numbers.size());
    key += static_cast<char>(identity.type);
    key += identity.name;
    if (identity.ident) {
        key += '\0';
        key += *identity.ident;
    }
    return key;
}

}  // namespace

std::vector<ContextUpdate> TreeDelta::advance(const ContextTree& tree) {
    ++round_;
    std::vector<ContextUpdate> changes;
    if (!same_shape(tree, last_)) {
        identify_all(tree);
        std::erase_if(known_, [&](const auto& entry) {
            const bool vanished = entry.second.seen_in != round_;
            if (vanished) {
                changes.push_back({.context = entry.second.id, .now = std::nullopt});
            }
            return vanished;
        });
        last_ = tree;
    }
    const std::vector<std::int64_t> place = places(tree);
    for (std::size_t i = 0; i < tree.contexts.size(); ++i) {
        Known& known = *by_index_[i];
        const ContextState now{.place = place[i], .figures = tree.contexts[i].figures};
        if (known.state != now) {
            known.state = now;
            changes.push_back({.context = known.id, .now = now});
        }
    }
    std::ranges::sort(changes, {}, &ContextUpdate::context);
    return changes;
}

void TreeDelta::identify_all(const ContextTree& tree) {
    // How many siblings alike are still to come, by parent. The server lists the youngest first, so
    // this is the ordinal of the next one.
    std::vector<ContextIdentity> identities;
    identities.reserve(tree.contexts.size());
    std::unordered_map<std::string, std::int64_t> alike;
    std::vector<std::int64_t*> still_alike;
    still_alike.reserve(tree.contexts.size());
    for (const MemoryContext& context : tree.contexts) {
        ContextIdentity& identity = identities.emplace_back();
        identity.name = context.name;
        identity.type = context.type;
        if (context.ident) {
            identity.ident = forms_.masked(context.name, *context.ident);
        }
        const auto slot = static_cast<std::int64_t>(parent_slot(context));
        still_alike.push_back(&alike[packed(slot, /*number=*/0, identity)]);
        ++*still_alike.back();
    }

    by_index_.clear();
    by_index_.reserve(tree.contexts.size());
    for (std::size_t i = 0; i < tree.contexts.size(); ++i) {
        ContextIdentity& identity = identities[i];
        const std::optional<std::size_t>& parent = tree.contexts[i].parent;
        identity.parent = parent ? by_index_[*parent]->id : 0;
        identity.ordinal = (*still_alike[i])--;
        const auto [entry, is_new] =
            known_.try_emplace(packed(identity.parent, identity.ordinal, identity));
        Known& known = entry->second;
        if (is_new) {
            known.id = identify_(identity);
        }
        known.seen_in = round_;
        by_index_.push_back(&known);
    }
    forms_.forget_old();
}

// Places that keep every sibling's place of before, as far as the order allows. The server puts new
// children first, so they get the numbers below those of their siblings and nobody has to move.
std::vector<std::int64_t> TreeDelta::places(const ContextTree& tree) const {
    std::vector<std::int64_t> place(tree.contexts.size());
    std::vector<std::optional<std::int64_t>> last_by_parent(tree.contexts.size() + 1);
    for (std::size_t i = tree.contexts.size(); i-- > 0;) {
        std::optional<std::int64_t>& behind = last_by_parent[parent_slot(tree.contexts[i])];
        const std::optional<ContextState>& before = by_index_[i]->state;
        if (before && (!behind || before->place < *behind)) {
            place[i] = before->place;
        } else {
            place[i] = behind ? *behind - 1 : 0;
        }
        behind = place[i];
    }
    return place;
}

}  // namespace palloscope
