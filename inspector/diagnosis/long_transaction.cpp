// long-transaction: a transaction that stays open and gathers ever more to do at its end.
//
// Subtransactions that are not released (each has a CurTransactionContext, a resource owner in
// TopMemoryContext and its share of the locks: xact.c, resowner.c), the events of deferred triggers
// (trigger.c), notifications (async.c), invalidations (inval.c). The transaction's end gives all of
// it back.

#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/common_evidence.hpp"
#include "inspector/diagnosis/context_kind.hpp"
#include "inspector/diagnosis/query_word.hpp"
#include "inspector/diagnosis/readable.hpp"
#include "inspector/diagnosis/series_growth.hpp"

namespace palloscope {

namespace {

// Of the growth, the part that the transaction's own contexts must make up. Resource owners take
// seven times as much as the context of an empty subtransaction.
constexpr double kLeastShare = 0.05;
constexpr double kFewestSubtransactions = 8;

bool is_of_transaction(std::string_view path) {
    return context_family(path) == "TopTransactionContext";
}

bool covers(std::string_view path) {
    const std::string_view family = context_family(path);
    return is_of_transaction(path) || family == "TopMemoryContext" || family == "LOCALLOCK hash" ||
           family == "ResourceOwner";  // from 17 on
}

bool holds_trigger_events(std::string_view path) {
    return path.ends_with("/AfterTriggerEvents");
}

std::optional<int> rank(std::string_view query) {
    const std::string verb = next_word(query);
    return verb == "SAVEPOINT"                                        ? std::optional(0)
           : verb == "INSERT" || verb == "UPDATE" || verb == "DELETE" ? std::optional(1)
                                                                      : std::nullopt;
}

// What the transaction gathers.
struct Gathered {
    double bytes = 0;
    double subtransactions = 0;
    double trigger_events_bytes = 0;
};

// At the snapshots that are judged: a transaction that happens to be open at the last one of all is
// none that stays.
Gathered gathered_in(const std::vector<ContextGrowth>& contexts) {
    return {.bytes = series_growth(contexts, is_of_transaction).bytes,
            .subtransactions = series_growth(contexts, is_subtransaction).contexts,
            .trigger_events_bytes = series_growth(contexts, holds_trigger_events).bytes};
}

std::vector<std::string> sentences(const Suspicion& suspicion, const Gathered& gathered) {
    std::vector<std::string> sentences{
        fmt::format("The contexts of a transaction that stays open grew by {}.",
                    readable_bytes(gathered.bytes))};
    if (gathered.subtransactions >= kFewestSubtransactions) {
        sentences.push_back(fmt::format(
            "{} more subtransactions are open: savepoints that were not released, each with a "
            "context, a resource owner and locks of its own.",
            readable_count(gathered.subtransactions)));
    }
    if (gathered.trigger_events_bytes > 0) {
        sentences.push_back(
            fmt::format("Events of triggers that wait for the end of the transaction (deferred "
                        "constraints, or a statement that still runs) take {} more.",
                        readable_bytes(gathered.trigger_events_bytes)));
    }
    if (suspicion.backend.process.state) {
        sentences.push_back(fmt::format("The backend's state at the last snapshot was \"{}\".",
                                        *suspicion.backend.process.state));
    }
    return sentences;
}

std::vector<std::string> remedies(const Gathered& gathered) {
    std::vector<std::string> remedies{
        "Commit every few hundred or thousand items: what a transaction gathers goes with it."};
    if (gathered.subtransactions >= kFewestSubtransactions) {
        remedies.emplace_back(
            "RELEASE SAVEPOINT after each item: one of the same name does not replace the one "
            "before. pgjdbc does so with cleanupSavepoints=true, and sets none with "
            "autosave=never; in ActiveRecord, transaction(requires_new: true) releases its own at "
            "its end.");
    }
    if (gathered.trigger_events_bytes > 0) {
        remedies.emplace_back(
            "SET CONSTRAINTS ALL IMMEDIATE now and then runs the checks that are due and frees "
            "their events; or make the constraint NOT DEFERRABLE, or add it after the import.");
    }
    remedies.emplace_back(
        "idle_in_transaction_session_timeout (9.6 and later) ends sessions that wait in a "
        "transaction, transaction_timeout (17 and later) transactions that last too long; "
        "pgbouncer's idle_transaction_timeout disconnects a client that waits in one.");
    return remedies;
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    const Gathered gathered = gathered_in(suspicion.contexts);
    const bool gathers =
        gathered.bytes > suspicion.bytes / 2 || gathered.subtransactions >= kFewestSubtransactions;
    if (!gathers || gathered.bytes < kLeastShare * suspicion.bytes) {
        return std::nullopt;
    }
    Finding finding{
        .title = "A transaction stays open and gathers ever more",
        .confidence = usual_confidence(
            suspicion,
            // What a transaction's own contexts hold is what the cause is about.
            {.explained = true, .telling_statements = !ranked_groups(suspicion, rank).empty()}),
        .groups = all_groups(suspicion),
        .remedies = remedies(gathered)};
    finding.whole = true;
    finding.evidence = usual_evidence(suspicion, finding.groups, sentences(suspicion, gathered));
    return finding;
}

}  // namespace

CauseRule long_transaction_rule() {
    return {.id = "long-transaction",
            .covers = covers,
            .rank = rank,
            .explain = explain,
            .may_settle = false};
}

}  // namespace palloscope
