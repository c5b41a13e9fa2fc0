#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "inspector/model/statement.hpp"
#include "inspector/statements/missed_statements.hpp"

namespace palloscope {

// What a backend tells of itself at one moment (PgBackendStatus). Times are Unix times.
struct ActivityLook {
    std::int64_t looked_at_ns = 0;
    std::int64_t gap_ns = 0;  // since the look before, whatever that saw
    // One more before each report of the backend, and one more after it.
    std::uint32_t changes = 0;
    bool running = false;  // a statement
    // When the current or last statement began.
    std::int64_t started_at_ns = 0;
    // Since when it runs, or does no longer.
    std::int64_t state_began_at_ns = 0;
    // When the transaction block began that it is in, where it is in one.
    std::optional<std::int64_t> transaction_began_at_ns;
    // As it was written, perhaps cut; empty where there was none yet.
    std::string query;
};

// A statement that was seen, and has ended.
struct SeenStatement {
    std::int64_t started_at_ns = 0;
    std::int64_t ended_at_ns = 0;
    std::string query;
    // None where no look could have missed it: it was the backend's last one for as long as the
    // time between the looks before and after its beginning.
    std::optional<Sighting> sighting;
    // When the transaction block began that it was seen in.
    std::optional<std::int64_t> transaction_began_at_ns;

    bool operator==(const SeenStatement&) const = default;
};

// Makes statements out of looks at one backend. It tells of its last statement until the next one
// begins, so that one is missed only where the next begins before the next look.
//
// The messages of one extended query (parse, bind, execute) are a statement each to the backend.
// They are one to us where a look fell on each; else, seldom, two.
class ActivityTracker {
  public:
    // Whether a look that tells of this beginning needs its query: it is of another statement than
    // the last one.
    [[nodiscard]] bool is_new(std::int64_t started_at_ns) const {
        return !last_ || last_->started_at_ns != started_at_ns;
    }

    // `look` is later than those before; its query is used where it is new. Adds the statements
    // that have ended since, two at most.
    void see(ActivityLook look, std::vector<SeenStatement>& ended);

    // A look at that moment saw no change since the last one.
    void see_no_change(std::int64_t looked_at_ns, std::vector<SeenStatement>& ended);

    // The backend has gone at `now_ns`, and with it the statement that ran.
    void end(std::int64_t now_ns, std::vector<SeenStatement>& ended);

    // Of all statements that ran, the part that was seen, 0 … 1: an estimate, by the reports that
    // came between the last look at one statement and the first at the next one seen, against those
    // that usually do. None where too few ran to tell, or hardly ever none was missed in between.
    // Where statements make as many reports each it is exact to 1 % (missing-names, locks and
    // deferred-triggers on servers of 10, 15 and 18 against their journals); definitions of data
    // make more, and then it counts up to half of those too often that were missed.
    [[nodiscard]] std::optional<double> seen_share() const;

  private:
    // Whether its last statement has been that for so long that no look could have missed it.
    [[nodiscard]] bool was_certain_to_be_seen() const;
    void tell_certain_end(std::vector<SeenStatement>& ended);
    void tell_end(std::int64_t ended_at_ns, std::vector<SeenStatement>& ended);

    std::optional<ActivityLook> last_;
    // Of the last statement: when its first message came, how it was seen, and whether its end was
    // told.
    std::int64_t began_at_ns_ = 0;
    Sighting sighting_;
    bool told_ = true;
    // Of each kind, by whether the one before and the next one ran when they were looked at.
    std::array<MissedStatements, 4> missed_;
};

}  // namespace palloscope
