#include "inspector/backend/process_info.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "attach/proc.hpp"
#include "inspector/backend/backend_status.hpp"
#include "inspector/backend/layout_of_version.hpp"
#include "inspector/backend/port_layout.hpp"
#include "inspector/backend/process_title.hpp"

namespace palloscope {

namespace {

// NAMEDATALEN is 64 in every build that we know; names of users and databases are shorter.
constexpr std::size_t kMaxNameBytes = 256;
// The running statement is read up to here; its form says so by its ending.
constexpr std::size_t kMaxQueryBytes = std::size_t{1} << 16;

// A backend's variables, in its memory or a copy of that.
struct Variables {
    const ServerGlobals& globals;
    const MemorySource& memory;

    // The string that a `char *` in the target points to; none where that is null or cannot be
    // read.
    [[nodiscard]] std::optional<std::string> text_at(RemoteAddress pointer,
                                                     std::size_t max_bytes) const {
        const auto text = memory.read<RemoteAddress>(pointer);
        if (!text || text->is_null()) {
            return std::nullopt;
        }
        auto read = memory.read_string(*text, max_bytes);
        return read ? std::optional(std::move(*read)) : std::nullopt;
    }

    [[nodiscard]] std::optional<std::string> text(std::string_view symbol,
                                                  std::size_t max_bytes) const {
        const RemoteAddress address = globals.address_of(symbol);
        return address.is_null() ? std::nullopt : text_at(address, max_bytes);
    }

    // A bool; true where there is none of that name, or it cannot be read.
    [[nodiscard]] bool is_set(std::string_view symbol) const {
        const RemoteAddress address = globals.address_of(symbol);
        return address.is_null() || memory.read<std::uint8_t>(address).value_or(1) != 0;
    }

    // Null where there is none of that name, or it cannot be read.
    [[nodiscard]] RemoteAddress pointer(std::string_view symbol) const {
        const RemoteAddress address = globals.address_of(symbol);
        return address.is_null() ? address
                                 : memory.read<RemoteAddress>(address).value_or(RemoteAddress{});
    }
};

std::optional<std::string> state_from_memory(const Variables& variables) {
    const RemoteAddress entry = variables.pointer("MyBEEntry");
    if (entry.is_null()) {
        return std::nullopt;
    }
    const auto status =
        read_backend_status(variables.memory, entry, variables.globals.binary().version_num());
    return status && !status->state.empty() ? std::optional(std::string(status->state))
                                            : std::nullopt;
}

// What a backend's memory says of it. Of a process that is no client backend: nothing.
struct MemoryFacts {
    bool is_postmaster = false;
    bool has_client = false;
    bool is_walsender = false;  // or not known
    std::optional<std::string> user;
    std::optional<std::string> database;
    std::optional<std::string> application_name;
    std::optional<std::string> state;
    std::optional<std::string> query;  // as it was written
};

MemoryFacts facts_in_memory(const Variables& variables) {
    if (!variables.is_set("IsUnderPostmaster")) {
        return {.is_postmaster = true};
    }
    const RemoteAddress port = variables.pointer("MyProcPort");
    if (port.is_null()) {
        return {};
    }
    MemoryFacts facts{.has_client = true, .is_walsender = variables.is_set("am_walsender")};
    if (const auto layout =
            layout_of_version(kPortLayouts, variables.globals.binary().version_num())) {
        auto database = variables.text_at(port + layout->database_name, kMaxNameBytes);
        auto user = variables.text_at(port + layout->user_name, kMaxNameBytes);
        if (database && user) {
            facts.database = std::move(database);
            facts.user = std::move(user);
        }
    }
    facts.application_name = variables.text("application_name", kMaxNameBytes);
    facts.state = state_from_memory(variables);
    facts.query = variables.text("debug_query_string", kMaxQueryBytes);
    return facts;
}

// Whether the title tells what memory does not. Of a client's backend that has all else it tells
// only whether it is a walsender, where memory does not deny that.
bool needs_title(const MemoryFacts& facts) {
    return !facts.is_postmaster &&
           (!facts.has_client || facts.is_walsender || !facts.user || !facts.state);
}

ProcessInfo info_of(MemoryFacts facts,
                    std::string_view title_text,
                    Literals literals,
                    FormCache& forms) {
    if (facts.is_postmaster) {
        return {.backend_type = "postmaster"};
    }
    ProcessInfo info;
    const auto title = parse_process_title(title_text);
    info.backend_type = facts.has_client ? "client backend" : "other";
    if (title) {
        // A client backend has a port to its client: nobody can pass for one by an odd user name.
        if (!facts.has_client || title->backend_type == "walsender") {
            info.backend_type =
                title->backend_type == "client backend" ? "other" : title->backend_type;
        }
        info.state = title->state;
    }
    if (!facts.has_client) {
        return info;
    }
    info.user = title && !facts.user ? title->user : facts.user;
    info.database = title && !facts.database ? title->database : facts.database;
    info.application_name = std::move(facts.application_name);
    if (facts.state) {
        info.state = std::move(facts.state);
    }
    if (facts.query) {
        if (literals == Literals::kShown) {
            info.query = std::move(facts.query);
        } else {
            info.query = forms.form_of(*facts.query).text;
        }
        if (!info.state) {
            info.state = "active";
        }
    }
    return info;
}

}  // namespace

ProcessInfo process_info_in_memory(const ServerGlobals& globals,
                                   const MemorySource& memory,
                                   std::string_view title_text,
                                   Literals literals) {
    FormCache forms;
    return info_of(facts_in_memory({globals, memory}), title_text, literals, forms);
}

Result<ProcessInfo> read_process_info(const Backend& backend,
                                      const ProcessStatus& status,
                                      const MemorySource& memory,
                                      Literals literals,
                                      FormCache& forms) {
    MemoryFacts facts = facts_in_memory({backend.globals(), memory});
    const auto title = needs_title(facts) ? read_command_line(backend.pid()) : std::string();
    if (!title) {
        return tl::unexpected(title.error());
    }
    ProcessInfo info = info_of(std::move(facts), *title, literals, forms);
    info.pid = backend.pid();
    info.rss_anon_bytes = status.rss_anon_bytes;
    info.rss_file_bytes = status.rss_file_bytes;
    info.rss_shmem_bytes = status.rss_shmem_bytes;
    return info;
}

Result<ProcessInfo> read_process_info(const Backend& backend,
                                      const MemorySource& memory,
                                      Literals literals) {
    return read_status(backend.pid()).and_then([&](const ProcessStatus& status) {
        FormCache forms;
        return read_process_info(backend, status, memory, literals, forms);
    });
}

void look_at_process_info(const Backend& backend, const MemorySource& memory) {
    (void)facts_in_memory({backend.globals(), memory});
}

}  // namespace palloscope
