#include "tests/inspector/backend/sound_tree.hpp"

#include <fmt/format.h>

namespace palloscope::test {

std::optional<std::string> broken_promise(const Error& error) {
    if (error.kind != Error::Kind::kFailed && error.kind != Error::Kind::kFault) {
        return fmt::format("an error of another kind: {}", error.message);
    }
    return error.message.empty() ? std::optional<std::string>("an error without a message")
                                 : std::nullopt;
}

std::optional<std::string> broken_promise(const Result<ContextTree>& tree,
                                          std::uint64_t process_bytes) {
    if (!tree) {
        return broken_promise(tree.error());
    }
    if (!tree->checked_grand_total()) {
        return "a grand total that overflows";
    }
    if (tree->contexts.empty()) {
        return "a tree without contexts";
    }
    for (std::size_t i = 0; i < tree->contexts.size(); ++i) {
        const MemoryContext& context = tree->contexts[i];
        const ContextFigures& figures = context.figures;
        if (context.parent.has_value() != (i > 0) || (context.parent && *context.parent >= i)) {
            return fmt::format("context {} has no parent before it", i);
        }
        if (figures.free_bytes < 0 || figures.used_bytes < 0 || figures.free_chunks < 0) {
            return fmt::format("context {} has a negative figure", i);
        }
        if (figures.total_bytes != figures.free_bytes + figures.used_bytes) {
            return fmt::format("context {} does not add up", i);
        }
        if (figures.total_bytes > static_cast<std::int64_t>(2 * process_bytes)) {
            return fmt::format("context {} is larger than the process", i);
        }
    }
    return std::nullopt;
}

}  // namespace palloscope::test
