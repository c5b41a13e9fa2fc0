#pragma once

#include <string>
#include <string_view>

namespace palloscope {

// Something that a server says of itself or of one of its sessions when it is asked by SQL, with
// the names of its views.
struct ServerFact {
    std::string kind;
    std::string name;
    std::string value;

    bool operator==(const ServerFact&) const = default;
};

// Kinds of facts: a setting by its name, dead rows by the name of the catalog, and what
// pg_stat_activity has of the session by the name of its column.
inline constexpr std::string_view kSettingFact = "setting";
inline constexpr std::string_view kDeadRowsFact = "dead rows";
inline constexpr std::string_view kSessionFact = "session";

// Name, among the dead rows' kind, of the database whose catalogs they are of.
inline constexpr std::string_view kCatalogsOfDatabase = "of database";

}  // namespace palloscope
