#pragma once

#include <array>
#include <string_view>

namespace palloscope {

// Contexts whose ident is a name, and the file of PostgreSQL 11 to 18 that sets it.
constexpr std::array<std::string_view, 13> kNamedContexts{
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
constexpr std::string_view kRegexpContext = "RegexpMemoryContext";

}  // namespace palloscope
