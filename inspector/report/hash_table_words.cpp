#include "inspector/report/hash_table_words.hpp"

#include <algorithm>
#include <array>

namespace palloscope {

namespace {

struct Words {
    std::string_view name;
    std::string_view words;
};

// As the calls of hash_create() in 10 to 19 name them.
constexpr std::array<Words, 29> kWords{{
    {"Attopt cache", "options of columns"},
    {"CFuncHash", "functions in C"},
    {"Cached function hash", "compiled functions"},
    {"GUC hash table", "all settings"},
    {"LOCALLOCK hash", "locks that it holds or waits for"},
    {"Local Buffer Lookup Table", "pages of temporary relations"},
    {"Local Listen Channels", "channels that it listens to"},
    {"Missing Values Cache", "defaults of columns added later"},
    {"Operator class cache", "operator classes for the relation cache"},
    {"Operator lookup cache", "operators by name and types"},
    {"PLpgSQL function cache", "compiled functions"},
    {"PLpgSQL function hash", "compiled functions"},
    {"Portal hash", "portals"},
    {"Prepared Queries", "prepared statements"},
    {"PrivateRefCount", "buffers that it has pinned"},
    {"RI compare cache", "comparisons for foreign keys"},
    {"RI constraint cache", "foreign keys"},
    {"RI query cache", "plans that check foreign keys"},
    {"Record information cache", "types of anonymous rows"},
    {"Relcache by OID", "the relation cache"},
    {"RelfilenodeMap cache", "relations by their files"},
    {"RelfilenumberMap cache", "relations by their files"},
    {"Rendezvous variable hash", "variables that libraries share"},
    {"Sequence values", "sequences that it has used"},
    {"TableSpace cache", "options of tablespaces"},
    {"Type information cache", "the type cache"},
    {"logical replication output relation cache", "relations that it sends to subscribers"},
    {"logicalrep relation map cache", "relations that it receives as a subscriber"},
    {"smgr relation table", "relations whose files it has opened"},
}};

}  // namespace

std::string_view hash_table_words(std::string_view name) {
    const auto* const found = std::ranges::find(kWords, name, &Words::name);
    return found == kWords.end() ? "" : found->words;
}

}  // namespace palloscope
