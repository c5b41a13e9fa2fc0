#include "inspector/recording/writer.hpp"

#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>
#include <unordered_map>
#include <utility>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "inspector/model/explanation_json.hpp"
#include "inspector/model/time_text.hpp"
#include "inspector/recording/deflated_text.hpp"
#include "inspector/recording/format.hpp"
#include "inspector/recording/text_table.hpp"
#include "inspector/recording/tree_delta.hpp"
#include "inspector/statements/form.hpp"
#include "inspector/statements/form_cache.hpp"

namespace palloscope {

namespace {

using Clock = std::chrono::steady_clock;

// Readers hold their lock for moments only; a checkpoint that meets one waits for it.
constexpr int kBusyTimeoutMs = 5'000;
// A transaction that calls share is committed by the first call after so long.
constexpr std::chrono::milliseconds kLongestTransaction{100};

// Its statements as forms, whatever they are, and nothing of the snapshot.
Explanation with_forms(const Explanation& explanation) {
    Explanation masked = explanation;
    masked.snapshot = {};
    // The plans of a function that was compiled a thousand times are alike.
    FormCache forms;
    const auto mask = [&](std::string& query) { query = forms.form_of(query).text; };
    for (PreparedStatement& statement : masked.prepared_statements) {
        mask(statement.query);
    }
    for (KeptPlan& plan : masked.kept_plans) {
        mask(plan.query);
    }
    return masked;
}

// Nothing may refer to a context that comes after it.
Result<> check_order(const Snapshot& snapshot) {
    for (std::size_t i = 0; i < snapshot.tree.contexts.size(); ++i) {
        const std::optional<std::size_t>& parent = snapshot.tree.contexts[i].parent;
        if (parent && *parent >= i) {
            return failure(Error::Kind::kFailed,
                           fmt::format("cannot record backend {}: context {} of its tree stands "
                                       "before its parent",
                                       snapshot.process.pid,
                                       i + 1));
        }
    }
    return {};
}

}  // namespace

class RecordingWriter::Impl {
  public:
    // Throws SQLite::Exception.
    Impl(std::string path, std::string_view statement_source)
        : path_(std::move(path)),
          database_(path_, SQLite::OPEN_READWRITE, kBusyTimeoutMs),
          schema_(create_schema(database_, statement_source)) {}

    Impl(const Impl&) = delete;
    Impl(Impl&&) = delete;
    Impl& operator=(const Impl&) = delete;
    Impl& operator=(Impl&&) = delete;

    // Joins FILE-wal into FILE and leaves WAL mode, so that FILE can be read in a folder that
    // nobody may write to. Where a reader or a full disk stands in the way, both files stay, and
    // are valid.
    ~Impl() {
        (void)commit();
        database_.tryExec("PRAGMA journal_mode = DELETE");
    }

    void begin() { shared_ = true; }

    Result<> commit() {
        shared_ = false;
        return guarded([&] { commit_open(); });
    }

    template <typename Work>
    Result<> in_transaction(const Work& work) {
        return guarded([&] {
            if (!transaction_) {
                transaction_.emplace(database_);
                began_at_ = Clock::now();
            }
            work();
            if (!shared_ || Clock::now() - began_at_ >= kLongestTransaction) {
                commit_open();
            }
        });
    }

    void append(const Snapshot& snapshot) {
        Backend& backend = backend_of(snapshot.process.pid);
        const std::int64_t id = appended_.snapshots + 1;
        store_summary(id, snapshot, process_of(backend, snapshot));
        for (const ContextUpdate& change : backend.delta.advance(snapshot.tree)) {
            store_change(id, change);
        }
        appended_ = {.snapshots = id, .last_taken_at_ns = snapshot.taken_at_ns};
    }

    // To be called after the append of its snapshot.
    void append(const Explanation& explanation) {
        const DeflatedText text = deflate_text(explained_json(with_forms(explanation)));
        SQLite::Statement insert(database_, "INSERT INTO explanation VALUES (?, ?, ?)");
        insert.bind(1, appended_.snapshots);
        insert.bind(2, text.text_bytes);
        insert.bind(3, text.deflated.data(), static_cast<int>(text.deflated.size()));
        insert.exec();
    }

