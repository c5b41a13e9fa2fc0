#pragma once

#include <string_view>

#include "attach/error.hpp"
#include "attach/proc.hpp"
#include "inspector/backend/backend.hpp"
#include "inspector/model/snapshot.hpp"
#include "inspector/statements/form_cache.hpp"

namespace palloscope {

// Whether literals of SQL may be shown: only where the user asked on that very command line
// (--show-literals).
enum class Literals { kMasked, kShown };

// Who the process is and what it does, from its own memory (MyProcPort, MyBEEntry,
// debug_query_string, application_name) and, where a version does not export that, its title; and
// what the kernel counts. `memory` is the backend's, or a copy of it.
[[nodiscard]] Result<ProcessInfo> read_process_info(const Backend& backend,
                                                    const MemorySource& memory,
                                                    Literals literals);

// The same for who asks again and again, and knows already what the kernel counts: `forms`
// remembers the forms of the statements that were running.
[[nodiscard]] Result<ProcessInfo> read_process_info(const Backend& backend,
                                                    const ProcessStatus& status,
                                                    const MemorySource& memory,
                                                    Literals literals,
                                                    FormCache& forms);

// The same but for what the kernel counts and for the PID, of a process whose title is known (empty
// where it is not).
[[nodiscard]] ProcessInfo process_info_in_memory(const ServerGlobals& globals,
                                                 const MemorySource& memory,
                                                 std::string_view title_text,
                                                 Literals literals);

// Looks at all that read_process_info() would use of `memory`, and does no more: a MemoryCopy then
// has it.
void look_at_process_info(const Backend& backend, const MemorySource& memory);

}  // namespace palloscope
