#include "inspector/model/context_tree.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace palloscope {

namespace {

constexpr std::array<std::pair<ContextType, std::string_view>, 4> kTypeNames{{
    {ContextType::kAllocSet, "AllocSet"},
    {ContextType::kSlab, "Slab"},
    {ContextType::kGeneration, "Generation"},
    {ContextType::kBump, "Bump"},
}};

bool add_checked(ContextFigures& sum, const ContextFigures& more) {
    return !__builtin_add_overflow(sum.total_bytes, more.total_bytes, &sum.total_bytes) &&
           !__builtin_add_overflow(sum.total_nblocks, more.total_nblocks, &sum.total_nblocks) &&
           !__builtin_add_overflow(sum.free_bytes, more.free_bytes, &sum.free_bytes) &&
           !__builtin_add_overflow(sum.free_chunks, more.free_chunks, &sum.free_chunks) &&
           !__builtin_add_overflow(sum.used_bytes, more.used_bytes, &sum.used_bytes);
}

}  // namespace

std::string_view to_string(ContextType type) {
    const auto* const found =
        std::ranges::find(kTypeNames, type, &std::pair<ContextType, std::string_view>::first);
    return found->second;
}

std::optional<ContextType> context_type_from(std::string_view text) {
    const auto* const found =
        std::ranges::find(kTypeNames, text, &std::pair<ContextType, std::string_view>::second);
    if (found == kTypeNames.end()) {
        return std::nullopt;
    }
    return found->first;
}

ContextFigures& ContextFigures::operator+=(const ContextFigures& other) {
    total_bytes += other.total_bytes;
    total_nblocks += other.total_nblocks;
    free_bytes += other.free_bytes;
    free_chunks += other.free_chunks;
    used_bytes += other.used_bytes;
    return *this;
}

ContextFigures& ContextFigures::operator-=(const ContextFigures& other) {
    total_bytes -= other.total_bytes;
    total_nblocks -= other.total_nblocks;
    free_bytes -= other.free_bytes;
    free_chunks -= other.free_chunks;
    used_bytes -= other.used_bytes;
    return *this;
}

ContextFigures ContextTree::grand_total() const {
    ContextFigures total;
    for (const MemoryContext& context : contexts) {
        total += context.figures;
    }
    return total;
}

std::optional<ContextFigures> ContextTree::checked_grand_total() const {
    ContextFigures total;
    for (const MemoryContext& context : contexts) {
        if (!add_checked(total, context.figures)) {
            return std::nullopt;
        }
    }
    return total;
}

std::vector<std::size_t> ContextTree::id_path(std::size_t index) const {
    std::vector<std::size_t> path;
    for (std::optional<std::size_t> at = index; at; at = contexts[*at].parent) {
        path.push_back(*at + 1);
    }
    std::ranges::reverse(path);
    return path;
}

std::string ContextTree::name_path(std::size_t index) const {
    std::string path;
    // No recursion: a tree may be as deep as the backend's contexts are nested.
    for (const std::size_t id : id_path(index)) {
        path += path.empty() ? "" : "/";
        path += contexts[id - 1].name;
    }
    return path;
}

std::vector<std::string> ContextTree::name_paths() const {
    std::vector<std::string> paths;
    paths.reserve(contexts.size());
    for (const MemoryContext& context : contexts) {
        paths.push_back(context.parent ? paths[*context.parent] + '/' + context.name
                                       : context.name);
    }
    return paths;
}

}  // namespace palloscope
