// session-state, outside of contexts: settings under ever new names, up to PostgreSQL 15, where
// they are kept in malloc'ed memory (guc.c, add_placeholder_variable); from 16 on, see
// session_state.cpp.

#include <string_view>

#include "inspector/diagnosis/cause_rules.hpp"
#include "inspector/diagnosis/common_evidence.hpp"
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

std::optional<Finding> explain(const Suspicion& suspicion) {
    const std::vector<std::size_t> setting = ranked_groups(suspicion, rank);
    if (suspicion.backend.server_version_num >= kFirstWithContext ||
        bytes_of(suspicion, setting) < suspicion.lasting_bytes / 2) {
        return std::nullopt;
    }
    Finding finding{.title = "The session sets ever more settings of its own",
                    .confidence = usual_confidence(suspicion, {.telling_statements = true}),
                    .groups = setting,
                    .remedies = {remedy_for_settings()}};
    finding.evidence = usual_evidence(suspicion,
                                      setting,
                                      {"Up to PostgreSQL 15 settings lie in no memory context: "
                                       "RssAnon grows beyond all contexts, "
                                       "and it does so with these statements."});
    return finding;
}

}  // namespace

CauseRule session_settings_rule() {
    return {.id = "session-state", .covers = covers, .rank = rank, .explain = explain};
}

}  // namespace palloscope
