#include "inspector/diagnosis/function_contexts.hpp"

#include <algorithm>
#include <array>

#include "inspector/diagnosis/context_kind.hpp"
#include "inspector/diagnosis/plan_growth.hpp"

namespace palloscope {

bool covers_functions(std::string_view path) {
    constexpr std::array<std::string_view, 6> kTables{
        "TopMemoryContext",        // the descriptor of each function (pl_comp.c, do_compile)
        "PLpgSQL function cache",  // pl_comp.c, up to 10
        "PLpgSQL function hash",   // pl_comp.c, 11 to 17
        "Cached function hash",    // funccache.c, from 18 on
        "PLpgSQL cast info",       // pl_exec.c
        "PLpgSQL cast cache",      // pl_exec.c
    };
    return is_plan_context(path) || is_function_context(path) ||
           std::ranges::find(kTables, context_kind(path)) != kTables.end();
}

}  // namespace palloscope
