#pragma once

#include <string_view>

namespace palloscope {

// What a hash table of PostgreSQL's holds, for people who do not know its name; empty for a name
// that says it, and for those of extensions.
[[nodiscard]] std::string_view hash_table_words(std::string_view name);

}  // namespace palloscope
