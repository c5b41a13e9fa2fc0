#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "inspector/diagnosis/kept_counts.hpp"
#include "inspector/diagnosis/sightings.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// How often one statement had been executed at each of a backend's chosen snapshots. "One
// statement" is a family where that has more than eight forms, else a form (contract.md,
// "Statements").
struct StatementColumn {
    // The form's text, or the family's.
    std::string query;
    // With the generated parts of its identifiers as '*'.
    std::string family;
    // The form's fingerprint; a family's is made of its text in the same shape.
    std::string fingerprint;
    // Forms that were counted together.
    std::size_t forms = 1;
    // Those of them that this backend ran, and how many executions of it were seen or told of.
    std::size_t forms_run = 0;
    double seen = 0;
    // calls[i]: executions that ended after the first moment and not after moments_ns[i], failed
    // ones included. Where they were seen now and then only, an estimate (sightings.hpp).
    std::vector<double> calls;
    // How many of them failed since there is nothing of a name in them.
    double in_vain = 0;
    // Standard error of total(), as a share of it; 0 where all calls were counted.
    double error = 0;
    // Variance of the calls between two moments that comes of seeing them by chance.
    double noise = 0;

    // Where it runs once in each transaction block of some kind, and is counted by these: those
    // that it was seen in (CallsByTransactions).
    std::vector<std::size_t> blocks;

    // The path of the contexts that its calls are known to have left (kept_counts.hpp), and the
    // used bytes that came in these up to each moment; empty where there are none.
    std::string left_in;
    std::vector<double> left_bytes;

    [[nodiscard]] double total() const { return calls.back(); }

    [[nodiscard]] bool estimated() const { return error > 0; }

    // Puts exact numbers in the place of estimates.
    void count_exactly(std::vector<double> exact) {
        calls = std::move(exact);
        error = 0;
        noise = 0;
    }
};

// Which statement each form belongs to, and these statements, not counted yet.
struct FoldedForms {
    std::vector<std::size_t> statement_of_form;
    std::vector<StatementColumn> statements;
};

[[nodiscard]] FoldedForms fold_forms(const std::vector<StatementForm>& forms);

// The columns of a backend, most frequent statement first.
struct StatementCounts {
    static constexpr std::size_t kNoColumn = std::numeric_limits<std::size_t>::max();

    std::vector<StatementColumn> columns;
    // Index into `columns` for every form; kNoColumn for those left out.
    std::vector<std::size_t> column_of_form;
};

// How a backend's statements were seen that nobody told of: by looking at it now and then.
struct SeenByLooks {
    // Of all that ran, where that is known (BackendHistory::seen_share).
    std::optional<double> share;
    // What a sighting stands for, by form; where there are none, it is found by the sightings of
    // this backend.
    std::span<const SightingWeight> weights;
};

// Counts the statements that ran at least four times (fewer cannot tie a growth to a statement),
// the 400 most frequent of them. `moments_ns` rises and is not empty. The numbers of those that
// were seen by chance are estimates (estimated_calls.hpp).
//
// Where each call left something that is `kept`, its exact number takes the place of what looks
// saw. One that is far below that does not: not every call left something. Three times as many are
// allowed for, since the messages by which a driver prepares and executes are seen as a statement
// each. What is kept and may be of several statements counts for none. Of plans that functions keep
// see count_callers().
[[nodiscard]] StatementCounts count_statements(const std::vector<StatementForm>& forms,
                                               const std::vector<ExecutionRecord>& executions,
                                               std::span<const std::int64_t> moments_ns,
                                               const std::optional<SeenByLooks>& looks = {},
                                               std::span<const KeptCount> kept = {});

}  // namespace palloscope
