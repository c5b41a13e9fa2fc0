#include "inspector/statements/ident.hpp"

#include <algorithm>
#include <array>

#include "inspector/statements/form.hpp"

namespace palloscope {

namespace {

// Contexts whose ident is a name, and the file of PostgreSQL 11 to 18 that sets it.
constexpr std::array<std::string_view, 13> kNamed{
    "index info",            // relcache.c: the index
    "relation rules",        // relcache.c: the relation
    "partition key",         // partcache.c: the relation
    "partition descriptor",  // partdesc.c (12+; relcache.c before): the relation
    "partition constraint",  // partcache.c: the relation
    "TS dictionary",         // ts_cache.c: the dictionary
    "dynahash",              // dynahash.c: the hash table
    "PortalContext",         // portalmem.c: the portal, "<unnamed>" for the nameless one
    "SQL function",          // functions.c: the function
    "PL/pgSQL function",     // pl_comp.c: the function's signature
    "PL/Perl function",      // plperl.c: the function
    "PL/Python function",    // plpy_procedure.c: the function
    "PL/Tcl function",       // pltcl.c: the function
};

// regexp.c, 16 and newer: the ident is the regular expression itself.
constexpr std::string_view kRegexp = "RegexpMemoryContext";

// What MemoryContextStatsPrint (mcxt.c) puts where it cuts an ident.
constexpr std::string_view kCut = "...";

}  // namespace

std::string mask_ident(std::string_view context_name, std::string_view ident) {
    if (std::ranges::find(kNamed, context_name) != kNamed.end()) {
        return std::string(ident);
    }
    if (context_name == kRegexp) {
        return "$1";
    }
    if (!ident.ends_with(kCut)) {
        return statement_form(ident).text;
    }
    ident.remove_suffix(kCut.size());
    return statement_form(ident).text.append(kCut);
}

}  // namespace palloscope
