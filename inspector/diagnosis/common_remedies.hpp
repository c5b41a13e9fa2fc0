#pragma once

// Remedies that several causes share. Each was tried with the drivers of Debian 12, on PostgreSQL
// 15, by the number of what the remedy is to bound, and by the PIDs of the backends that served.

namespace palloscope {

// Unlike pgbouncer's server_lifetime, these end connections that are busy, too.
inline constexpr const char* kPoolsThatEndConnectionsByAge =
    "HikariCP's maxLifetime, pgx's MaxConnLifetime, psycopg_pool's max_lifetime and SQLAlchemy's "
    "pool_recycle end a connection by its age when it comes back to the pool";

}  // namespace palloscope
