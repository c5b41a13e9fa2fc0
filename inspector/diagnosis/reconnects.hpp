#pragma once

#include "inspector/diagnosis/diagnosis.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// Says in the notes of a backend of `diagnosis`, which is of `history`, that it took the place of
// one that leaked: that its session connected again, and what went with the backend before.
//
// The journal names sessions. Where nothing does, backends of the same user, database and
// application_name are held to be one session if at no time there were two of them, and each began
// soon after the one before had ended; the note says that it only looks like that.
void add_reconnects(const History& history, Diagnosis& diagnosis);

}  // namespace palloscope
