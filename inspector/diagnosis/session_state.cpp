// session-state: what a session gathers by commands that hold until it ends: locks of the session,
// channels that it listens to, settings under ever new names, the last values of sequences.
//
// Locks lie in a hash table of their own with their owners in TopMemoryContext (lock.c, LOCALLOCK),
// channels in TopMemoryContext (async.c), settings in GUCMemoryContext from 16 on (guc.c; before,
// see session_settings.cpp).

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/common_evidence.hpp"
#include "inspector/diagnosis/common_remedies.hpp"
#include "inspector/diagnosis/context_kind.hpp"
#include "inspector/diagnosis/explained_growth.hpp"
#include "inspector/diagnosis/query_word.hpp"
#include "inspector/diagnosis/readable.hpp"
#include "inspector/diagnosis/series_growth.hpp"
#include "inspector/diagnosis/setting_statement.hpp"

namespace palloscope {

namespace {

constexpr std::array<std::string_view, 6> kKinds{
    "TopMemoryContext",       // async.c, lock.c
    "LOCALLOCK hash",         // lock.c
    "Local Listen Channels",  // async.c, from 19 on
    "GUCMemoryContext",       // guc.c, from 16 on
    "GUC hash table",         // guc.c, from 16 on
    "Sequence values",        // sequence.c
};

bool covers(std::string_view path) {
    return std::ranges::find(kKinds, context_kind(path)) != kKinds.end();
}

bool holds_locks(std::string_view path) {
    return context_kind(path) == kLocalLockTable;
}

bool listens(std::string_view query) {
    return next_word(query) == "LISTEN";
}

// Of the session, not of the transaction.
bool takes_lock(std::string_view query) {
    return mentions(query, "PG_ADVISORY_LOCK") || mentions(query, "PG_TRY_ADVISORY_LOCK");
}

std::optional<int> rank(std::string_view query) {
    return listens(query) || takes_lock(query) || adds_setting(query) ? std::optional(0)
           : mentions(query, "NEXTVAL")                               ? std::optional(1)
                                                                      : std::nullopt;
}

bool any_statement(const Suspicion& suspicion,
                   const std::vector<std::size_t>& groups,
                   bool (*accepts)(std::string_view query)) {
    return std::ranges::any_of(groups, [&](std::size_t index) {
        return std::ranges::any_of(
            suspicion.groups[index].statements,
            [&](const SuspectedStatement& member) { return accepts(member.statement->query); });
    });
}

// What the session gathers.
struct Gathered {
    bool locks = false;
    bool channels = false;
    bool settings = false;

    [[nodiscard]] bool any() const { return locks || channels || settings; }

    [[nodiscard]] bool is_by(std::string_view query) const {
        return (locks && takes_lock(query)) || (channels && listens(query)) ||
               (settings && adds_setting(query));
    }
};

std::vector<std::string> remedies(const Gathered& gathered) {
    std::vector<std::string> remedies;
    if (gathered.locks) {
        remedies.emplace_back(
            "pg_advisory_unlock() each lock, or pg_advisory_unlock_all() all of them; "
            "pg_advisory_xact_lock() takes one that ends with its transaction. They also fill the "
            "server's shared table, whose size max_locks_per_transaction sets.");
    }
    if (gathered.channels) {
        remedies.emplace_back(
            "UNLISTEN each channel that is not needed any more (UNLISTEN * all of them), or listen "
            "to one channel and tell the rest apart by the payload of NOTIFY.");
    }
    if (gathered.settings) {
        remedies.push_back(remedy_for_settings());
        remedies.emplace_back(kPoolsThatEndConnectionsByAge);
    }
    remedies.emplace_back(
        "DISCARD ALL, when a connection goes back to its pool, unlistens and unlocks all: "
        "pgbouncer's server_reset_query, in session pooling. Memory that is free again in "
        "TopMemoryContext is used again.");
    return remedies;
}

// What is known to have grown, whatever statements the growth was put down to.
struct KnownGrowth {
    double lock_bytes = 0;
    // By explanations, which cover a part of the recording only, and count no cells of lists.
    double channel_bytes = 0;
    double setting_bytes = 0;

    // What makes up enough of `bytes` to be its cause.
    [[nodiscard]] Gathered enough_of(double bytes) const {
        // The table of locks takes a third of what locks take, the rest is in TopMemoryContext.
        return {.locks = lock_bytes > bytes / 10,
                .channels = channel_bytes > bytes / 4,
                .settings = setting_bytes > bytes / 4};
    }

    // Whether nothing of weight is left beside it.
    [[nodiscard]] bool is_all_of(double bytes) const {
        return channel_bytes + setting_bytes > bytes / 2;
    }
};

KnownGrowth known_growth(const BackendHistory& backend) {
    const auto parts = grown_parts(backend).value_or(std::vector<GrownPart>{});
    return {.lock_bytes = series_growth(backend, holds_locks).bytes,
            .channel_bytes = static_cast<double>(bytes_of(parts, GrownPart::Kind::kChannel)),
            .setting_bytes = static_cast<double>(bytes_of(parts, GrownPart::Kind::kSetting))};
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    const std::vector<std::size_t> telling = ranked_groups(suspicion, rank);
    const KnownGrowth growth = known_growth(suspicion.backend);
    const Gathered known = growth.enough_of(suspicion.bytes);
    if (!known.any() && bytes_of(suspicion, telling) < suspicion.lasting_bytes / 2) {
        return std::nullopt;
    }
    const Gathered gathered{
        .locks = known.locks || any_statement(suspicion, telling, takes_lock),
        .channels = known.channels || any_statement(suspicion, telling, listens),
        .settings = known.settings || any_statement(suspicion, telling, adds_setting)};
    // Beside it another one may run as evenly as the growth goes.
    const bool by_count = telling.empty() && suspicion.best_counted &&
                          known.is_by(suspicion.best_counted->statements.front().statement->query);
    Finding finding{
        .title = gathered.locks      ? "The session takes ever more locks and keeps them"
                 : gathered.channels ? "The session listens to ever more channels"
                                     : "The session gathers settings or other state of its own",
        .confidence = usual_confidence(
            suspicion, {.explained = known.any(), .telling_statements = !telling.empty()}),
        .groups = telling.empty() && !by_count ? all_groups(suspicion) : telling,
        .by_count = by_count,
        .remedies = remedies(gathered)};
    std::vector<std::string> own;
    if (by_count) {
        own.push_back(stays_after_a_round(*suspicion.best_counted, suspicion.seconds));
        own.emplace_back(
            "What grew is known to be what this statement gathers; by the times at which it was "
            "seen alone, it could not be told from others.");
    }
    if (known.locks) {
        own.push_back(fmt::format("The table of the locks that the session holds grew by {}.",
                                  readable_bytes(growth.lock_bytes)));
    }
    finding.whole = telling.size() == suspicion.groups.size() || growth.is_all_of(suspicion.bytes);
    finding.evidence = usual_evidence(suspicion, finding.groups, std::move(own));
    return finding;
}

}  // namespace

CauseRule session_state_rule() {
    return {.id = "session-state", .covers = covers, .rank = rank, .explain = explain};
}

}  // namespace palloscope
