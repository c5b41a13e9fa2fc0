#include "tests/bench/round_bytes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>

namespace palloscope::test {

namespace {

using Json = nlohmann::json;

// Of the normal distribution, half the width of an interval of 95 %.
constexpr double kDeviations = 1.96;
// Nothing is known better than to the byte.
constexpr double kLeastError = 0.5;

double squared(double value) {
    return value * value;
}

const Json* find_statement(const Json& cause, const Json& query) {
    for (const Json& statement : cause["statements"]) {
        if (statement["query"] == query) {
            return &statement;
        }
    }
    return nullptr;
}

// A statement that a backend's report names, and its cause.
struct NamedAgain {
    const Json& cause;
    const Json& statement;
};

// Where the backends name the query of `statement` under the cause of this id.
std::vector<NamedAgain> named_again(const Json& backends,
                                    const Json& cause_id,
                                    const Json& statement) {
    std::vector<NamedAgain> found;
    for (const Json& backend : backends) {
        const Json* const cause = find_cause(backend, cause_id);
        const Json* const same =
            cause == nullptr ? nullptr : find_statement(*cause, statement["query"]);
        if (same != nullptr) {
            found.push_back({.cause = *cause, .statement = *same});
        }
    }
    return found;
}

// The statements of `cause` that are counted together with this one, itself among them.
std::set<std::string> members_of(const Json& cause, const Json& statement) {
    std::set<std::string> members{statement["query"].get<std::string>()};
    for (const Json& other : cause["statements"]) {
        if (!statement["group"].is_null() && other["group"] == statement["group"]) {
            members.insert(other["query"].get<std::string>());
        }
    }
    return members;
}

// Of a round of dozens, a few are counted apart in one backend and not in another.
bool are_mostly_the_same(const std::set<std::string>& a, const std::set<std::string>& b) {
    const auto shared =
        std::ranges::count_if(a, [&](const std::string& query) { return b.contains(query); });
    return 3 * shared > std::ssize(a) + std::ssize(b);
}

bool has_figure(const Json& statement) {
    return statement["calls"].get<double>() > 0;
}

void add(RoundBytes& sum, const Json& statement, double times) {
    sum.value += times * statement["bytes_per_call"].get<double>();
    sum.low += times * statement["low"].get<double>();
    sum.high += times * statement["high"].get<double>();
}

// The same round by stepping, which knows most statements by themselves: those of it that run least
// run once.
RoundBytes stepped_round(const Json& cause, const std::set<std::string>& members) {
    std::vector<const Json*> parts;
    std::set<std::string> groups;
    double rounds = std::numeric_limits<double>::max();
    for (const std::string& query : members) {
        const Json* const stepped = find_statement(cause, query);
        if (stepped == nullptr) {
            continue;
        }
        const Json& group = (*stepped)["group"];
        if (group.is_null() || groups.insert(group.get<std::string>()).second) {
            parts.push_back(stepped);
            rounds = std::min(rounds, (*stepped)["calls"].get<double>());
        }
    }
    RoundBytes sum;
    for (const Json* const part : parts) {
        add(sum, *part, (*part)["calls"].get<double>() / rounds);
    }
    return sum;
}

// The round of `statement`, one of `members`, by stepping, of each backend that has it. What a
// statement leaves by itself is not what it leaves with others: where it is known by itself of any
// backend, of those only.
std::vector<RoundBytes> stepped_rounds(const Json& stepped,
                                       const Json& cause_id,
                                       const Json& statement,
                                       const std::set<std::string>& members) {
    std::vector<RoundBytes> alone;
    std::vector<RoundBytes> all;
    for (const NamedAgain& same : named_again(stepped, cause_id, statement)) {
        all.push_back(stepped_round(same.cause, members));
        if (members.size() == 1 && same.statement["group"].is_null()) {
            alone.push_back(all.back());
        }
    }
    return alone.empty() ? all : alone;
}

}  // namespace

RoundBytes mean_of(const std::vector<RoundBytes>& rounds) {
    // `between` is what backends vary by among each other, a variance.
    double between = 0;
    double all_weights = 0;
    double mean = 0;
    const auto weight_of = [&](const RoundBytes& round) {
        const double error = std::max(kLeastError, (round.high - round.low) / 2 / kDeviations);
        return 1 / (squared(error) + between);
    };
    const auto weigh = [&] {
        all_weights = 0;
        double sum = 0;
        for (const RoundBytes& round : rounds) {
            all_weights += weight_of(round);
            sum += weight_of(round) * round.value;
        }
        mean = sum / all_weights;
    };
    weigh();
    double deviations = 0;
    double squared_weights = 0;
    for (const RoundBytes& round : rounds) {
        deviations += weight_of(round) * squared(round.value - mean);
        squared_weights += squared(weight_of(round));
    }
    if (rounds.size() > 1) {
        between = std::max(0.0,
                           (deviations - static_cast<double>(rounds.size() - 1)) /
                               (all_weights - squared_weights / all_weights));
        weigh();
    }
    const double half = kDeviations / std::sqrt(all_weights);
    return {.value = mean, .low = mean - half, .high = mean + half};
}

const Json* find_cause(const Json& backend, const Json& id) {
    for (const Json& cause : backend["causes"]) {
        if (cause["id"] == id) {
            return &cause;
        }
    }
    return nullptr;
}

std::optional<ComparedRounds> compare_rounds(const Json& cause,
                                             const Json& found,
                                             const Json& stepped) {
    for (const Json& statement : cause["statements"]) {
        const std::set<std::string> members = members_of(cause, statement);
        const std::vector<RoundBytes> truths =
            stepped_rounds(stepped, cause["id"], statement, members);
        if (truths.empty() || !has_figure(statement)) {
            continue;
        }
        std::vector<RoundBytes> figures;
        for (const NamedAgain& same : named_again(found, cause["id"], statement)) {
            if (has_figure(same.statement) &&
                are_mostly_the_same(members_of(same.cause, same.statement), members)) {
                add(figures.emplace_back(), same.statement, 1);
            }
        }
        return ComparedRounds{
            .query = statement["query"], .found = mean_of(figures), .stepped = mean_of(truths)};
    }
    return std::nullopt;
}

}  // namespace palloscope::test
