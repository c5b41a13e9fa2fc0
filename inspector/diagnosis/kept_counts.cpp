#include "inspector/diagnosis/kept_counts.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "inspector/diagnosis/context_kind.hpp"
#include "inspector/diagnosis/prepared_counts.hpp"
#include "inspector/diagnosis/query_word.hpp"

namespace palloscope {

namespace {

constexpr std::string_view kParameters = "$0123456789, ";
constexpr std::size_t kMostCounts = 1000;
// What is given up again, as a share of what came, that does not speak against it.
constexpr double kMostGivenUp = 0.05;

// "$3, ..." and what follows.
bool begins_with_folded_list(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of("$0123456789"), text.size()));
    return text.starts_with(", ...");
}

// Whether `begin` is how `text` begins. A list of parameters that it was cut in is folded in the
// whole text, where it has more than one.
bool is_begin_of(std::string_view begin, std::string_view text) {
    constexpr std::size_t kShortest = 24;
    const std::size_t before_list = begin.find_last_not_of(kParameters) + 1;
    if (before_list < kShortest || !text.starts_with(begin.substr(0, before_list))) {
        return false;
    }
    const bool in_list = begin.substr(before_list).find(',') != std::string_view::npos;
    return !in_list || begins_with_folded_list(text.substr(before_list));
}

// Whether a statement names a function of this signature, which has its schema where that is not on
// the search_path, and whose name is a generated one.
bool names(std::string_view statement, std::string_view signature) {
    std::string_view name = signature.substr(0, signature.find('('));
    name.remove_prefix(name.rfind('.') + 1);
    const std::size_t at = statement.find(name);
    return name.find('*') != std::string_view::npos && at != std::string_view::npos && at > 0 &&
           (statement[at - 1] == ' ' || statement[at - 1] == '.') &&
           statement.substr(at + name.size()).starts_with('(');
}

std::string first_word(std::string_view statement) {
    return next_word(statement);
}

bool is_function(const KeptCount& kept) {
    return kept.path.ends_with("/PL/pgSQL function");
}

bool declares(std::string_view statement, std::string_view portal) {
    constexpr std::string_view kDeclare = "DECLARE ";
    return statement.starts_with(kDeclare) &&
           statement.substr(kDeclare.size()).starts_with(portal) &&
           statement.substr(kDeclare.size() + portal.size()).starts_with(' ');
}

// How far a number of things that come and stay has risen since it was told first.
class Risen {
  public:
    // Never falls.
    double to(double number) {
        first_ = first_.value_or(number);
        const double more = number - *first_;
        most_ = std::max(most_, more);
        given_up_ = std::max(given_up_, most_ - more);
        return most_;
    }

    // Whether not too many were given up.
    [[nodiscard]] bool stayed() const { return given_up_ <= kMostGivenUp * most_; }

  private:
    std::optional<double> first_;
    double most_ = 0;
    double given_up_ = 0;
};

// None where too many are given up.
std::optional<KeptCount> count_of(const KeptByStatements& kept, const SnapshotChoice& choice) {
    KeptCount count{.path = kept.path, .family = kept.family};
    auto change = kept.changes.begin();
    Risen risen;
    double number = 0;
    double bytes = 0;
    double first_bytes = 0;
    for (const std::size_t snapshot : choice.indices) {
        for (; change != kept.changes.end() && change->snapshot <= snapshot; ++change) {
            number += change->by;
            bytes += static_cast<double>(change->used_bytes);
        }
        first_bytes = count.bytes.empty() ? bytes : first_bytes;
        count.more.push_back(risen.to(number));
        count.bytes.push_back(bytes - first_bytes);
    }
    return risen.stayed() ? std::optional(std::move(count)) : std::nullopt;
}

// Of things each of which has a context of its own, without a name. What they take elsewhere is not
// known by it. None where there are none.
std::optional<KeptCount> nameless(const BackendHistory& backend,
                                  const SnapshotChoice& choice,
                                  bool (*is_of_one)(std::string_view path)) {
    std::vector<const ContextSeries*> contexts;
    for (const ContextSeries& series : backend.contexts) {
        if (is_of_one(series.path)) {
            contexts.push_back(&series);
        }
    }
    if (contexts.empty()) {
        return std::nullopt;
    }
    KeptCount count{.path = contexts.front()->path};
    Risen risen;
    for (const std::size_t snapshot : choice.indices) {
        double number = 0;
        for (const ContextSeries* series : contexts) {
            number += series->count[snapshot];
        }
        count.more.push_back(risen.to(number));
    }
    return risen.stayed() ? std::optional(std::move(count)) : std::nullopt;
}

}  // namespace

std::vector<KeptCount> kept_counts(const BackendHistory& backend, const SnapshotChoice& choice) {
    std::vector<KeptCount> counts;
    const auto add = [&](std::optional<KeptCount> count) {
        if (count && count->more.back() > 0) {
            counts.push_back(*std::move(count));
        }
    };
    if (backend.server_version_num < kFirstVersionWithIdents) {
        counts = prepared_counts(backend, choice);
        add(nameless(backend, choice, is_held_cursor));
    }
    add(nameless(backend, choice, is_subtransaction));
    for (const KeptByStatements& kept : backend.kept) {
        add(count_of(kept, choice));
    }
    std::ranges::stable_sort(
        counts, std::ranges::greater(), [](const KeptCount& count) { return count.more.back(); });
    counts.resize(std::min(counts.size(), kMostCounts));
    return counts;
}

bool must_have_left(std::string_view family, const KeptCount& kept) {
    return is_function(kept) && names(family, kept.family) && first_word(family) == "CREATE";
}

bool can_have_left(std::string_view family, const KeptCount& kept) {
    if (is_function(kept)) {
        return names(family, kept.family) && first_word(family) != "DROP";
    }
    if (kept.path.ends_with("/PortalContext")) {
        return declares(family, kept.family);
    }
    if (is_subtransaction(kept.path)) {
        return first_word(family) == "SAVEPOINT";
    }
    if (is_held_cursor(kept.path)) {
        return first_word(family) == "DECLARE" && mentions(family, "WITH HOLD");
    }
    std::string_view begin = kept.family;
    if (!begin.ends_with(KeptByStatements::kCut)) {
        return family == begin;
    }
    begin.remove_suffix(KeptByStatements::kCut.size());
    return is_begin_of(begin, family);
}

}  // namespace palloscope
