#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/diagnosis/snapshot_choice.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// How many contexts statements of one text, or of one name, have left, and what these take:
// KeptByStatements at the chosen snapshots; and how many subtransactions, and up to PostgreSQL 10,
// where contexts have no such names, cursors that are held.
struct KeptCount {
    std::string path;
    std::string family;
    // More than at the first moment; never falls.
    std::vector<double> more;
    // Used bytes more than at the first moment, in them and below them; empty where that is not
    // known: of subtransactions and held cursors, and in old recordings of prepared_counts().
    std::vector<double> bytes;
    // Index of the last moment to which that is known, where the rest is an estimate.
    std::optional<std::size_t> known_to = std::nullopt;
};

// Those of the backend that came and stayed, the 1,000 of which most came. What is given up again
// tells how many are left, and not how often the statement ran.
[[nodiscard]] std::vector<KeptCount> kept_counts(const BackendHistory& backend,
                                                 const SnapshotChoice& choice);

// Whether a statement of this family can have left them: a plan that is kept of what was prepared,
// by its text, which may be cut; a portal of what was declared, by its name, or WITH HOLD; a
// function under ever new names that it calls or creates; a subtransaction of any savepoint.
[[nodiscard]] bool can_have_left(std::string_view family, const KeptCount& kept);

// Whether a statement of this family has left them wherever it ran, before any other could: what
// creates a function has PL/pgSQL's validator compile it (pl_handler.c; unless
// check_function_bodies is off), and who calls it in the same session finds it compiled.
[[nodiscard]] bool must_have_left(std::string_view family, const KeptCount& kept);

}  // namespace palloscope
