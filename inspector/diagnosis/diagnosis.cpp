#include "inspector/diagnosis/diagnosis.hpp"

#include "inspector/diagnosis/context_kind.hpp"
#include "inspector/diagnosis/diagnose_backend.hpp"
#include "inspector/diagnosis/ending.hpp"
#include "inspector/diagnosis/forecast.hpp"
#include "inspector/diagnosis/reconnects.hpp"

namespace palloscope {

Diagnosis diagnose(const History& history) {
    Diagnosis diagnosis{.statement_source = history.statement_source, .notes = history.notes};
    const SightingWeights weights(history);
    for (const BackendHistory& backend : history.backends) {
        diagnosis.backends.push_back(diagnose_backend(history, backend, weights));
    }
    add_forecasts(history, diagnosis);
    add_endings(history, weights, diagnosis);
    add_reconnects(history, diagnosis);
    return diagnosis;
}

std::string_view ContextGrowth::family() const {
    return context_family(path);
}

}  // namespace palloscope
