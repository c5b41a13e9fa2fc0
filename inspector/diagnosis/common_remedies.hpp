#pragma once

namespace palloscope {

// The remedy of every cause whose memory goes with the backend alone: how connections are ended
// that a pool keeps. Of HikariCP, pgx, psycopg_pool, SQLAlchemy and pgbouncer it was tried, with
// those of Debian 12 on PostgreSQL 15, by the PIDs of the backends that served. Sequel closes an
// expired connection when the next one asks for it (connection_expiration.rb), ActiveRecord one
// that nobody uses, at the next round of its reaper (connection_pool.rb, retire_old_connections).
inline constexpr const char* kPoolsThatEndConnectionsByAge =
    "A pool ends connections by their age, between two uses: HikariCP's maxLifetime, pgx's "
    "MaxConnLifetime, psycopg_pool's max_lifetime, SQLAlchemy's pool_recycle, Sequel's "
    "connection_expiration extension, ActiveRecord's max_age (Rails 8.1 and later; before, "
    "connection_pool.disconnect! now and then). pgbouncer's server_lifetime does so with pool_mode "
    "= transaction; with pool_mode = session neither it nor server_idle_timeout ends a connection "
    "that a client holds.";

}  // namespace palloscope
