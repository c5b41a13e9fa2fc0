#pragma once

#include <string>
#include <vector>

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

}  // namespace palloscope