    void append(const Execution& execution) {
        const std::int64_t backend = backend_of(execution.backend_pid).id;
        insert_execution_.reset();
        insert_execution_.bind(1, backend);
        insert_execution_.bind(2, execution.seq);
        insert_execution_.bind(3, label_id(execution.session));
        insert_execution_.bind(4, label_id(execution.step));
        insert_execution_.bind(5, form_id(execution.form));
        insert_execution_.bind(6, execution.started_at_ns);
        insert_execution_.bind(7, execution.ended_at_ns);
        insert_execution_.bind(8, execution.rows);
        bind(insert_execution_, 9, execution.error);
        insert_execution_.exec();
        const std::int64_t execution_id = database_.getLastInsertRowid();
        if (execution.sighting) {
            insert_sighting_.reset();
            insert_sighting_.bind(1, execution_id);
            insert_sighting_.bind(2, execution.sighting->after_ns);
            insert_sighting_.bind(3, execution.sighting->gap_ns);
            insert_sighting_.exec();
        }
        if (execution.transaction_began_at_ns) {
            insert_transaction_block_.reset();
            insert_transaction_block_.bind(1, execution_id);
            insert_transaction_block_.bind(2, *execution.transaction_began_at_ns);
            insert_transaction_block_.exec();
        }
    }

    void missed(int pid, std::string_view reason, std::int64_t times) {
        SQLite::Statement statement(database_,
                                    "INSERT INTO missed VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
                                    "SET times = times + excluded.times");
        statement.bind(1, backend_of(pid).id);
        statement.bind(2, std::string(reason));
        statement.bind(3, times);
        statement.exec();
    }

    void allowance(int pid, const MemoryAllowance& allowance) {
        SQLite::Statement statement(database_, "INSERT OR REPLACE INTO allowance VALUES (?, ?, ?)");
        statement.bind(1, backend_of(pid).id);
        statement.bind(2, allowance.limit_bytes);
        statement.bind(3, allowance.left_bytes);
        statement.exec();
        SQLite::Statement group(database_, "INSERT OR REPLACE INTO control_group VALUES (?, ?)");
        group.bind(1, backend_of(pid).id);
        group.bind(2, static_cast<std::int64_t>(allowance.group_id));
        group.exec();
    }

    void seen_share(int pid, double share) {
        SQLite::Statement statement(database_, "INSERT OR REPLACE INTO seen_share VALUES (?, ?)");
        statement.bind(1, backend_of(pid).id);
        statement.bind(2, share);
        statement.exec();
    }

    void server_facts(int pid, std::span<const ServerFact> facts) {
        const std::int64_t backend = backend_of(pid).id;
        SQLite::Statement forget(database_, "DELETE FROM server_fact WHERE backend = ?");
        forget.bind(1, backend);
        forget.exec();
        SQLite::Statement insert(database_,
                                 "INSERT OR REPLACE INTO server_fact VALUES (?, ?, ?, ?)");
        for (const ServerFact& fact : facts) {
            insert.reset();
            insert.bind(1, backend);
            insert.bind(2, fact.kind);
            insert.bind(3, fact.name);
            insert.bind(4, fact.value);
            insert.exec();
        }
    }

    void clock_step(const ClockStep& step) {
        SQLite::Statement statement(database_, "INSERT INTO clock_step VALUES (?, ?)");
        statement.bind(1, step.at_ns);
        statement.bind(2, step.by_ns);
        statement.exec();
    }

    void end(int pid, std::string_view reason) {
        if (!backends_.contains(pid)) {
            return;
        }
        SQLite::Statement statement(database_, "UPDATE backend SET end_reason = ? WHERE id = ?");
        statement.bind(1, std::string(reason));
        statement.bind(2, backend_of(pid).id);
        statement.exec();
        backends_.erase(pid);
    }

    void note(std::string_view text) {
        SQLite::Statement statement(database_, "INSERT INTO note (text) VALUES (?)");
        statement.bind(1, std::string(text));
        statement.exec();
    }

    [[nodiscard]] std::int64_t snapshots() const { return appended_.snapshots; }

    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    struct Backend {
        std::int64_t id = 0;
        TreeDelta delta;
        // As in the last row of `process`, for which it is the row's id.
        std::optional<ProcessInfo> process;
        int server_version_num = 0;
        std::int64_t process_id = 0;
    };

    struct Progress {
        std::int64_t snapshots = 0;
        std::int64_t last_taken_at_ns = 0;
    };

