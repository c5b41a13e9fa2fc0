#include <memory>

#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

// What grows: CacheMemoryContext, by 1.5 kB per monthly_report().
namespace palloscope::workload {

namespace {

// Creates, fills, reads and drops temporary tables, as reports that were written for other
// databases do.
constexpr const char* kReport =
    "CREATE OR REPLACE FUNCTION monthly_report(month integer) RETURNS bigint LANGUAGE plpgsql AS $$"
    " DECLARE best bigint;"
    " BEGIN"
    " CREATE TEMPORARY TABLE report_lines (customer_id integer PRIMARY KEY, orders bigint,"
    " total bigint, largest integer, smallest integer, place integer);"
    " INSERT INTO report_lines SELECT o.customer_id, count(*), sum(o.total), max(o.total),"
    " min(o.total), 0 FROM everyday_orders AS o WHERE o.order_id % 50 = month"
    " GROUP BY o.customer_id;"
    " CREATE TEMPORARY TABLE report_places (customer_id integer PRIMARY KEY, place integer,"
    " total bigint);"
    " INSERT INTO report_places SELECT customer_id, rank() OVER (ORDER BY total), total"
    " FROM report_lines WHERE orders > 0 AND smallest <= largest;"
    " UPDATE report_lines AS l SET place = p.place FROM report_places AS p"
    " WHERE p.customer_id = l.customer_id AND p.total = l.total;"
    " SELECT max(l.total) INTO best FROM report_lines AS l"
    " JOIN everyday_customers AS c ON c.customer_id = l.customer_id"
    " WHERE l.place < 10 AND l.largest > 100;"
    " DROP TABLE report_lines, report_places;"
    " RETURN best;"
    " END $$";

class TempTables final : public Application {
  public:
    TempTables() : Application("temp-tables") {}

  protected:
    [[nodiscard]] std::vector<Statement> definitions() const override {
        return {{"set-up/define", kReport}};
    }

    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        Result<> done;
        for (std::size_t reports = random.below(3); done && reports > 0; --reports) {
            done =
                session
                    .run("report", fmt::format("SELECT monthly_report({})", 1 + random.below(12)))
                    .map([](const Rows&) {});
        }
        return done;
    }
};

}  // namespace

ScenarioEntry temp_tables_scenario() {
    return {
        .name = "temp-tables",
        .summary = "Reports in PL/pgSQL that create and drop a temporary table each",
        .explanation =
            "Made to show the cause catalog-churn. A loop calls a function up to two times that "
            "creates two temporary tables, fills, joins and drops them. They are new ones for the "
            "catalogs each time, and what the backend looked up in vain for them (the statistics "
            "of their columns, most of all) stays in CacheMemoryContext.",
        .leaks = {{.cause = "catalog-churn",
                   .statements = {"SELECT monthly_report($1)"},
                   .places = {"CacheMemoryContext"}}},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<TempTables>()); },
    };
}

}  // namespace palloscope::workload
