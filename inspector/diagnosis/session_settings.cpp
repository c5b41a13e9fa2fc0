// session-state, outside of contexts: settings under ever new names, up to PostgreSQL 15, where
// they are kept in malloc'ed memory (guc.c, add_placeholder_variable); from 16 on, see
// session_state.cpp.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/common_evidence.hpp"
#include "inspector/diagnosis/common_remedies.hpp"
#include "inspector/diagnosis/explained_growth.hpp"
#include "inspector/diagnosis/setting_statement.hpp"

namespace palloscope {

namespace {

constexpr int kFirstWithContext = 160000;

bool covers(std::string_view path) {
    return path == kOutsideContexts;
}

std::optional<int> rank(std::string_view query) {
    return adds_setting(query) ? std::optional(0) : std::nullopt;
}

// Whether explanations find so many more settings that they are most of the growth. RssAnon comes
// in pages, which a small leak fills so slowly that any statement beside it may seem to go with it.
bool settings_are_the_growth(const Suspicion& suspicion) {
    const auto parts = grown_parts(suspicion.backend);
    return parts && static_cast<double>(bytes_of(*parts, GrownPart::Kind::kSetting)) >
                        suspicion.lasting_bytes / 2;
}

std::optional<Finding> explain(const Suspicion& suspicion) {
    if (suspicion.backend.server_version_num >= kFirstWithContext) {
        return std::nullopt;
    }
    std::vector<std::size_t> setting = ranked_groups(suspicion, rank);
    const bool accounts = bytes_of(suspicion, setting) >= suspicion.lasting_bytes / 2;
    const bool explained = settings_are_the_growth(suspicion);
    if (!accounts && !explained) {
        return std::nullopt;
    }
    if (!accounts) {
        setting.clear();
    }
    Finding finding{.title = "The session sets ever more settings of its own",
                    .confidence = usual_confidence(
                        suspicion, {.explained = explained, .telling_statements = accounts}),
                    .groups = setting,
                    .by_count = !accounts && suspicion.best_counted.has_value(),
                    .remedies = {remedy_for_settings(), kPoolsThatEndConnectionsByAge}};
    std::vector<std::string> own{
        "Up to PostgreSQL 15 settings lie in no memory context: RssAnon grows beyond all "
        "contexts."};
    if (finding.by_count) {
        own.push_back(stays_after_a_round(*suspicion.best_counted, suspicion.seconds));
        own.emplace_back(
            "Pages come too seldom to go with a statement: all are put down to the one that adds "
            "settings.");
    }
    finding.evidence = usual_evidence(suspicion, setting, std::move(own));
    return finding;
}

}  // namespace

CauseRule session_settings_rule() {
    return {.id = "session-state", .covers = covers, .rank = rank, .explain = explain};
}

}  // namespace palloscope