    // After a failure nothing is written any more.
    template <typename Work>
    Result<> guarded(const Work& work) {
        if (!failed_) {
            try {
                work();
                return {};
            } catch (const SQLite::Exception& exception) {
                transaction_.reset();  // rolls back
                appended_ = committed_;
                failed_ = write_error(exception);
            }
        }
        return tl::unexpected(*failed_);
    }

    void commit_open() {
        if (transaction_) {
            transaction_->commit();
            transaction_.reset();
        }
        committed_ = appended_;
    }

    // Stands in the place of a member so that the statements after it find their tables.
    struct Schema {};

    static Schema create_schema(SQLite::Database& database, std::string_view statement_source) {
        SQLite::Transaction transaction(database);
        database.exec(fmt::format("PRAGMA application_id = {}", kRecordingApplicationId));
        database.exec(fmt::format("PRAGMA user_version = {}", kRecordingFormatVersion));
        for (const SchemaObject& object : kRecordingSchema) {
            database.exec(std::string(object.sql));
        }
        SQLite::Statement setting(database, "INSERT INTO setting VALUES ('statement_source', ?)");
        setting.bind(1, std::string(statement_source));
        setting.exec();
        transaction.commit();
        // From here on readers and a killed writer do not disturb each other. NORMAL syncs only at
        // checkpoints: a crash of the machine may cost the last moments, never the file.
        database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
        return {};
    }

    [[nodiscard]] Error write_error(const SQLite::Exception& exception) const {
        const std::string kept =
            committed_.snapshots == 0
                ? "it holds no snapshot yet"
                : fmt::format("it is valid up to its last snapshot, number {} of {}",
                              committed_.snapshots,
                              iso_time_text(committed_.last_taken_at_ns));
        return {.kind = Error::Kind::kFailed,
                .message = fmt::format(
                    "cannot write to the recording {}: {}; {}", path_, exception.what(), kept),
                .hint = exception.getErrorCode() == SQLITE_FULL
                            ? "free some space, then start a new recording"
                            : ""};
    }

    static void bind(SQLite::Statement& statement,
                     int index,
                     const std::optional<std::string>& text) {
        if (text) {
            statement.bind(index, *text);
        } else {
            statement.bind(index);
        }
    }

    Backend& backend_of(int pid) {
        if (const auto found = backends_.find(pid); found != backends_.end()) {
            return found->second;
        }
        SQLite::Statement insert(database_, "INSERT INTO backend (pid) VALUES (?)");
        insert.bind(1, pid);
        insert.exec();
        const std::int64_t id = database_.getLastInsertRowid();
        TreeDelta delta(
            [this, id](const ContextIdentity& identity) { return context_id(id, identity); });
        return backends_.emplace(pid, Backend{.id = id, .delta = std::move(delta)}).first->second;
    }

    std::int64_t process_of(Backend& backend, const Snapshot& snapshot) {
        // Only what the table holds is to be compared.
        ProcessInfo process = snapshot.process;
        process.state.reset();
        process.query.reset();
        process.rss_anon_bytes = process.rss_file_bytes = process.rss_shmem_bytes = 0;
        if (backend.process == process &&
            backend.server_version_num == snapshot.server_version_num) {
            return backend.process_id;
        }
        SQLite::Statement insert(
            database_,
            "INSERT INTO process (backend, server_version_num, backend_type, database, user, "
            "application_name) VALUES (?, ?, ?, ?, ?, ?)");
        insert.bind(1, backend.id);
        insert.bind(2, snapshot.server_version_num);
        insert.bind(3, process.backend_type);
        bind(insert, 4, process.database);
        bind(insert, 5, process.user);
        bind(insert, 6, process.application_name);
        insert.exec();
        backend.process_id = database_.getLastInsertRowid();
        backend.process = std::move(process);
        backend.server_version_num = snapshot.server_version_num;
        return backend.process_id;
    }

