#include "inspector/model/difference.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace palloscope {

namespace {

// Numbers for things that occur in both trees: equal keys get equal numbers, from 1 on.
template <typename Key, typename Hash = std::hash<Key>>
class Numbering {
  public:
    std::size_t of(const Key& key) {
        return numbers_.try_emplace(key, numbers_.size() + 1).first->second;
    }

    [[nodiscard]] std::size_t size() const { return numbers_.size(); }

  private:
    std::unordered_map<Key, std::size_t, Hash> numbers_;
};

// Other things' numbers. Names and idents are numbered once, so that keys are cheap to compare.
template <std::size_t kSize>
using Numbers = std::array<std::size_t, kSize>;

struct NumbersHash {
    template <std::size_t kSize>
    std::size_t operator()(const Numbers<kSize>& numbers) const {
        // The numbers as one text of bytes.
        return std::hash<std::string_view>{}(
            {reinterpret_cast<const char*>(numbers.data()), sizeof(numbers)});
    }
};

// What the contexts of both trees have in common. Holds views into the trees.
struct Vocabulary {
    Numbering<std::string_view> texts;
    // A context: its parent's identity, its name, its ident, its place among alike siblings.
    Numbering<Numbers<4>, NumbersHash> identities;
    // A path of names: the parent's path and a name.
    Numbering<Numbers<2>, NumbersHash> paths;
};

// The number of things that are not there: a root's parent, no ident.
constexpr std::size_t kNone = 0;

std::vector<std::vector<std::size_t>> children_of(const ContextTree& tree) {
    std::vector<std::vector<std::size_t>> children(tree.contexts.size());
    for (std::size_t i = 0; i < tree.contexts.size(); ++i) {
        if (tree.contexts[i].parent) {
            children[*tree.contexts[i].parent].push_back(i);
        }
    }
    return children;
}

// Of each context of a tree.
struct Identified {
    std::vector<std::size_t> identity;
    std::vector<std::size_t> path;
};

// Parents stand before their children, so their numbers are known in time.
Identified identify(const ContextTree& tree, Vocabulary& vocabulary) {
    std::vector<Numbers<2>> labels;
    for (const MemoryContext& context : tree.contexts) {
        labels.push_back({vocabulary.texts.of(context.name),
                          context.ident ? vocabulary.texts.of(*context.ident) : kNone});
    }
    Identified result{.identity = std::vector<std::size_t>(labels.size(), kNone),
                      .path = std::vector<std::size_t>(labels.size(), kNone)};
    if (tree.contexts.empty()) {
        return result;
    }
    const auto [root_name, root_ident] = labels.front();
    result.identity.front() = vocabulary.identities.of({kNone, root_name, root_ident, 0});
    result.path.front() = vocabulary.paths.of({kNone, root_name});
    const std::vector<std::vector<std::size_t>> children = children_of(tree);
    for (std::size_t parent = 0; parent < children.size(); ++parent) {
        std::unordered_map<Numbers<2>, std::size_t, NumbersHash> places;
        // From the oldest on.
        for (auto child = children[parent].rbegin(); child != children[parent].rend(); ++child) {
            const auto [name, ident] = labels[*child];
            const std::size_t place = places[labels[*child]]++;
            result.identity[*child] =
                vocabulary.identities.of({result.identity[parent], name, ident, place});
            result.path[*child] = vocabulary.paths.of({result.path[parent], name});
        }
    }
    return result;
}

std::string path_text(const ContextTree& tree, std::size_t index) {
    constexpr std::size_t kMaxNames = 100;
    std::vector<std::string_view> names;
    std::optional<std::size_t> at = index;
    for (; at && names.size() < kMaxNames; at = tree.contexts[*at].parent) {
        names.emplace_back(tree.contexts[*at].name);
    }
    std::string text = at ? tree.contexts.front().name + "/..." : "";
    std::ranges::reverse(names);
    for (const std::string_view name : names) {
        text += text.empty() ? "" : "/";
        text += name;
    }
    return text;
}

// None if not a byte changed.
std::optional<ChangeKind> kind_of(const MemoryContext* before, const MemoryContext* after) {
    if (before == nullptr) {
        return ChangeKind::kAppeared;
    }
    if (after == nullptr) {
        return ChangeKind::kVanished;
    }
    const auto bytes_of = [](const MemoryContext& context) {
        return std::pair(context.figures.used_bytes, context.figures.total_bytes);
    };
    if (bytes_of(*before) == bytes_of(*after)) {
        return std::nullopt;
    }
    return bytes_of(*before) < bytes_of(*after) ? ChangeKind::kGrew : ChangeKind::kShrank;
}

bool changed_more(const ContextChange& left, const ContextChange& right) {
    const std::pair left_bytes(std::abs(left.delta.used_bytes), std::abs(left.delta.total_bytes));
    const std::pair right_bytes(std::abs(right.delta.used_bytes),
                                std::abs(right.delta.total_bytes));
    if (left_bytes != right_bytes) {
        return left_bytes > right_bytes;
    }
    return std::tie(left.path, left.kind) < std::tie(right.path, right.kind);
}

// Collects contexts into changes.
class Folding {
  public:
    // At least one of `before` and `after` is there; `tree` and `index` are where.
    void add(const MemoryContext* before,
             const MemoryContext* after,
             std::size_t path,
             const ContextTree& tree,
             std::size_t index) {
        const std::optional<ChangeKind> kind = kind_of(before, after);
        if (!kind) {
            return;
        }
        const auto [slot, is_new] = slots_.try_emplace({path, *kind}, changes_.size());
        if (is_new) {
            changes_.push_back(
                {.path = path_text(tree, index), .name = tree.contexts[index].name, .kind = *kind});
            largest_.push_back(-1);
        }
        ContextChange& change = changes_[slot->second];
        ContextFigures delta;
        if (before != nullptr) {
            ++change.count_before;
            change.before += before->figures;
            delta -= before->figures;
        }
        if (after != nullptr) {
            ++change.count_after;
            change.after += after->figures;
            delta += after->figures;
        }
        change.delta += delta;
        if (std::abs(delta.used_bytes) > largest_[slot->second]) {
            largest_[slot->second] = std::abs(delta.used_bytes);
            change.ident = tree.contexts[index].ident;
        }
    }

