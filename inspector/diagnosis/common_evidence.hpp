#pragma once

#include <string>
#include <vector>

#include "inspector/diagnosis/catalog_growth.hpp"
#include "inspector/diagnosis/cause_rule.hpp"

namespace palloscope {

// Sentences of evidence that serve every rule.

// What a round of the group is called: "transaction" where it holds one BEGIN or COMMIT a round,
// "call" where it is one statement, else "round".
[[nodiscard]] std::string round_noun(const SuspectedGroup& group);

// "9.9 kB stay after each transaction (95 % interval 9.7 kB to 10.1 kB), 1,204 transactions in 49
// min".
[[nodiscard]] std::string stays_after_a_round(const SuspectedGroup& group, double seconds);

// How straight the line of bytes against rounds is.
[[nodiscard]] std::string straight_line(const Suspicion& suspicion);

// The growth of RssAnon beside that of the contexts.
[[nodiscard]] std::string beside_rss_anon(const Suspicion& suspicion);

// What the members of a stepped group took and gave back by themselves, largest effect first;
// empty where the recording was not stepped.
[[nodiscard]] std::vector<std::string> takes_and_gives(const SuspectedGroup& group);

// That what is kept is of objects that are gone (CatalogGrowth::of_gone_objects).
[[nodiscard]] std::string what_is_of_gone_objects(const CatalogGrowth& growth);

// What a rule may say of every cause: what stays after a round of the largest of `groups`, the
// sentences of the rule's `own`, what explanations say that the bytes are, and the figures beside.
[[nodiscard]] std::vector<std::string> usual_evidence(const Suspicion& suspicion,
                                                      const std::vector<std::size_t>& groups,
                                                      std::vector<std::string> own);

// What speaks for a cause beside the contexts that it grows.
struct Signs {
    // Explanations show that the bytes are what the cause would leave.
    bool explained = false;
    // The statements that the growth goes with are such as do it.
    bool telling_statements = false;
};

// How much of the evidence that a cause would leave is there, 0 … 1.
[[nodiscard]] double usual_confidence(const Suspicion& suspicion, const Signs& signs);

// All groups of the suspicion, where one cause explains all of it.
[[nodiscard]] std::vector<std::size_t> all_groups(const Suspicion& suspicion);

// Those that hold a statement with a rank, which come first in their groups.
[[nodiscard]] std::vector<std::size_t> ranked_groups(const Suspicion& suspicion,
                                                     std::optional<int> (*rank)(std::string_view));

// What the groups left behind, together.
[[nodiscard]] double bytes_of(const Suspicion& suspicion, const std::vector<std::size_t>& groups);

}  // namespace palloscope
