#pragma once

#include <string_view>

namespace palloscope {

// The name of the child of TopMemoryContext that the context of this path is or lies below:
// "CacheMemoryContext"; "TopMemoryContext" for that one itself.
[[nodiscard]] std::string_view context_family(std::string_view path);

// The same, but in CacheMemoryContext, which holds many things, the name of its child: "index
// info", "CachedPlanSource"; "CacheMemoryContext" for that one itself. The compiled functions of
// PL/pgSQL are its children from 18 on, and TopMemoryContext's before: their kind is the same.
[[nodiscard]] std::string_view context_kind(std::string_view path);

// Whether the context of this path is called `ancestor`, or lies below one of that name.
[[nodiscard]] bool lies_in(std::string_view path, std::string_view ancestor);

// Whether it holds the buffers for temporary tables (localbuf.c), which fill up to temp_buffers and
// stay.
[[nodiscard]] bool is_for_temporary_tables(std::string_view path);

// Whether it is that of a subtransaction, below that of the one that it is in (AtSubStart_Memory,
// xact.c).
[[nodiscard]] bool is_subtransaction(std::string_view path);

// Whether it is the store of a cursor that is held beyond its transaction, one each
// (PortalCreateHoldStore, portalmem.c).
[[nodiscard]] bool is_held_cursor(std::string_view path);

}  // namespace palloscope