    std::vector<ContextChange> take_sorted() {
        std::ranges::sort(changes_, changed_more);
        return std::move(changes_);
    }

  private:
    std::vector<ContextChange> changes_;
    // Of each change, how many bytes the context changed whose ident it shows.
    std::vector<std::int64_t> largest_;
    std::map<std::pair<std::size_t, ChangeKind>, std::size_t> slots_;
};

}  // namespace

std::string_view to_string(ChangeKind kind) {
    switch (kind) {
        case ChangeKind::kGrew:
            return "grew";
        case ChangeKind::kShrank:
            return "shrank";
        case ChangeKind::kAppeared:
            return "appeared";
        case ChangeKind::kVanished:
            return "vanished";
    }
    return "";
}

Difference difference(const ContextTree& before, const ContextTree& after) {
    Vocabulary vocabulary;
    const Identified old = identify(before, vocabulary);
    const Identified current = identify(after, vocabulary);

    // By identity.
    std::vector<const MemoryContext*> known(vocabulary.identities.size() + 1, nullptr);
    for (std::size_t i = 0; i < before.contexts.size(); ++i) {
        known[old.identity[i]] = &before.contexts[i];
    }
    Folding folding;
    for (std::size_t i = 0; i < after.contexts.size(); ++i) {
        const MemoryContext* match = std::exchange(known[current.identity[i]], nullptr);
        folding.add(match, &after.contexts[i], current.path[i], after, i);
    }
    for (std::size_t i = 0; i < before.contexts.size(); ++i) {
        // What is still there found no match.
        if (known[old.identity[i]] != nullptr) {
            folding.add(&before.contexts[i], nullptr, old.path[i], before, i);
        }
    }
    Difference result{
        .count_before = std::ssize(before.contexts),
        .count_after = std::ssize(after.contexts),
        .before = before.grand_total(),
        .after = after.grand_total(),
        .delta = after.grand_total(),
        .changes = folding.take_sorted(),
    };
    result.delta -= result.before;
    return result;
}

}  // namespace palloscope
