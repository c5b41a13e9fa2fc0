#include "inspector/recording/recording_file.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <map>
#include <string_view>
#include <utility>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "inspector/model/explanation_json.hpp"
#include "inspector/recording/deflated_text.hpp"
#include "inspector/recording/format.hpp"
#include "inspector/statements/io_error.hpp"

namespace palloscope {

namespace {

using Row = SQLite::Statement;

enum class Verdict { kNext, kStop, kBroken };

// No context has 16 TiB, nor were so many snapshots missed; a file that says so is damaged, and its
// sums could overflow.
constexpr std::int64_t kMaxFigure = std::int64_t{1} << 44U;

// A writer that ends its recording locks the file for a moment.
constexpr int kBusyTimeoutMs = 5'000;

std::optional<std::string> optional_text(Row& row, int column) {
    const SQLite::Column value = row.getColumn(column);
    return value.isNull() ? std::nullopt : std::optional(value.getString());
}

// A reference to row `id` of a table of which `count` rows were read, as an index.
std::optional<std::size_t> index_of(std::int64_t id, std::size_t count) {
    if (id < 1 || static_cast<std::uint64_t>(id) > count) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(id - 1);
}

// The four figures that are stored, from `column` on; none where they make no sense.
std::optional<ContextFigures> figures_from(Row& row, int column) {
    ContextFigures figures{.total_bytes = row.getColumn(column).getInt64(),
                           .total_nblocks = row.getColumn(column + 1).getInt64(),
                           .free_bytes = row.getColumn(column + 2).getInt64(),
                           .free_chunks = row.getColumn(column + 3).getInt64()};
    for (const std::int64_t figure :
         {figures.total_bytes, figures.total_nblocks, figures.free_bytes, figures.free_chunks}) {
        if (figure < 0 || figure > kMaxFigure) {
            return std::nullopt;
        }
    }
    figures.used_bytes = figures.total_bytes - figures.free_bytes;
    return figures;
}

Error not_a_recording(const std::string& path) {
    return {.kind = Error::Kind::kFailed,
            .message = fmt::format("{} is no recording of palloscope", path),
            .hint = "recordings are made by 'palloscope record'"};
}

Error unreadable(const std::string& path, const SQLite::Exception& exception) {
    switch (exception.getErrorCode()) {
        case SQLITE_NOTADB:
            return not_a_recording(path);
        case SQLITE_CORRUPT:
        case SQLITE_IOERR:
            return {.kind = Error::Kind::kFailed,
                    .message = fmt::format(
                        "{} is damaged at its beginning: nothing can be read from it", path),
                    .hint = ""};
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
            // A recording that was not ended needs an index of FILE-wal, which SQLite writes.
            return {.kind = Error::Kind::kFailed,
                    .message = fmt::format("cannot read {}: {}", path, exception.what()),
                    .hint =
                        "its recorder was killed or still runs: copy it, together with the file "
                        "of the same name that ends in -wal, to a folder where you may write"};
        default:
            return {.kind = Error::Kind::kFailed,
                    .message = fmt::format("cannot read {}: {}", path, exception.what()),
                    .hint = ""};
    }
}

}  // namespace

class RecordingFile::Impl {
  public:
    // Throws SQLite::Exception.
    explicit Impl(const std::string& path)
        : path_(path), database_(path, SQLite::OPEN_READONLY, kBusyTimeoutMs) {
        // Without the first one, SQLite refuses a file that is shorter than its header says; the
        // second keeps a schema made by others from running anything.
        database_.exec("PRAGMA writable_schema = ON; PRAGMA trusted_schema = OFF; BEGIN");
    }

