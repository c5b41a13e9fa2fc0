#pragma once

#include <string_view>
#include <vector>

#include "workload/scenario.hpp"

namespace palloscope::workload {

// Runs `statements` in one transaction, for which other drivers that set up the same database wait.
[[nodiscard]] Result<> set_up_alone(Session& session, const std::vector<Statement>& statements);

// An application of one connection that, beside what its scenario is made to show, does the
// everyday work of any application, in every loop another mix of it: it looks up customers and
// their orders, and counts visits. None of that leaks.
class Application : public Scenario {
  public:
    // `name` is the scenario's; lives as long as the application.
    explicit Application(std::string_view name) : name_(name) {}

    [[nodiscard]] Layout layout() const override;

    [[nodiscard]] Result<> set_up(Session& session) override;

    [[nodiscard]] Result<> loop(Client& client) override;

  protected:
    // What set_up() makes beside the tables of the everyday work.
    [[nodiscard]] virtual std::vector<Statement> definitions() const { return {}; }

    // What the scenario is made to show: its part of one loop.
    [[nodiscard]] virtual Result<> work(Session& session, Random& random) = 0;

  private:
    std::string_view name_;
};

// The tables that the everyday work reads: everyday_customers (customer_id, name, visits) and
// everyday_orders (order_id, customer_id, total), five orders a customer.
inline constexpr int kCustomers = 1000;
inline constexpr int kOrders = 5 * kCustomers;

// The number of one of the customers.
[[nodiscard]] std::size_t any_customer(Random& random);

}  // namespace palloscope::workload
