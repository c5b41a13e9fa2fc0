#include "inspector/diagnosis/cause_statements.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace palloscope {

namespace {

// Give-backs below this share of what is taken are noise.
constexpr double kGiveBackShare = 0.1;

AttributedStatement plain(const SuspectedStatement& member) {
    AttributedStatement statement{.fingerprint = member.statement->fingerprint,
                                  .query = member.statement->query,
                                  .forms = member.statement->forms,
                                  .calls_in_a_round = member.calls_in_a_round};
    if (member.own) {
        statement.own_bytes_per_call = member.own->bytes_per_call.value;
    }
    return statement;
}

bool stand_for_themselves(const SuspectedGroup& group) {
    double taken = 0;
    double given_back = 0;
    for (const SuspectedStatement& member : group.statements) {
        if (!member.own) {
            return false;
        }
        const double bytes = member.own->bytes_per_call.value * member.calls_in_a_round;
        (bytes > 0 ? taken : given_back) += std::abs(bytes);
    }
    return given_back <= kGiveBackShare * taken;
}

bool takes(const SuspectedStatement& member) {
    return member.own->bytes_per_call.low > 0;
}

// How much goes with the rounds, as a multiple of what the members that take something took by
// themselves. A table that makes room for many entries at once does so in the step of whoever comes
// then.
double whole_of_own(const SuspectedGroup& group) {
    double own = 0;
    for (const SuspectedStatement& member : group.statements) {
        own += takes(member) ? member.own->bytes_per_call.value * member.calls_in_a_round : 0.0;
    }
    return own > 0 ? group.bytes_per_round.value / own : 1.0;
}

std::vector<AttributedStatement> single_statements(const SuspectedGroup& group) {
    const double whole = whole_of_own(group);
    std::vector<AttributedStatement> statements;
    for (const SuspectedStatement& member : group.statements) {
        if (takes(member)) {
            AttributedStatement statement = plain(member);
            statement.calls = std::llround(member.statement->total());
            statement.bytes_per_call = member.own->bytes_per_call;
            statement.bytes_per_call.low *= std::min(whole, 1.0);
            statement.bytes_per_call.high *= std::max(whole, 1.0);
            statement.calls_in_a_round = 1;
            statements.push_back(statement);
        }
    }
    return statements;
}

// What each round of `group` leaves if all that came after the warm-up is its.
double all_to_each_round(const SuspectedGroup& group, const Suspicion& suspicion) {
    const double part = 1 - group.bytes_so_far[suspicion.trend.start] / group.bytes_so_far.back();
    return suspicion.bytes_since_warm_up / (part * group.rounds);
}

// What each round of `group` leaves if all the growth is its, where a part went to time or to
// others. Of statements at an even pace that were seen by chance, time, or what runs as evenly, is
// the number without the chance in it, and so fits the better.
std::optional<Estimate> with_what_went_to_others(const SuspectedGroup& group,
                                                 const Suspicion& suspicion) {
    const std::optional<SuspectedGroup>& counted = suspicion.best_counted;
    const bool went_to_others =
        suspicion.groups.size() > 1 || suspicion.untied_bytes_per_second.has_value();
    if (!went_to_others || !counted) {
        return std::nullopt;
    }
    const StatementColumn* const best = counted->statements.front().statement;
    const bool is_of_group =
        std::ranges::find(group.statements, best, &SuspectedStatement::statement) !=
        group.statements.end();
    if (!is_of_group || !best->estimated()) {
        return std::nullopt;
    }
    return counted->bytes_per_round * (counted->rounds / group.rounds);
}

}  // namespace

std::vector<AttributedStatement> cause_statements(const SuspectedGroup& group,
                                                  const std::string& label) {
    if (group.statements.size() > 1 && stand_for_themselves(group)) {
        std::vector<AttributedStatement> statements = single_statements(group);
        if (!statements.empty()) {
            return statements;
        }
    }
    std::vector<AttributedStatement> statements;
    for (const SuspectedStatement& member : group.statements) {
        AttributedStatement statement = plain(member);
        statement.calls = std::llround(group.rounds);
        statement.bytes_per_call = group.bytes_per_round;
        if (group.statements.size() > 1) {
            statement.group = label;
        }
        statements.push_back(statement);
    }
    return statements;
}

bool give_all_to_one(const Finding& finding, Suspicion& suspicion) {
    if (!finding.whole || finding.by_count || finding.groups.size() != 1) {
        return false;
    }
    SuspectedGroup& group = suspicion.groups[finding.groups.front()];
    Estimate& estimate = group.bytes_per_round;
    const double all = all_to_each_round(group, suspicion);
    const bool stepped = std::ranges::any_of(
        group.statements, [](const SuspectedStatement& member) { return member.own.has_value(); });
    if (stepped) {
        return false;
    }
    if (all > estimate.low && all < estimate.high) {
        estimate.value = all;
        return true;
    }
    const auto with_others = with_what_went_to_others(group, suspicion);
    if (!with_others) {
        return false;
    }
    estimate = *with_others;
    suspicion.untied_bytes_per_second.reset();
    return true;
}

double attributed_bytes(const std::vector<AttributedStatement>& statements) {
    std::set<std::string> seen;
    double sum = 0;
    for (const AttributedStatement& statement : statements) {
        if (!statement.group || seen.insert(*statement.group).second) {
            sum += static_cast<double>(statement.calls) * statement.bytes_per_call.value;
        }
    }
    return sum;
}

}  // namespace palloscope
