#pragma once

#include <string>
#include <vector>

#include "inspector/diagnosis/cause_rule.hpp"

namespace palloscope {

// The statements of a suspected group as a report shows them. A group of several is one entry for
// each member under the label `group`, all with the figures of the whole (AttributedStatement).
//
// Stepping tells members apart: where none of them gives back what another took, each that grows
// the contexts stands for itself, with what it took on average. Where they do (CREATE TABLE takes
// 40 kB, DROP SCHEMA gives back 36 kB) only the net of the round is a leak, and the group stays
// one.
[[nodiscard]] std::vector<AttributedStatement> cause_statements(const SuspectedGroup& group,
                                                                const std::string& label);

// Where `finding` puts all of the growth down to one group, known by what the bytes are, of the
// numbers of bytes that the group's interval holds the one that accounts for all is the likeliest:
// it takes the place of the estimate. Where a part went to time or to others that are not the
// cause, all is the group's as well, whatever its interval held, if its statements were seen by
// chance. Whether it did. What was stepped is measured, and stays.
bool give_all_to_one(const Finding& finding, Suspicion& suspicion);

// Σ calls × bytes_per_call, every group once.
[[nodiscard]] double attributed_bytes(const std::vector<AttributedStatement>& statements);

}  // namespace palloscope