    // Throws SQLite::Exception. None if it is a recording that we can read.
    std::optional<Error> check_format() {
        const int application = database_.execAndGet("PRAGMA application_id").getInt();
        const int version = database_.execAndGet("PRAGMA user_version").getInt();
        if (application != kRecordingApplicationId || version < 1) {
            return not_a_recording(path_);
        }
        if (version > kRecordingFormatVersion) {
            return Error{.kind = Error::Kind::kFailed,
                         .message = fmt::format("{} is of format {}, made by a newer palloscope; "
                                                "this one reads formats up to {}",
                                                path_,
                                                version,
                                                kRecordingFormatVersion),
                         .hint = "read it with the palloscope that recorded it, or a newer one"};
        }
        std::map<std::string, std::string> found;
        Row row(database_, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
        while (row.executeStep()) {
            found.emplace(row.getColumn(0).getString(), row.getColumn(1).getString());
        }
        version_ = version;
        std::map<std::string, std::string> expected;
        for (const SchemaObject& object : kRecordingSchema) {
            if (object.since <= version) {
                expected.emplace(object.name, object.sql);
            }
        }
        if (found != expected) {
            return Error{.kind = Error::Kind::kFailed,
                         .message = fmt::format(
                             "{} is damaged: its tables are not those of a recording", path_),
                         .hint = ""};
        }
        return std::nullopt;
    }

    void load() {
        load_backends();
        load_processes();
        load_forms();
        load_contexts();
        load_snapshots();
        if (has("explanation")) {
            load_explained();
        }
    }

    // Whether files of this format have the table.
    [[nodiscard]] bool has(std::string_view table) const {
        return std::ranges::any_of(kRecordingSchema, [&](const SchemaObject& object) {
            return object.name == table && object.since <= version_;
        });
    }

    // Calls `take` for the rows of a query until it says that it has enough or that a row makes no
    // sense. False where it did not get all of them.
    bool each(std::string_view table,
              const std::string& query,
              const std::function<Verdict(Row&)>& take) {
        std::int64_t rows = 0;
        Verdict verdict = Verdict::kNext;
        try {
            Row row(database_, query);
            while (verdict == Verdict::kNext && row.executeStep()) {
                verdict = take(row);
                ++rows;
            }
        } catch (const SQLite::Exception&) {
            verdict = Verdict::kBroken;
        }
        if (verdict == Verdict::kBroken) {
            damage.push_back(
                fmt::format("the recording is cut short or damaged: its table '{}' ends at row {}",
                            table,
                            rows));
        }
        return verdict == Verdict::kNext;
    }

    std::vector<RecordedBackend> backends;
    std::vector<StatementForm> forms;
    std::vector<RecordedContext> contexts;
    std::vector<RecordedSnapshot> snapshots;
    std::vector<std::int64_t> explained;
    std::vector<std::string> damage;

  private:
    struct Process {
        std::size_t backend = 0;
        int server_version_num = 0;
        ProcessInfo info;
    };

    // Ids count up from 1 without gaps, so that the index of a row is its id - 1.
    template <typename T>
    static bool is_next(const std::vector<T>& rows, Row& row) {
        return row.getColumn(0).getInt64() == static_cast<std::int64_t>(rows.size()) + 1;
    }

    void load_backends() {
        each("backend", "SELECT id, pid, end_reason FROM backend ORDER BY id", [&](Row& row) {
            if (!is_next(backends, row)) {
                return Verdict::kBroken;
            }
            backends.push_back(
                {.pid = row.getColumn(1).getInt(), .end_reason = optional_text(row, 2)});
            return Verdict::kNext;
        });
    }

    void load_processes() {
        each("process",
             "SELECT id, backend, server_version_num, backend_type, database, user, "
             "application_name FROM process ORDER BY id",
             [&](Row& row) {
                 const auto backend = index_of(row.getColumn(1).getInt64(), backends.size());
                 if (!is_next(processes_, row) || !backend) {
                     return Verdict::kBroken;
                 }
                 processes_.push_back({.backend = *backend,
                                       .server_version_num = row.getColumn(2).getInt(),
                                       .info = {.pid = backends[*backend].pid,
                                                .backend_type = row.getColumn(3).getString(),
                                                .database = optional_text(row, 4),
                                                .user = optional_text(row, 5),
                                                .application_name = optional_text(row, 6)}});
                 return Verdict::kNext;
             });
    }

    void load_forms() {
        each("form", "SELECT id, text, fingerprint, family FROM form ORDER BY id", [&](Row& row) {
            if (!is_next(forms, row)) {
                return Verdict::kBroken;
            }
            forms.push_back({.text = row.getColumn(1).getString(),
                             .fingerprint = row.getColumn(2).getString(),
                             .family = row.getColumn(3).getString()});
            return Verdict::kNext;
        });
    }

    void load_contexts() {
        each("context",
             "SELECT id, backend, parent, name, ident, type FROM context ORDER BY id",
             [&](Row& row) {
                 const auto backend = index_of(row.getColumn(1).getInt64(), backends.size());
                 const std::int64_t parent_id = row.getColumn(2).getInt64();
                 const auto parent = index_of(parent_id, contexts.size());
                 const auto type = context_type_from(row.getColumn(5).getString());
                 if (!is_next(contexts, row) || !backend || !type || (parent_id != 0 && !parent) ||
                     (parent && contexts[*parent].backend != *backend)) {
                     return Verdict::kBroken;
                 }
                 contexts.push_back({.backend = *backend,
                                     .parent = parent,
                                     .name = row.getColumn(3).getString(),
                                     .ident = optional_text(row, 4),
                                     .type = *type});
                 return Verdict::kNext;
             });
    }

    void load_snapshots() {
        each("snapshot",
             "SELECT id, process, taken_at_ns, method, pause_us, state, query, rss_anon_bytes, "
             "rss_file_bytes, rss_shmem_bytes FROM snapshot ORDER BY id",
             [&](Row& row) {
                 const auto process = index_of(row.getColumn(1).getInt64(), processes_.size());
                 const auto method = method_from(row.getColumn(3).getString());
                 const bool has_query = !row.getColumn(6).isNull();
                 const auto query = index_of(row.getColumn(6).getInt64(), forms.size());
                 if (!is_next(snapshots, row) || !process || !method || (has_query && !query)) {
                     return Verdict::kBroken;
                 }
                 Snapshot summary{.taken_at_ns = row.getColumn(2).getInt64(),
                                  .method = *method,
                                  .pause_us = row.getColumn(4).getDouble(),
                                  .server_version_num = processes_[*process].server_version_num,
                                  .process = processes_[*process].info};
                 summary.process.state = optional_text(row, 5);
                 if (query) {
                     summary.process.query = forms[*query].text;
                 }
                 summary.process.rss_anon_bytes = row.getColumn(7).getInt64();
                 summary.process.rss_file_bytes = row.getColumn(8).getInt64();
                 summary.process.rss_shmem_bytes = row.getColumn(9).getInt64();
                 snapshots.push_back({.id = row.getColumn(0).getInt64(),
                                      .backend = processes_[*process].backend,
                                      .summary = std::move(summary)});
                 return Verdict::kNext;
             });
    }

    void load_explained() {
        each("explanation", "SELECT snapshot FROM explanation ORDER BY snapshot", [&](Row& row) {
            const std::int64_t id = row.getColumn(0).getInt64();
            if (!index_of(id, snapshots.size())) {
                return Verdict::kBroken;
            }
            explained.push_back(id);
            return Verdict::kNext;
        });
    }

    std::string path_;
    SQLite::Database database_;
    int version_ = 0;
    std::vector<Process> processes_;
};

RecordingFile::RecordingFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RecordingFile::RecordingFile(RecordingFile&&) noexcept = default;
RecordingFile& RecordingFile::operator=(RecordingFile&&) noexcept = default;
RecordingFile::~RecordingFile() = default;

Result<RecordingFile> RecordingFile::open(const std::string& path) {
    // SQLite's own sentence for all of these is "unable to open database file".
    struct stat status {};

    if (stat(path.c_str(), &status) != 0 || access(path.c_str(), R_OK) != 0) {
        return io_error(errno, fmt::format("cannot read the recording {}", path));
    }
    if (!S_ISREG(status.st_mode)) {
        return tl::unexpected(not_a_recording(path));
    }
    try {
        auto impl = std::make_unique<Impl>(path);
        if (std::optional<Error> refused = impl->check_format()) {
            return tl::unexpected(std::move(*refused));
        }
        impl->load();
        return RecordingFile(std::move(impl));
    } catch (const SQLite::Exception& exception) {
        return tl::unexpected(unreadable(path, exception));
    }
}

const std::vector<RecordedBackend>& RecordingFile::backends() const {
    return impl_->backends;
}

const std::vector<StatementForm>& RecordingFile::forms() const {
    return impl_->forms;
}

const std::vector<RecordedContext>& RecordingFile::contexts() const {
    return impl_->contexts;
}

const std::vector<RecordedSnapshot>& RecordingFile::snapshots() const {
    return impl_->snapshots;
}

const std::vector<std::int64_t>& RecordingFile::explained() const {
    return impl_->explained;
}

std::optional<Explanation> RecordingFile::explanation_of(std::int64_t id) {
    std::optional<Explanation> explanation;
    if (!std::ranges::binary_search(explained(), id)) {
        return explanation;
    }
    impl_->each("explanation",
                fmt::format("SELECT text_bytes, deflated FROM explanation WHERE snapshot = {}", id),
                [&](Row& row) {
                    const auto text = inflate_text({.text_bytes = row.getColumn(0).getInt64(),
                                                    .deflated = row.getColumn(1).getString()});
                    explanation = text ? explanation_from(*text) : std::nullopt;
                    return explanation ? Verdict::kNext : Verdict::kBroken;
                });
    return explanation;
}

std::string RecordingFile::statement_source() {
    std::string source = "none";
    impl_->each(
        "setting", "SELECT value FROM setting WHERE name = 'statement_source'", [&](Row& row) {
            source = row.getColumn(0).getString();
            return Verdict::kNext;
        });
    return source;
}

std::vector<std::optional<MemoryAllowance>> RecordingFile::allowances() {
    std::vector<std::optional<MemoryAllowance>> allowances(backends().size());
    if (impl_->has("allowance")) {
        impl_->each(
            "allowance", "SELECT backend, limit_bytes, left_bytes FROM allowance", [&](Row& row) {
                const auto backend = index_of(row.getColumn(0).getInt64(), allowances.size());
                if (!backend) {
                    return Verdict::kBroken;
                }
                allowances[*backend] = {.limit_bytes = row.getColumn(1).getInt64(),
                                        .left_bytes = row.getColumn(2).getInt64()};
                return Verdict::kNext;
            });
    }
    if (impl_->has("control_group")) {
        impl_->each("control_group", "SELECT backend, group_id FROM control_group", [&](Row& row) {
            const auto backend = index_of(row.getColumn(0).getInt64(), allowances.size());
            if (!backend || !allowances[*backend]) {
                return Verdict::kBroken;
            }
            allowances[*backend]->group_id =
                static_cast<std::uint64_t>(row.getColumn(1).getInt64());
            return Verdict::kNext;
        });
    }
    return allowances;
}

std::vector<ClockStep> RecordingFile::clock_steps() {
    std::vector<ClockStep> steps;
    if (impl_->has("clock_step")) {
        impl_->each(
            "clock_step", "SELECT at_ns, by_ns FROM clock_step ORDER BY rowid", [&](Row& row) {
                steps.push_back(
                    {.at_ns = row.getColumn(0).getInt64(), .by_ns = row.getColumn(1).getInt64()});
                return Verdict::kNext;
            });
    }
    return steps;
}

std::vector<std::optional<double>> RecordingFile::seen_shares() {
    std::vector<std::optional<double>> shares(backends().size());
    if (impl_->has("seen_share")) {
        impl_->each("seen_share", "SELECT backend, share FROM seen_share", [&](Row& row) {
            const auto backend = index_of(row.getColumn(0).getInt64(), shares.size());
            const double share = row.getColumn(1).getDouble();
            if (!backend || !(share > 0 && share <= 1)) {
                return Verdict::kBroken;
            }
            shares[*backend] = share;
            return Verdict::kNext;
        });
    }
    return shares;
}

std::vector<std::vector<ServerFact>> RecordingFile::server_facts() {
    std::vector<std::vector<ServerFact>> facts(backends().size());
    if (impl_->has("server_fact")) {
        impl_->each(
            "server_fact", "SELECT backend, kind, name, value FROM server_fact", [&](Row& row) {
                const auto backend = index_of(row.getColumn(0).getInt64(), facts.size());
                if (!backend) {
                    return Verdict::kBroken;
                }
                facts[*backend].push_back({.kind = row.getColumn(1).getString(),
                                           .name = row.getColumn(2).getString(),
                                           .value = row.getColumn(3).getString()});
                return Verdict::kNext;
            });
    }
    return facts;
}

std::vector<RecordedMiss> RecordingFile::missed() {
    std::vector<RecordedMiss> missed;
    impl_->each("missed", "SELECT backend, reason, times FROM missed", [&](Row& row) {
        const auto backend = index_of(row.getColumn(0).getInt64(), backends().size());
        const std::int64_t times = row.getColumn(2).getInt64();
        if (!backend || times < 0 || times > kMaxFigure) {
            return Verdict::kBroken;
        }
        missed.push_back(
            {.backend = *backend, .reason = row.getColumn(1).getString(), .times = times});
        return Verdict::kNext;
    });
    return missed;
}

std::vector<RecordedExecution> RecordingFile::executions() {
    std::vector<RecordedExecution> executions;
    const bool has_sightings = impl_->has("sighting");
    const bool has_blocks = impl_->has("transaction_block");
    impl_->each(
        "execution",
        fmt::format(
            "SELECT backend, form, seq, started_at_ns, ended_at_ns, error, {}, "
            "{} FROM execution{}{} ORDER BY id",
            has_sightings ? "after_ns, gap_ns" : "NULL, NULL",
            has_blocks ? "began_at_ns" : "NULL",
            has_sightings ? " LEFT JOIN sighting ON sighting.execution = id" : "",
            has_blocks ? " LEFT JOIN transaction_block ON transaction_block.execution = id" : ""),
        [&](Row& row) {
            const auto backend = index_of(row.getColumn(0).getInt64(), backends().size());
            const auto form = index_of(row.getColumn(1).getInt64(), forms().size());
            if (!backend || !form) {
                return Verdict::kBroken;
            }
            std::optional<Sighting> sighting;
            if (!row.getColumn(6).isNull()) {
                sighting = {.after_ns = row.getColumn(6).getInt64(),
                            .gap_ns = row.getColumn(7).getInt64()};
            }
            std::optional<std::int64_t> began_at_ns;
            if (!row.getColumn(8).isNull()) {
                began_at_ns = row.getColumn(8).getInt64();
            }
            executions.push_back(
                {.backend = *backend,
                 .record = {.form = *form,
                            .seq = row.getColumn(2).getInt64(),
                            .started_at_ns = row.getColumn(3).getInt64(),
                            .ended_at_ns = row.getColumn(4).getInt64(),
                            .failed = !row.getColumn(5).isNull(),
                            .in_vain = is_of_no_such_name(row.getColumn(5).getString()),
                            .sighting = sighting,
                            .transaction_began_at_ns = began_at_ns}});
            return Verdict::kNext;
        });
    return executions;
}

std::vector<std::string> RecordingFile::sessions() {
    std::vector<std::string> sessions(backends().size());
    impl_->each("execution",
                "SELECT backend, text FROM (SELECT backend, min(session) AS session FROM execution "
                "GROUP BY backend HAVING min(session) = max(session)) "
                "JOIN label ON label.id = session",
                [&](Row& row) {
                    const auto backend = index_of(row.getColumn(0).getInt64(), sessions.size());
                    if (!backend) {
                        return Verdict::kBroken;
                    }
                    sessions[*backend] = row.getColumn(1).getString();
                    return Verdict::kNext;
                });
    return sessions;
}

void RecordingFile::replay(const std::function<void(const RecordedChange&)>& on_change,
                           const std::function<bool(const RecordedSnapshot&)>& on_snapshot) {
    std::size_t done = 0;
    bool stopped = false;
    // A snapshot is whole when a row of a later one was met, or the last row.
    const auto finish_before = [&](std::int64_t id) {
        while (!stopped && done < snapshots().size() && snapshots()[done].id < id) {
            stopped = !on_snapshot(snapshots()[done]);
            ++done;
        }
    };
    const bool all = impl_->each(
        "change",
        "SELECT snapshot, context, place, total_bytes, total_nblocks, free_bytes, free_chunks "
        "FROM change ORDER BY snapshot, context",
        [&](Row& row) {
            finish_before(row.getColumn(0).getInt64());
            if (stopped) {
                return Verdict::kStop;
            }
            const auto context = index_of(row.getColumn(1).getInt64(), contexts().size());
            if (!context || done == snapshots().size() ||
                snapshots()[done].id != row.getColumn(0).getInt64() ||
                snapshots()[done].backend != contexts()[*context].backend) {
                return Verdict::kBroken;
            }
            RecordedChange change{.context = *context};
            if (!row.getColumn(2).isNull()) {
                const std::optional<ContextFigures> figures = figures_from(row, 3);
                if (!figures) {
                    return Verdict::kBroken;
                }
                change.now = {.place = row.getColumn(2).getInt64(), .figures = *figures};
            }
            on_change(change);
            return Verdict::kNext;
        });
    if (all) {
        finish_before(std::numeric_limits<std::int64_t>::max());
    }
}

std::vector<std::string> RecordingFile::notes() {
    std::vector<std::string> notes;
    impl_->each("note", "SELECT text FROM note ORDER BY id", [&](Row& row) {
        notes.push_back(row.getColumn(0).getString());
        return Verdict::kNext;
    });
    notes.insert(notes.end(), impl_->damage.begin(), impl_->damage.end());
    return notes;
}

}  // namespace palloscope
