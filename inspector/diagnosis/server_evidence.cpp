#include "inspector/diagnosis/server_evidence.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inspector/diagnosis/readable.hpp"

namespace palloscope {

namespace {

// Settings that bound a cause's memory, or that its remedies change.
struct TellingSettings {
    std::string_view cause_id;
    std::array<std::string_view, 4> names;
};

constexpr std::array<TellingSettings, 11> kTellingSettings{{
    {"catalog-churn", {"idle_session_timeout"}},
    {"catalog-breadth", {"idle_session_timeout"}},
    {"negative-catcache", {"idle_session_timeout"}},
    {"prepared-statements", {"plan_cache_mode", "idle_session_timeout"}},
    {"plan-cache", {"plan_cache_mode", "idle_session_timeout"}},
    {"long-transaction", {"idle_in_transaction_session_timeout", "transaction_timeout"}},
    {"open-cursors", {"work_mem", "idle_in_transaction_session_timeout"}},
    {"session-state", {"max_locks_per_transaction", "max_connections", "temp_buffers"}},
    {"outside-contexts", {"jit", "jit_above_cost", "jit_inline_above_cost"}},
    {"shared-memory-touch", {"shared_buffers"}},
    {"query-workspace", {"work_mem", "hash_mem_multiplier", "maintenance_work_mem"}},
}};

constexpr std::array<std::string_view, 3> kCausesInCatalogs{
    "catalog-churn", "catalog-breadth", "negative-catcache"};

class ServerWords {
  public:
    explicit ServerWords(const BackendHistory& backend)
        : facts_(backend.server_facts), process_(backend.process) {}

    // Where a server in another PID namespace was asked, the PID may be that of a session of its
    // own.
    [[nodiscard]] bool are_of_the_backend() const {
        return value(kSessionFact, "database") == process_.database &&
               value(kSessionFact, "user") == process_.user;
    }

    [[nodiscard]] std::vector<std::string> of_session() const {
        const auto start = value(kSessionFact, "backend_start");
        if (!start) {
            return {};
        }
        const auto client = value(kSessionFact, "client");
        const auto transaction = value(kSessionFact, "xact_start");
        return {fmt::format(
            "pg_stat_activity: the session began at {} UTC{}{}.",
            *start,
            client ? fmt::format(", its client is {}", *client) : "",
            transaction ? fmt::format(", its transaction at {} UTC", *transaction) : "")};
    }

    [[nodiscard]] std::vector<std::string> of_settings(
        std::span<const std::string_view> names) const {
        std::vector<std::string> settings;
        for (const std::string_view name : names) {
            if (const auto setting = value(kSettingFact, name)) {
                settings.push_back(fmt::format("{} = {}", name, *setting));
            }
        }
        if (settings.empty()) {
            return {};
        }
        return {
            fmt::format("pg_settings, as a new session has them: {}.", fmt::join(settings, ", "))};
    }

    // Whether VACUUM would have much to do there: it is what people try first.
    [[nodiscard]] std::vector<std::string> of_catalogs() const {
        if (!process_.database || value(kDeadRowsFact, kCatalogsOfDatabase) != process_.database) {
            return {};
        }
        std::vector<std::pair<std::int64_t, std::string_view>> dead;
        for (const ServerFact& fact : facts_) {
            std::int64_t rows = 0;
            const char* const end = fact.value.data() + fact.value.size();
            if (fact.kind == kDeadRowsFact && fact.name != kCatalogsOfDatabase &&
                std::from_chars(fact.value.data(), end, rows).ptr == end) {
                dead.emplace_back(rows, fact.name);
            }
        }
        if (dead.empty()) {
            return {"pg_stat_all_tables: the catalogs hold no dead rows that VACUUM could free."};
        }
        std::ranges::sort(dead, std::ranges::greater());
        std::vector<std::string> tables;
        tables.reserve(dead.size());
        for (const auto& [rows, table] : dead) {
            tables.push_back(
                fmt::format("{} {}", readable_count(static_cast<double>(rows)), table));
        }
        return {
            fmt::format("pg_stat_all_tables: dead rows in the catalogs are {}. They take up "
                        "tables, not this memory{}.",
                        fmt::join(tables, ", "),
                        value(kSettingFact, "autovacuum") == "off"
                            ? ", and as autovacuum = off, they stay until VACUUM is run by hand"
                            : "")};
    }

  private:
    [[nodiscard]] std::optional<std::string> value(std::string_view kind,
                                                   std::string_view name) const {
        const auto fact = std::ranges::find_if(facts_, [&](const ServerFact& candidate) {
            return candidate.kind == kind && candidate.name == name;
        });
        return fact == facts_.end() ? std::nullopt : std::optional(fact->value);
    }

    const std::vector<ServerFact>& facts_;
    const ProcessInfo& process_;
};

}  // namespace

std::vector<std::string> server_evidence(std::string_view cause_id, const BackendHistory& backend) {
    const ServerWords words(backend);
    if (backend.server_facts.empty() || !words.are_of_the_backend()) {
        return {};
    }
    std::vector<std::string> sentences;
    const auto add = [&](std::vector<std::string> more) {
        std::ranges::move(more, std::back_inserter(sentences));
    };
    if (std::ranges::find(kCausesInCatalogs, cause_id) != kCausesInCatalogs.end()) {
        add(words.of_catalogs());
    }
    const auto* const telling =
        std::ranges::find(kTellingSettings, cause_id, &TellingSettings::cause_id);
    if (telling != kTellingSettings.end()) {
        add(words.of_settings(telling->names));
    }
    add(words.of_session());
    return sentences;
}

}  // namespace palloscope
