#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace palloscope::test {

// Damages a small tree of memory contexts as `input` says, and walks it. Aborts where the walk
// gives a tree that cannot be, or an error of the wrong kind.
//
// The first byte of `input` chooses the version. Each ten bytes behind it are one damage: what (see
// Damage in the source), the index of a word of memory (16 bits), and 56 bits for a value.
void walk_damaged_contexts(std::span<const std::uint8_t> input);

}  // namespace palloscope::test
