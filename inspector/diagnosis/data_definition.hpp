#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace palloscope {

enum class DefinitionVerb { kCreate, kAlter, kDrop };

// A data definition statement: what it does to what kind of object.
struct DataDefinition {
    DefinitionVerb verb = DefinitionVerb::kCreate;
    // The object's keyword: "SCHEMA", "TABLE", "FUNCTION", …
    std::string object;
    // CREATE TEMP … and its spellings.
    bool temporary = false;
};

// Reads the leading keywords of a form; none where it is no CREATE, ALTER or DROP of an object in
// the catalogs of the database (ALTER SYSTEM is none).
[[nodiscard]] std::optional<DataDefinition> data_definition(std::string_view query);

}  // namespace palloscope
