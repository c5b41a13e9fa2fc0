#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "inspector/model/context_tree.hpp"

namespace palloscope {

// Masks the idents of the successive trees of a backend. Idents are texts that PostgreSQL's own
// code and its procedural languages hand to MemoryContextSetIdentifier; the ones of plans and
// functions are whole SQL statements, with their literals.
//
// Idents of contexts known to hold names (of indexes, relations, cursors, functions, hash tables)
// stay as they are; the pattern of a RegexpMemoryContext (PostgreSQL 16 and newer) is a literal of
// some statement and becomes "$1"; everything else is treated as SQL and becomes its form, behind
// which the "..." stays that MemoryContextStats puts where it cut an ident at 100 bytes. Forms are
// remembered: they come again in the next tree, and a form costs 15 us, a context but 0.5.
//
// Not thread-safe.
class IdentForms {
  public:
    // Each ident of `tree`.
    void mask(ContextTree& tree);

    // The ident of one context of that name, valid until the next forget_old().
    [[nodiscard]] std::string_view masked(std::string_view context_name, const std::string& ident);

    // To be called after each tree: forgets what it did not hold, where that is more than it held.
    void forget_old();

  private:
    struct Form {
        std::string text;
        std::uint64_t seen_in = 0;  // the last tree that held it
    };

    std::unordered_map<std::string, Form> forms_;  // by the ident
    std::uint64_t tree_ = 1;
    std::size_t seen_ = 0;  // different ones in this tree
};

}  // namespace palloscope
