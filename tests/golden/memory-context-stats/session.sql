-- What scripts/update-goldens runs in a backend before it takes its MemoryContextStats: everything
-- that ever made a parser of that text stumble. PALLOSCOPE_CAPTURE is the command that takes it.
\set ON_ERROR_STOP on
\set VERBOSITY terse
set client_min_messages = error;
create extension if not exists plpgsql;

-- Names of relations: up to 10 they are the names of contexts, from 11 the idents of "index info".
create table "say ""hi"": %s %n" (id int);
create index "colon: ; and ""quotes"" 'single' \ %s" on "say ""hi"": %s %n" (id);
create index "two
lines" on "say ""hi"": %s %n" (id);
create index "ends in figures: 8192 total in 1 blocks" on "say ""hi"": %s %n" (id);
create index "free (2 chunks); 4096 used" on "say ""hi"": %s %n" (id);
create index "  begins with blanks" on "say ""hi"": %s %n" (id);
create index "Slab: no slab" on "say ""hi"": %s %n" (id);
create index "Grand total: 1 bytes in 1 blocks" on "say ""hi"": %s %n" (id);
create index "sixty-three bytes 34567890123456789012345678901234567890123456789" on "say ""hi"": %s %n" (id);
\set latin1 `printf '"caf\351 \303\251 \201\377"'`
create index :latin1 on "say ""hi"": %s %n" (id);
create table many (id int);
select format('create index many_%s on many (id)', i) from generate_series(1, 110) i \gexec
create table wide (id int, filler text);
insert into wide select i, repeat('x', 100) from generate_series(1, 20000) i;

-- A rule, a partitioned table, a function.
create view v as select * from wide;
create table p (id int) partition by range (id);
create table p1 partition of p for values from (0) to (10);
create function f(a int, "b:c" text) returns int language plpgsql as $$
begin
    perform count(*) from many where id = a;
    return a;
end $$;

-- A new session: it holds what it touches, not what the DDL above left behind.
\c
\set VERBOSITY terse
select * from "say ""hi"": %s %n", many, v, p where false;
select f(1, 'x');

-- Prepared statements: text of several lines, text longer than 100 bytes, bytes that are no UTF-8.
prepare "lines" as select 1,
	2,
    'a: 8192 total in 1 blocks; 10 free (1 chunks); 8182 used';
prepare "short" as select 1;
prepare "long" as select 'one hundred bytes and more, so that the server cuts it and puts three dots there';
\set latin1 `printf 'caf\351 \303\251 \201\377'`
prepare "latin1" as select :'latin1';
prepare "planned" (int) as select * from wide where id = $1;
execute planned(1);
execute planned(1);
execute planned(1);
execute planned(1);
execute planned(1);
execute planned(1);
execute planned(1);

-- Open cursors: a sort and a hash aggregate at work, one held, one with a strange name.
begin;
declare sorting cursor for select * from wide order by filler, id desc;
fetch 1 from sorting;
declare hashing cursor for select id % 1000, count(*) from wide group by 1;
fetch 1 from hashing;
declare "cursor: 'x' %s
second line" cursor for select 1;
fetch 1 from "cursor: 'x' %s
second line";
savepoint s;
select pg_backend_pid() as pid \gset
\setenv PID :pid
\! eval "$PALLOSCOPE_CAPTURE"
