#include "inspector/report/snapshot_tree.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inspector/model/time_text.hpp"
#include "inspector/report/clean_text.hpp"
#include "inspector/report/size_text.hpp"
#include "inspector/report/snapshot_heading.hpp"
#include "inspector/report/text_columns.hpp"

namespace palloscope {

namespace {

using Indices = std::vector<std::size_t>;

// A line of the tree: one context, several alike siblings, or the smallest of many siblings with
// all that is below them.
struct Line {
    Indices members;
    int depth = 0;
    bool is_rest = false;
};

// What every line needs to know of the tree.
class TreeIndex {
  public:
    explicit TreeIndex(const ContextTree& tree)
        : tree_(tree), children_(tree.contexts.size()), used_with_children_(tree.contexts.size()) {
        // Children stand behind their parents.
        for (std::size_t i = tree.contexts.size(); i-- > 0;) {
            const MemoryContext& context = tree.contexts[i];
            used_with_children_[i] += context.figures.used_bytes;
            if (context.parent) {
                used_with_children_[*context.parent] += used_with_children_[i];
                children_[*context.parent].push_back(i);
            }
        }
        for (Indices& children : children_) {
            std::ranges::reverse(children);
        }
    }

    [[nodiscard]] const MemoryContext& context(std::size_t index) const {
        return tree_.contexts[index];
    }

    // In the server's order.
    [[nodiscard]] Indices children(const Indices& parents) const {
        Indices all;
        for (const std::size_t parent : parents) {
            all.insert(all.end(), children_[parent].begin(), children_[parent].end());
        }
        return all;
    }

    [[nodiscard]] bool has_children(const Indices& members) const {
        return std::ranges::any_of(members,
                                   [this](std::size_t i) { return !children_[i].empty(); });
    }

    [[nodiscard]] std::int64_t used_with_children(const Indices& members) const {
        std::int64_t sum = 0;
        for (const std::size_t member : members) {
            sum += used_with_children_[member];
        }
        return sum;
    }

    [[nodiscard]] std::size_t largest(const Indices& members) const {
        return *std::ranges::max_element(
            members, {}, [this](std::size_t member) { return used_with_children_[member]; });
    }

