#pragma once

#include <vector>

#include "inspector/diagnosis/cause_rule.hpp"

namespace palloscope {

// Where what the statements of all groups took by themselves (SuspectedStatement::own) makes up
// `growth` but for a twentieth, a round leaves what its members took, and as large a part of the
// rest as of the whole: wherever that is surer than the regression's figure, or at odds with it,
// which may give the bytes of one group to another that ran as often. Nothing where a statement has
// no figure of its own.
void leave_what_members_took(double growth, std::vector<SuspectedGroup>& groups);

}  // namespace palloscope
