#include "workload/scenarios/conjur/catalog_reads.hpp"

#include <fmt/core.h>

#include "workload/scenarios/conjur/tables.hpp"

namespace palloscope::workload::conjur {

namespace {

// The columns of a table, in the shape in which Sequel asks for them.
constexpr const char* kColumns =
    "SELECT a.attname AS name, CAST(a.atttypid AS integer) AS oid,"
    " CAST(base.oid AS integer) AS base_oid,"
    " format_type(base.oid, t.typtypmod) AS db_base_type,"
    " format_type(t.oid, a.atttypmod) AS db_type,"
    " pg_get_expr(d.adbin, c.oid) AS \"default\", NOT a.attnotnull AS allow_null,"
    " COALESCE(a.attnum = ANY (i.indkey), false) AS primary_key"
    " FROM pg_class AS c"
    " INNER JOIN pg_attribute AS a ON a.attrelid = c.oid"
    " INNER JOIN pg_type AS t ON t.oid = a.atttypid"
    " LEFT OUTER JOIN pg_type AS base ON base.oid = t.typbasetype"
    " LEFT OUTER JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum"
    " LEFT OUTER JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary IS TRUE"
    " WHERE a.attisdropped IS FALSE AND a.attnum > 0"
    " AND c.oid = CAST(CAST({} AS regclass) AS oid)"
    " ORDER BY a.attnum";

constexpr const char* kPrimaryKey =
    "SELECT a.attname AS pk FROM pg_class AS c"
    " INNER JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary IS TRUE"
    " INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)"
    " INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.oid = CAST(CAST({} AS regclass) AS oid)"
    " ORDER BY a.attnum";

}  // namespace

std::vector<Statement> catalog_reads(const Session& session, const std::string& step) {
    std::vector<Statement> statements;
    for (const Table& table : kTables) {
        const std::string name = session.literal(fmt::format("\"public\".\"{}\"", table.name));
        statements.push_back({step + "/columns", fmt::format(fmt::runtime(kColumns), name)});
        statements.push_back({step + "/primary-key", fmt::format(fmt::runtime(kPrimaryKey), name)});
        statements.push_back(
            {step + "/empty", fmt::format("SELECT * FROM public.{} LIMIT 0", table.name)});
    }
    return statements;
}

}  // namespace palloscope::workload::conjur
