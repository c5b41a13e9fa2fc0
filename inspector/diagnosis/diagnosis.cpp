#include "inspector/diagnosis/diagnosis.hpp"

#include "inspector/diagnosis/diagnose_backend.hpp"

namespace palloscope {

Diagnosis diagnose(const History& history) {
    Diagnosis diagnosis{.statement_source = history.statement_source, .notes = history.notes};
    for (const BackendHistory& backend : history.backends) {
        diagnosis.backends.push_back(diagnose_backend(history, backend));
    }
    return diagnosis;
}

std::string_view ContextGrowth::family() const {
    // The one kind of name with a slash: "PL/pgSQL function" (pl_comp.c), and those of PL/Perl,
    // PL/Python, PL/Tcl.
    constexpr std::string_view kProceduralLanguage = "PL/";
    constexpr std::string_view kRoot = "TopMemoryContext/";
    std::string_view rest = path;
    rest.remove_prefix(rest.starts_with(kRoot) ? kRoot.size() : 0);
    const std::size_t from = rest.starts_with(kProceduralLanguage) ? kProceduralLanguage.size() : 0;
    return rest.substr(0, rest.find('/', from));
}

}  // namespace palloscope