  private:
    const ContextTree& tree_;
    std::vector<Indices> children_;
    std::vector<std::int64_t> used_with_children_;
};

// Joins the last of too many lines. Up to 10 each index has a context of its own name, hundreds of
// them, all small.
void fold_rest(std::vector<Line>& lines) {
    constexpr std::size_t kManyLines = 40;
    if (lines.size() <= kManyLines) {
        return;
    }
    Line rest{.depth = lines.front().depth, .is_rest = true};
    for (std::size_t i = kManyLines - 1; i < lines.size(); ++i) {
        rest.members.insert(rest.members.end(), lines[i].members.begin(), lines[i].members.end());
    }
    lines.resize(kManyLines - 1);
    lines.push_back(std::move(rest));
}

// The lines below a line, the largest first.
std::vector<Line> folded_children(const TreeIndex& index, const Line& parent) {
    constexpr std::size_t kFewSiblings = 3;
    std::vector<Indices> alike;
    std::unordered_map<std::string_view, std::size_t> places;
    for (const std::size_t child : index.children(parent.members)) {
        const auto [place, is_new] = places.try_emplace(index.context(child).name, alike.size());
        if (is_new) {
            alike.emplace_back();
        }
        alike[place->second].push_back(child);
    }
    std::vector<Line> lines;
    for (Indices& members : alike) {
        if (members.size() > kFewSiblings || parent.members.size() > 1) {
            lines.push_back({.members = std::move(members), .depth = parent.depth + 1});
            continue;
        }
        for (const std::size_t member : members) {
            lines.push_back({.members = {member}, .depth = parent.depth + 1});
        }
    }
    std::ranges::stable_sort(lines, std::ranges::greater(), [&index](const Line& line) {
        return index.used_with_children(line.members);
    });
    fold_rest(lines);
    return lines;
}

// All lines from top to bottom. A stack of our own: contexts can be nested thousands deep.
std::vector<Line> folded_lines(const TreeIndex& index) {
    std::vector<Line> lines;
    std::vector<Line> waiting{{.members = {0}}};
    while (!waiting.empty()) {
        lines.push_back(std::move(waiting.back()));
        waiting.pop_back();
        if (lines.back().is_rest) {
            continue;
        }
        std::vector<Line> children = folded_children(index, lines.back());
        std::ranges::reverse(children);
        std::ranges::move(children, std::back_inserter(waiting));
    }
    return lines;
}

std::vector<Line> unfolded_lines(const ContextTree& tree) {
    std::vector<Line> lines;
    for (std::size_t i = 0; i < tree.contexts.size(); ++i) {
        lines.push_back({.members = {i}, .depth = tree.contexts[i].level - 1});
    }
    return lines;
}

constexpr int kSizeColumns = 10;
// Four sizes and the gap before the name.
constexpr int kFiguresColumns = 4 * kSizeColumns + 2;

// Two blanks a level, as the server indents; beyond what fits on a screen the level in figures.
std::string indentation(int depth) {
    constexpr int kMaxDepth = 20;
    if (depth <= kMaxDepth) {
        return left_aligned("", 2 * depth);
    }
    return left_aligned("", 2 * kMaxDepth) + fmt::format("[level {}] ", depth + 1);
}

std::string figures_text(const TreeIndex& index, const Line& line, const TextStyle& style) {
    ContextFigures sum;
    for (const std::size_t member : line.members) {
        sum += index.context(member).figures;
    }
    const std::string below =
        index.has_children(line.members) ? size_text(index.used_with_children(line.members)) : "";
    return painted(style, Paint::kNumber, right_aligned(size_text(sum.used_bytes), kSizeColumns)) +
           right_aligned(size_text(sum.total_bytes), kSizeColumns) +
           right_aligned(size_text(sum.free_bytes), kSizeColumns) +
           painted(style, Paint::kFaint, right_aligned(below, kSizeColumns)) + "  ";
}

std::string name_text(const TreeIndex& index, const Line& line, const TextStyle& style) {
    const std::string name = indentation(line.depth);
    if (line.is_rest) {
        return name + count_text(std::ssize(line.members)) + " smaller ones";
    }
    return name + clean_line(index.context(line.members.front()).name) +
           (line.members.size() > 1 ? times_text(std::ssize(line.members), style) : "");
}

// What tells this context from alike ones, or the largest of several from the others.
std::string detail_text(const TreeIndex& index, const Line& line) {
    const std::size_t largest = index.largest(line.members);
    const MemoryContext& context = index.context(largest);
    const std::string ident = context.ident ? ": " + clean_line(*context.ident) : "";
    if (line.members.size() == 1) {
        return ident;
    }
    return "  largest " + size_text(index.used_with_children({largest})) +
           (line.is_rest ? ": " + clean_line(context.name) : "") + ident;
}

std::string line_text(const TreeIndex& index, const Line& line, const TextStyle& style) {
    std::string name = name_text(index, line, style);
    std::string detail = detail_text(index, line);
    if (style.width > 0) {
        const int room = std::max(0, style.width - kFiguresColumns);
        name = cut_to_columns(name, room, style);
        detail = cut_to_columns(detail, room - text_columns(name), style);
    }
    return figures_text(index, line, style) + name + painted(style, Paint::kFaint, detail) + '\n';
}

std::string heading_text(const Snapshot& snapshot, const TextStyle& style) {
    const ContextFigures total = snapshot.tree.grand_total();
    const std::string_view separator = heading_separator(style);
    std::string heading = backend_heading(snapshot, style) + '\n';
    if (snapshot.process.query) {
        heading += "query: " + clean_line(*snapshot.process.query) + '\n';
    }
    heading += fmt::format("{1}{0}method {2}{0}pause {3}{0}RssAnon {4}\n",
                           separator,
                           moment_text(snapshot.taken_at_ns),
                           to_string(snapshot.method),
                           duration_text(snapshot.pause_us),
                           size_text(snapshot.process.rss_anon_bytes));
    heading +=
        fmt::format("{1} contexts{0}{2} used of {3}{0}{4} free in {5} chunks{0}{6} blocks\n\n",
                    separator,
                    count_text(std::ssize(snapshot.tree.contexts)),
                    size_text(total.used_bytes),
                    size_text(total.total_bytes),
                    size_text(total.free_bytes),
                    count_text(total.free_chunks),
                    count_text(total.total_nblocks));
    return heading;
}

std::string column_names(const TextStyle& style) {
    std::string names;
    for (const std::string_view name : {"used", "total", "free", "subtree"}) {
        names += right_aligned(name, kSizeColumns);
    }
    return painted(style, Paint::kStrong, names + "  context") + '\n';
}

}  // namespace

std::string snapshot_tree(const Snapshot& snapshot, const TextStyle& style, TreeFolding folding) {
    std::string text = heading_text(snapshot, style);
    if (snapshot.tree.contexts.empty()) {
        return text;
    }
    text += column_names(style);
    const TreeIndex index(snapshot.tree);
    const std::vector<Line> lines =
        folding == TreeFolding::kNone ? unfolded_lines(snapshot.tree) : folded_lines(index);
    for (const Line& line : lines) {
        text += line_text(index, line, style);
    }
    return text;
}

}  // namespace palloscope
