#include "workload/scenarios/conjur/diff.hpp"

#include <span>
#include <string_view>

#include <fmt/core.h>

#include "workload/scenarios/conjur/catalog_reads.hpp"
#include "workload/scenarios/conjur/tables.hpp"

namespace palloscope::workload::conjur {

namespace {

using Columns = std::span<const std::string_view>;

// `pattern`, with each column for its {0}, `separator` between.
std::string each(Columns columns, std::string_view pattern, std::string_view separator) {
    std::string text;
    for (const std::string_view column : columns) {
        text += text.empty() ? "" : separator;
        text += fmt::format(fmt::runtime(pattern), column);
    }
    return text;
}

// Every column of `table` that is compared.
std::string all_columns(const Table& table, std::string_view pattern, std::string_view separator) {
    return fmt::format("{}{}{}",
                       each(table.key, pattern, separator),
                       separator,
                       each(table.values, pattern, separator));
}

std::string same_key(const Table& table) {
    return each(table.key, "new.{0} = old.{0}", " AND ");
}

// Records of this policy that the new one no longer has.
std::string delete_vanished(const Table& table, const std::string& schema, const std::string& id) {
    return fmt::format(
        "WITH vanished AS (SELECT old.* FROM public.{0} AS old"
        " LEFT OUTER JOIN {1}.{0} AS new ON {2}"
        " WHERE old.policy_id = {3} AND new.{4} IS NULL)"
        " DELETE FROM public.{0} AS kept USING vanished WHERE {5}",
        table.name,
        schema,
        same_key(table),
        id,
        table.key.front(),
        each(table.key, "kept.{0} = vanished.{0}", " AND "));
}

// New records that another policy has already.
std::string drop_shadowed(const Table& table) {
    return fmt::format(
        "DELETE FROM {0} AS new USING public.{0} AS old"
        " WHERE {1} AND new.policy_id <> old.policy_id",
        table.name,
        same_key(table));
}

// New records that this policy has already, in every column the same.
std::string drop_duplicates(const Table& table) {
    return fmt::format("DELETE FROM {0} AS new USING public.{0} AS old WHERE {1}",
                       table.name,
                       all_columns(table, "new.{0} IS NOT DISTINCT FROM old.{0}", " AND "));
}

std::string update_changed(const Table& table, const std::string& schema) {
    return fmt::format("UPDATE public.{0} AS old SET {1} FROM {2}.{0} AS new WHERE {3}",
                       table.name,
                       each(table.values, "{0} = new.{0}", ", "),
                       schema,
                       same_key(table));
}

std::string insert_rest(const Table& table, const std::string& schema) {
    return fmt::format(
        "INSERT INTO {0} ({1}) SELECT {2} FROM {3}.{0} AS new"
        " LEFT OUTER JOIN public.{0} AS old ON {4} WHERE old.{5} IS NULL",
        table.name,
        all_columns(table, "{0}", ", "),
        all_columns(table, "new.{0}", ", "),
        schema,
        same_key(table),
        table.key.front());
}

// Collects the steps of a diff.
class Diff {
  public:
    explicit Diff(const Session& session)
        : reads_(catalog_reads(session, "load-policy/diff/read-catalog")) {}

    // One step: the catalogs, then with `search_path` set the statement that `make` gives for each
    // table.
    template <typename Make>
    void add(const std::string& step, const std::string& search_path, Make make) {
        statements_.insert(statements_.end(), reads_.begin(), reads_.end());
        statements_.push_back(
            {"load-policy/diff/set-search-path", fmt::format("SET search_path = {}", search_path)});
        for (const Table& table : kTables) {
            statements_.push_back({"load-policy/diff/" + step, make(table)});
        }
        statements_.push_back({"load-policy/diff/set-search-path", "SET search_path = public"});
    }

    [[nodiscard]] std::vector<Statement> statements() && { return std::move(statements_); }

  private:
    std::vector<Statement> reads_;
    std::vector<Statement> statements_;
};

}  // namespace

std::vector<Statement> diff_statements(const Session& session,
                                       const std::string& schema,
                                       const Policy& policy) {
    Diff diff(session);
    if (policy.mode == Mode::kReplace) {
        const std::string id = session.literal(policy.id);
        diff.add("delete-vanished", "public", [&](const Table& table) {
            return delete_vanished(table, schema, id);
        });
    }
    diff.add("drop-shadowed", schema, drop_shadowed);
    diff.add("drop-duplicates", schema, drop_duplicates);
    diff.add("update-changed", "public", [&](const Table& table) {
        return update_changed(table, schema);
    });
    diff.add(
        "insert-rest", "public", [&](const Table& table) { return insert_rest(table, schema); });
    return std::move(diff).statements();
}

}  // namespace palloscope::workload::conjur