    void store_summary(std::int64_t id, const Snapshot& snapshot, std::int64_t process_id) {
        insert_snapshot_.reset();
        insert_snapshot_.bind(1, id);
        insert_snapshot_.bind(2, process_id);
        insert_snapshot_.bind(3, snapshot.taken_at_ns);
        insert_snapshot_.bind(4, std::string(to_string(snapshot.method)));
        insert_snapshot_.bind(5, snapshot.pause_us);
        bind(insert_snapshot_, 6, snapshot.process.state);
        if (snapshot.process.query) {
            insert_snapshot_.bind(7, form_id(queries_.form_of(*snapshot.process.query)));
        } else {
            insert_snapshot_.bind(7);
        }
        insert_snapshot_.bind(8, snapshot.process.rss_anon_bytes);
        insert_snapshot_.bind(9, snapshot.process.rss_file_bytes);
        insert_snapshot_.bind(10, snapshot.process.rss_shmem_bytes);
        insert_snapshot_.exec();
    }

    void store_change(std::int64_t snapshot, const ContextUpdate& change) {
        insert_change_.reset();
        insert_change_.clearBindings();
        insert_change_.bind(1, snapshot);
        insert_change_.bind(2, change.context);
        if (change.now) {
            const ContextFigures& figures = change.now->figures;
            insert_change_.bind(3, change.now->place);
            insert_change_.bind(4, figures.total_bytes);
            insert_change_.bind(5, figures.total_nblocks);
            insert_change_.bind(6, figures.free_bytes);
            insert_change_.bind(7, figures.free_chunks);
        }
        insert_change_.exec();
    }

    // Both statements have their values bound.
    std::int64_t find_or_insert(SQLite::Statement& find, SQLite::Statement& insert) {
        std::optional<std::int64_t> id;
        if (find.executeStep()) {
            id = find.getColumn(0).getInt64();
        }
        // A statement in the middle of its rows would hold a lock beyond the transaction.
        find.reset();
        if (!id) {
            insert.exec();
            id = database_.getLastInsertRowid();
        }
        return *id;
    }

    std::int64_t context_id(std::int64_t backend, const ContextIdentity& identity) {
        const std::string name(identity.name);
        const std::optional<std::string> ident =
            identity.ident ? std::optional<std::string>(*identity.ident) : std::nullopt;
        const std::string type(to_string(identity.type));
        for (SQLite::Statement* const statement : {&find_context_, &insert_context_}) {
            statement->reset();
            statement->bind(1, backend);
            statement->bind(2, identity.parent);
            statement->bind(3, name);
            bind(*statement, 4, ident);
            statement->bind(5, type);
            statement->bind(6, identity.ordinal);
        }
        return find_or_insert(find_context_, insert_context_);
    }

    std::int64_t form_id(const StatementForm& form) {
        return forms_.id_of(form.fingerprint, [&] {
            // A form is a fixed point, so this changes nothing but the text that is none.
            const StatementForm masked = statement_form(form.text);
            find_form_.reset();
            find_form_.bind(1, masked.fingerprint);
            insert_form_.reset();
            insert_form_.bind(1, masked.text);
            insert_form_.bind(2, masked.fingerprint);
            insert_form_.bind(3, masked.family);
            return find_or_insert(find_form_, insert_form_);
        });
    }

    std::int64_t label_id(const std::string& text) {
        return labels_.id_of(text, [&] {
            find_label_.reset();
            find_label_.bind(1, text);
            insert_label_.reset();
            insert_label_.bind(1, text);
            return find_or_insert(find_label_, insert_label_);
        });
    }

