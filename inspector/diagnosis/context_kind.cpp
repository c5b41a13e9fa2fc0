#include "inspector/diagnosis/context_kind.hpp"

namespace palloscope {

namespace {

// The one kind of name with a slash: "PL/pgSQL function" (pl_comp.c), and those of PL/Perl,
// PL/Python, PL/Tcl.
constexpr std::string_view kProceduralLanguage = "PL/";

std::string_view first_name(std::string_view path) {
    const std::size_t from = path.starts_with(kProceduralLanguage) ? kProceduralLanguage.size() : 0;
    return path.substr(0, path.find('/', from));
}

std::string_view without_prefix(std::string_view path, std::string_view prefix) {
    path.remove_prefix(path.starts_with(prefix) ? prefix.size() : 0);
    return path;
}

}  // namespace

std::string_view context_family(std::string_view path) {
    return first_name(without_prefix(path, "TopMemoryContext/"));
}

std::string_view context_kind(std::string_view path) {
    path = without_prefix(path, "TopMemoryContext/");
    return first_name(without_prefix(path, "CacheMemoryContext/"));
}

bool lies_in(std::string_view path, std::string_view ancestor) {
    while (!path.empty()) {
        const std::string_view name = first_name(path);
        if (name == ancestor) {
            return true;
        }
        path.remove_prefix(name.size() == path.size() ? name.size() : name.size() + 1);
    }
    return false;
}

bool is_for_temporary_tables(std::string_view path) {
    return context_family(path) == "LocalBufferContext";
}

bool is_subtransaction(std::string_view path) {
    return path.ends_with("/CurTransactionContext");
}

bool is_held_cursor(std::string_view path) {
    return path.ends_with("/PortalHoldContext");
}

}  // namespace palloscope
