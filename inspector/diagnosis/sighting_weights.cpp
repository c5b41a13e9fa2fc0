#include "inspector/diagnosis/sighting_weights.hpp"

#include <cstddef>
#include <utility>

#include "inspector/diagnosis/statement_columns.hpp"

namespace palloscope {

SightingWeights::SightingWeights(const History& history) {
    const FoldedForms folded = fold_forms(history.forms);
    // By statement.
    std::map<std::optional<std::string>, std::vector<std::vector<Sighting>>> sightings;
    for (const BackendHistory& backend : history.backends) {
        for (const ExecutionRecord& execution : backend.executions) {
            if (execution.sighting && execution.form < history.forms.size()) {
                auto& of_database = sightings[backend.process.database];
                of_database.resize(folded.statements.size());
                of_database[folded.statement_of_form[execution.form]].push_back(
                    *execution.sighting);
            }
        }
    }
    for (auto& [database, of_database] : sightings) {
        std::vector<SightingWeight> by_statement;
        for (std::vector<Sighting>& of_statement : of_database) {
            by_statement.push_back(weigh_sightings(std::move(of_statement)));
        }
        for (const std::size_t statement : folded.statement_of_form) {
            by_database_[database].push_back(by_statement[statement]);
        }
    }
}

std::span<const SightingWeight> SightingWeights::of(const BackendHistory& backend) const {
    const auto found = by_database_.find(backend.process.database);
    return found == by_database_.end() ? std::span<const SightingWeight>() : found->second;
}

}  // namespace palloscope