    std::string path_;
    SQLite::Database database_;
    Schema schema_;
    SQLite::Statement insert_snapshot_{
        database_, "INSERT INTO snapshot VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
    SQLite::Statement insert_change_{database_, "INSERT INTO change VALUES (?, ?, ?, ?, ?, ?, ?)"};
    SQLite::Statement find_context_{
        database_,
        "SELECT id FROM context WHERE backend = ? AND parent = ? AND name = ? AND ident IS ? "
        "AND type = ? AND ordinal = ?"};
    SQLite::Statement insert_context_{
        database_,
        "INSERT INTO context (backend, parent, name, ident, type, ordinal) "
        "VALUES (?, ?, ?, ?, ?, ?)"};
    SQLite::Statement find_form_{database_, "SELECT id FROM form WHERE fingerprint = ?"};
    SQLite::Statement insert_form_{database_,
                                   "INSERT INTO form (text, fingerprint, family) VALUES (?, ?, ?)"};
    SQLite::Statement find_label_{database_, "SELECT id FROM label WHERE text = ?"};
    SQLite::Statement insert_label_{database_, "INSERT INTO label (text) VALUES (?)"};
    SQLite::Statement insert_execution_{
        database_,
        "INSERT INTO execution (backend, seq, session, step, form, started_at_ns, ended_at_ns, "
        "row_count, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"};
    SQLite::Statement insert_sighting_{database_, "INSERT INTO sighting VALUES (?, ?, ?)"};
    SQLite::Statement insert_transaction_block_{database_,
                                                "INSERT INTO transaction_block VALUES (?, ?)"};

    FormCache queries_;
    TextTable forms_;
    TextTable labels_;
    std::unordered_map<int, Backend> backends_;  // those whose recording goes on, by PID
    Progress appended_;
    Progress committed_;
    bool shared_ = false;  // calls leave their transaction open
    std::optional<SQLite::Transaction> transaction_;
    Clock::time_point began_at_;  // of that
    std::optional<Error> failed_;
};

Result<RecordingWriter> RecordingWriter::create(const std::string& path,
                                                ExistingFile existing,
                                                std::string_view statement_source) {
    if (Result<> made = make_recording_file(path, existing); !made) {
        return tl::unexpected(std::move(made).error());
    }
    try {
        return RecordingWriter(std::make_unique<Impl>(path, statement_source));
    } catch (const SQLite::Exception& exception) {
        return failure(Error::Kind::kFailed,
                       fmt::format("cannot create the recording {}: {}", path, exception.what()));
    }
}

RecordingWriter::RecordingWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RecordingWriter::RecordingWriter(RecordingWriter&&) noexcept = default;
RecordingWriter& RecordingWriter::operator=(RecordingWriter&&) noexcept = default;

RecordingWriter::~RecordingWriter() = default;

void RecordingWriter::begin() {
    impl_->begin();
}

Result<> RecordingWriter::commit() {
    return impl_->commit();
}

Result<> RecordingWriter::append(const Snapshot& snapshot) {
    if (Result<> checked = check_order(snapshot); !checked) {
        return checked;
    }
    return impl_->in_transaction([&] { impl_->append(snapshot); });
}

Result<> RecordingWriter::append(const Explanation& explanation) {
    if (Result<> checked = check_order(explanation.snapshot); !checked) {
        return checked;
    }
    return impl_->in_transaction([&] {
        impl_->append(explanation.snapshot);
        impl_->append(explanation);
    });
}

Result<> RecordingWriter::append(std::span<const Execution> executions) {
    return impl_->in_transaction([&] {
        for (const Execution& execution : executions) {
            impl_->append(execution);
        }
    });
}

Result<> RecordingWriter::missed(std::span<const int> pids,
                                 std::string_view reason,
                                 std::int64_t times) {
    return impl_->in_transaction([&] {
        for (const int pid : pids) {
            impl_->missed(pid, reason, times);
        }
    });
}

Result<> RecordingWriter::allowance(int pid, const MemoryAllowance& allowance) {
    return impl_->in_transaction([&] { impl_->allowance(pid, allowance); });
}

Result<> RecordingWriter::seen_share(int pid, double share) {
    return impl_->in_transaction([&] { impl_->seen_share(pid, share); });
}

Result<> RecordingWriter::server_facts(int pid, std::span<const ServerFact> facts) {
    return impl_->in_transaction([&] { impl_->server_facts(pid, facts); });
}

Result<> RecordingWriter::clock_step(const ClockStep& step) {
    return impl_->in_transaction([&] { impl_->clock_step(step); });
}

Result<> RecordingWriter::end(int pid, std::string_view reason) {
    return impl_->in_transaction([&] { impl_->end(pid, reason); });
}

Result<> RecordingWriter::note(std::string_view text) {
    return impl_->in_transaction([&] { impl_->note(text); });
}

std::int64_t RecordingWriter::snapshots() const {
    return impl_->snapshots();
}

std::int64_t RecordingWriter::bytes() const {
    std::int64_t total = 0;
    for (const char* const suffix : {"", "-wal"}) {
        std::error_code missing;
        const std::uintmax_t size = std::filesystem::file_size(path() + suffix, missing);
        total += missing ? 0 : static_cast<std::int64_t>(size);
    }
    return total;
}

const std::string& RecordingWriter::path() const {
    return impl_->path();
}

}  // namespace palloscope
