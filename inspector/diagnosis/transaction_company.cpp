#include "inspector/diagnosis/transaction_company.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "inspector/diagnosis/query_word.hpp"

namespace palloscope {

namespace {

enum class Boundary { kNone, kBegin, kEnd };

Boundary boundary_of(std::string_view query) {
    constexpr std::array<std::string_view, 4> kEnds{"COMMIT", "END", "ROLLBACK", "ABORT"};
    const std::string first = next_word(query);
    const std::string second = next_word(query);
    if (first == "BEGIN" || (first == "START" && second == "TRANSACTION")) {
        return Boundary::kBegin;
    }
    const bool to_savepoint = first == "ROLLBACK" && second == "TO";
    return !to_savepoint && std::ranges::find(kEnds, first) != kEnds.end() ? Boundary::kEnd
                                                                           : Boundary::kNone;
}

// Executions of each column, in all and in company.
class Company {
  public:
    Company(std::size_t columns, const std::vector<bool>& marked)
        : marked_(marked), calls_(columns), in_company_(columns) {}

    void begin() {
        end();
        in_block_ = true;
    }

    void end() {
        for (const std::size_t column : block_) {
            in_company_[column] += block_is_marked_ ? 1 : 0;
        }
        block_.clear();
        block_is_marked_ = false;
        in_block_ = false;
    }

    void add(std::size_t column) {
        if (column == StatementCounts::kNoColumn) {
            return;
        }
        calls_[column] += 1;
        if (in_block_) {
            block_.push_back(column);
            block_is_marked_ = block_is_marked_ || marked_[column];
        }
    }

    [[nodiscard]] std::vector<double> shares() const {
        std::vector<double> shares(calls_.size());
        for (std::size_t i = 0; i < shares.size(); ++i) {
            shares[i] = calls_[i] > 0 ? in_company_[i] / calls_[i] : 0.0;
        }
        return shares;
    }

  private:
    const std::vector<bool>& marked_;
    std::vector<double> calls_;
    std::vector<double> in_company_;
    std::vector<std::size_t> block_;
    bool block_is_marked_ = false;
    bool in_block_ = false;
};

}  // namespace

std::vector<double> transaction_company(const std::vector<StatementForm>& forms,
                                        const std::vector<ExecutionRecord>& executions,
                                        const StatementCounts& counts,
                                        const std::vector<bool>& marked) {
    std::vector<Boundary> boundaries;
    boundaries.reserve(forms.size());
    for (const StatementForm& form : forms) {
        boundaries.push_back(boundary_of(form.text));
    }
    Company company(counts.columns.size(), marked);
    for (const ExecutionRecord& execution : executions) {
        if (execution.form >= forms.size()) {
            continue;
        }
        const Boundary boundary = boundaries[execution.form];
        if (boundary == Boundary::kBegin) {
            company.begin();
        }
        company.add(counts.column_of_form[execution.form]);
        if (boundary == Boundary::kEnd) {
            company.end();
        }
    }
    company.end();
    return company.shares();
}

}  // namespace palloscope
