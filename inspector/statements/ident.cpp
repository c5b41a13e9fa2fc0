#include "inspector/statements/ident.hpp"

#include <algorithm>
#include <array>

#include "inspector/statements/form.hpp"
#include "inspector/statements/named_contexts.hpp"

namespace palloscope {

namespace {

// What MemoryContextStatsPrint (mcxt.c) puts where it cuts an ident.
constexpr std::string_view kCut = "...";

// Below this many there is nothing to gain by forgetting.
constexpr std::size_t kFewForms = 1'000;

bool holds_names(std::string_view context_name) {
    return std::ranges::find(kNamedContexts, context_name) != kNamedContexts.end();
}

std::string form_of_ident(std::string_view ident) {
    if (!ident.ends_with(kCut)) {
        return statement_form(ident).text;
    }
    ident.remove_suffix(kCut.size());
    return statement_form(ident).text.append(kCut);
}

}  // namespace

std::string_view IdentForms::masked(std::string_view context_name, const std::string& ident) {
    if (holds_names(context_name)) {
        return ident;
    }
    if (context_name == kRegexpContext) {
        return "$1";
    }
    const auto [entry, is_new] = forms_.try_emplace(ident);
    Form& form = entry->second;
    if (is_new) {
        form.text = form_of_ident(ident);
    }
    if (form.seen_in != tree_) {
        form.seen_in = tree_;
        ++seen_;
    }
    return form.text;
}

void IdentForms::mask(ContextTree& tree) {
    for (MemoryContext& context : tree.contexts) {
        if (context.ident && !holds_names(context.name)) {
            context.ident = masked(context.name, *context.ident);
        }
    }
    forget_old();
}

void IdentForms::forget_old() {
    if (forms_.size() > 2 * seen_ + kFewForms) {
        std::erase_if(forms_, [&](const auto& entry) { return entry.second.seen_in != tree_; });
    }
    ++tree_;
    seen_ = 0;
}

}  // namespace palloscope
