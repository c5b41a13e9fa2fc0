#pragma once

#include <string>
#include <string_view>

#include "attach/error.hpp"
#include "inspector/model/snapshot.hpp"

namespace palloscope {

// A snapshot as the contract's palloscope.snapshot/1, on one line without a newline at its end.
// Times are in whole microseconds; bytes of names and idents that are no UTF-8 become the text
// "\xNN".
[[nodiscard]] std::string snapshot_json(const Snapshot& snapshot);

// Reads it back. The text comes from a file and is not trusted: contexts must be in depth-first
// order with their ids counted from 1, levels and figures must fit, grand_total must be the sum.
// Members that are not known are passed over. Fails with kFailed, naming the member that is wrong.
[[nodiscard]] Result<Snapshot> snapshot_from_json(std::string_view text);

}  // namespace palloscope
