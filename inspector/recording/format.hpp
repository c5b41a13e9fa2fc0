#pragma once

#include <array>
#include <string_view>

// The recording file, a SQLite database: what writer and reader agree on. Not for other modules.
//
// Delta-coded: a context's identity (its place in the tree of names, ident, type, and its ordinal
// among siblings that are alike in all of these) stands once in `context`; `change` has a row only
// for the contexts of which something changed since the backend's snapshot before.
//
//   setting    what the recording as a whole was made with: statement_source
//   note       sentences for the reader of a report, in the order of time
//   backend    one row a backend; end_reason is null until its recording has ended
//   missed     how often a due snapshot was not taken, and why
//   process    what a backend is; a new row when any of it changes (a client may rename itself)
//   snapshot   in the order of id; process names the backend, query is a form
//   context    ids count up from 1; parents before children, the root's parent is 0. ordinal counts
//              alike siblings from the oldest, so that it stays when a new one is created
//   change     the state of a context as of a snapshot. Siblings stand in the order of place, which
//              may be negative. All figures null: the context vanished. used_bytes is not stored:
//              it is total_bytes - free_bytes. In the order of the primary key, never read
//              otherwise
//   explanation what the bytes of the backend were at a snapshot: explained_json()
//              (model/explanation_json.hpp) as a DeflatedText
//   form, label  texts stored once: statements' forms, names of sessions and steps
//   execution  statements, as their source tells them
//   allowance  the memory that a backend's control group may have, as at the last look
//   control_group which group that is
//   clock_step when the machine's clock was set, and by how much
//   server_fact what the server said of itself and of the backend, as at the last look
//   sighting   of an execution that was seen by looking now and then (Sighting)
//   transaction_block in which an execution was seen
//   seen_share of all executions of a backend, the part that was seen
//
// Texts are bytes in the server's encoding, whatever SQLite thinks of them.
namespace palloscope {

// "Pals", at offset 68 of the file: file(1) and the reader know a recording by it.
inline constexpr int kRecordingApplicationId = 0x50616c73;
// To be raised with every change of the schema; a reader refuses versions above its own.
inline constexpr int kRecordingFormatVersion = 7;

struct SchemaObject {
    std::string_view name;
    std::string_view sql;
    int since = 1;  // the first version that has it
};

// The reader wants to find exactly these, so that a file made by somebody else cannot have a view
// or a virtual table in the place of one of ours.
inline constexpr std::array<SchemaObject, 21> kRecordingSchema{{
    {"setting",
     "CREATE TABLE setting (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"},
    {"note", "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"},
    {"backend",
     "CREATE TABLE backend (id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, end_reason TEXT)"},
    {"missed",
     "CREATE TABLE missed (backend INTEGER NOT NULL, reason TEXT NOT NULL, times INTEGER NOT NULL, "
     "PRIMARY KEY (backend, reason)) WITHOUT ROWID"},
    {"process",
     "CREATE TABLE process (id INTEGER PRIMARY KEY, backend INTEGER NOT NULL, "
     "server_version_num INTEGER NOT NULL, backend_type TEXT NOT NULL, database TEXT, user TEXT, "
     "application_name TEXT)"},
    {"snapshot",
     "CREATE TABLE snapshot (id INTEGER PRIMARY KEY, process INTEGER NOT NULL, "
     "taken_at_ns INTEGER NOT NULL, method TEXT NOT NULL, pause_us REAL NOT NULL, state TEXT, "
     "query INTEGER, rss_anon_bytes INTEGER NOT NULL, rss_file_bytes INTEGER NOT NULL, "
     "rss_shmem_bytes INTEGER NOT NULL)"},
    {"context",
     "CREATE TABLE context (id INTEGER PRIMARY KEY, backend INTEGER NOT NULL, "
     "parent INTEGER NOT NULL, name TEXT NOT NULL, ident TEXT, type TEXT NOT NULL, "
     "ordinal INTEGER NOT NULL)"},
    {"context_identity",
     "CREATE INDEX context_identity ON context (backend, parent, name, ident, type, ordinal)"},
    {"change",
     "CREATE TABLE change (snapshot INTEGER NOT NULL, context INTEGER NOT NULL, place INTEGER, "
     "total_bytes INTEGER, total_nblocks INTEGER, free_bytes INTEGER, free_chunks INTEGER, "
     "PRIMARY KEY (snapshot, context)) WITHOUT ROWID"},
    {"form",
     "CREATE TABLE form (id INTEGER PRIMARY KEY, text TEXT NOT NULL, fingerprint TEXT NOT NULL, "
     "family TEXT NOT NULL)"},
    {"form_fingerprint", "CREATE UNIQUE INDEX form_fingerprint ON form (fingerprint)"},
    {"label", "CREATE TABLE label (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)"},
    {"execution",
     "CREATE TABLE execution (id INTEGER PRIMARY KEY, backend INTEGER NOT NULL, "
     "seq INTEGER NOT NULL, session INTEGER NOT NULL, step INTEGER NOT NULL, form INTEGER NOT "
     "NULL, "
     "started_at_ns INTEGER NOT NULL, ended_at_ns INTEGER NOT NULL, row_count INTEGER NOT NULL, "
     "error TEXT)"},
    {"explanation",
     "CREATE TABLE explanation (snapshot INTEGER PRIMARY KEY, text_bytes INTEGER NOT NULL, "
     "deflated BLOB NOT NULL)",
     2},
    {"sighting",
     "CREATE TABLE sighting (execution INTEGER PRIMARY KEY, after_ns INTEGER NOT NULL, "
     "gap_ns INTEGER NOT NULL)",
     3},
    {"allowance",
     "CREATE TABLE allowance (backend INTEGER PRIMARY KEY, limit_bytes INTEGER NOT NULL, "
     "left_bytes INTEGER NOT NULL)",
     3},
    {"server_fact",
     "CREATE TABLE server_fact (backend INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, "
     "value TEXT NOT NULL, PRIMARY KEY (backend, kind, name)) WITHOUT ROWID",
     4},
    {"seen_share", "CREATE TABLE seen_share (backend INTEGER PRIMARY KEY, share REAL NOT NULL)", 5},
    {"transaction_block",
     "CREATE TABLE transaction_block (execution INTEGER PRIMARY KEY, began_at_ns INTEGER NOT NULL)",
     6},
    {"control_group",
     "CREATE TABLE control_group (backend INTEGER PRIMARY KEY, group_id INTEGER NOT NULL)",
     7},
    {"clock_step", "CREATE TABLE clock_step (at_ns INTEGER NOT NULL, by_ns INTEGER NOT NULL)", 7},
}};

}  // namespace palloscope
