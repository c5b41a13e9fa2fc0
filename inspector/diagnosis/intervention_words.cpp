#include "inspector/diagnosis/intervention_words.hpp"

#include <array>

namespace palloscope {

namespace {

struct Words {
    std::string_view intervention;
    Effect effect;
    std::string_view sentence;
};

constexpr std::string_view kBelongsToSession =
    "The memory belongs to the session: it goes when the session ends. Let the application or its "
    "pool replace connections after a bounded time or number of requests, also while they are "
    "busy.";
constexpr std::string_view kOnlyUnused =
    "PgBouncer closes a server connection by server_lifetime and server_idle_timeout only while no "
    "client is linked to it; in session mode a client that stays connected keeps its own, so they "
    "never apply.";
constexpr std::string_view kTransactionMode =
    "In transaction mode PgBouncer can close a server connection between two transactions, so "
    "server_lifetime bounds what a backend gathers. It asks that the application uses no state of "
    "a session (SET, LISTEN, temporary tables, advisory locks; named statements unless "
    "max_prepared_statements of PgBouncer 1.21 or later is above 0).";

constexpr std::array kWords{
    Words{"vacuum",
          Effect::kNone,
          "VACUUM changes nothing: what grows is the backend's own memory, not dead rows in "
          "tables."},
    Words{"vacuum",
          Effect::kStops,
          "VACUUM stops it: the catalogs' dead rows are what the backend pays for. Look at "
          "autovacuum's settings and at what makes the dead rows."},
    Words{"discard-all",
          Effect::kNone,
          "DISCARD ALL changes nothing: it drops plans, prepared statements, temporary tables and "
          "settings, but keeps the catalog and relation caches."},
    Words{"discard-all",
          Effect::kStops,
          "DISCARD ALL stops it: the memory is state that the application leaves in the session. A "
          "pool can issue it when a connection comes back."},
    Words{"discard-plans", Effect::kStops, "DISCARD PLANS stops it: the memory is cached plans."},
    Words{"deallocate-all",
          Effect::kStops,
          "DEALLOCATE ALL stops it: the memory is prepared statements that the application never "
          "closes. Bound its cache of statements, or close what it prepares."},
    Words{"reconnect", Effect::kStops, kBelongsToSession},
    Words{"reconnect", Effect::kSlows, kBelongsToSession},
    Words{"pgbouncer-session-lifetime", Effect::kNone, kOnlyUnused},
    Words{"pgbouncer-session-idle", Effect::kNone, kOnlyUnused},
    Words{"pgbouncer-transaction", Effect::kStops, kTransactionMode},
    Words{"pgbouncer-transaction", Effect::kSlows, kTransactionMode},
    Words{"custom-plans",
          Effect::kStops,
          "plan_cache_mode = force_custom_plan stops it: the memory is generic plans that are "
          "kept."},
    Words{"jit-off",
          Effect::kStops,
          "jit = off stops it: the memory is code that was compiled for queries and not given "
          "back."},
};

}  // namespace

std::string_view intervention_words(std::string_view intervention, Effect effect) {
    for (const Words& words : kWords) {
        if (words.intervention == intervention && words.effect == effect) {
            return words.sentence;
        }
    }
    return {};
}

}  // namespace palloscope
