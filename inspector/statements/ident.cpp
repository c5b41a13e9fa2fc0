#include "inspector/statements/ident.hpp"

#include <algorithm>
#include <array>

#include "inspector/statements/form.hpp"
#include "inspector/statements/named_contexts.hpp"

namespace palloscope {

namespace {

// What MemoryContextStatsPrint (mcxt.c) puts where it cuts an ident.
constexpr std::string_view kCut = "...";

}  // namespace

std::string mask_ident(std::string_view context_name, std::string_view ident) {
    if (std::ranges::find(kNamedContexts, context_name) != kNamedContexts.end()) {
        return std::string(ident);
    }
    if (context_name == kRegexpContext) {
        return "$1";
    }
    if (!ident.ends_with(kCut)) {
        return statement_form(ident).text;
    }
    ident.remove_suffix(kCut.size());
    return statement_form(ident).text.append(kCut);
}

void mask_idents(ContextTree& tree) {
    for (MemoryContext& context : tree.contexts) {
        if (context.ident) {
            context.ident = mask_ident(context.name, *context.ident);
        }
    }
}

}  // namespace palloscope
