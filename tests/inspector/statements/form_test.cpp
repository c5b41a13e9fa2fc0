#include "inspector/statements/form.hpp"

#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/statements/token.hpp"

namespace palloscope {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string text_of(std::string_view sql) {
    return statement_form(sql).text;
}

TEST(StatementForm, ReplacesLiteralsOfEveryKindInOrder) {
    EXPECT_EQ(text_of("SELECT 'a', 2, 3.5, 1e9, B'101', X'1F', E'x\\'y', U&'d\\0061', N'n'"),
              "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9");
    EXPECT_EQ(text_of("SELECT $$body$$, $tag$it's $$ here$tag$"), "SELECT $1, $2");
    EXPECT_EQ(text_of("SELECT -1, +2.5, - 3"), "SELECT -$1, +$2, - $3");
    EXPECT_EQ(text_of("SELECT 'it''s', 'two'\n'lines'"), "SELECT $1, $2");
    EXPECT_EQ(text_of("SELECT U&'x' UESCAPE '!', U&\"d!0061t\" UESCAPE '!' FROM t"),
              "SELECT $1 UESCAPE $2, U&\"d!0061t\" UESCAPE $3 FROM t");
}

TEST(StatementForm, NumbersParametersInTheSameSequence) {
    EXPECT_EQ(text_of("SELECT $2, 'a', $1"), "SELECT $1, $2, $3");
    EXPECT_EQ(statement_form("SELECT 'a', 'b'"), statement_form("SELECT $1, $2"));
}

TEST(StatementForm, LeavesEverythingElseAsItWasWritten) {
    EXPECT_EQ(text_of("Select \"Mixed Case\".Col::TEXT From T Where j ? 'k' AND j ?| array['x']"),
              "Select \"Mixed Case\".Col::TEXT From T Where j ? $1 AND j ?| array[$2]");
    EXPECT_EQ(text_of("SELECT f(1,2), numeric(10,2)"), "SELECT f($1,$2), numeric($3,$4)");
    EXPECT_EQ(text_of("SELECT '{}'::jsonb, CAST('1' AS int), date '2020-01-01'"),
              "SELECT $1::jsonb, CAST($2 AS int), date $3");
}

TEST(StatementForm, DropsCommentsWhiteSpaceAndTrailingSemicolons) {
    EXPECT_EQ(text_of("/* hint /* nested 'x */ */ SELECT\t1 -- it's\n\n FROM  t ; ;\n"),
              "SELECT $1 FROM t");
    EXPECT_EQ(text_of("SELECT/**/a"), "SELECT a");
    EXPECT_EQ(text_of("SELECT 1; SELECT 2;"), "SELECT $1; SELECT $2");
    EXPECT_EQ(text_of("-- nothing but a comment"), "");
    EXPECT_EQ(text_of(""), "");
}

TEST(StatementForm, KeepsPlaceholdersApartFromTheirNeighbours) {
    EXPECT_EQ(text_of("SELECT'a'FROM t"), "SELECT $1 FROM t");
    EXPECT_EQ(text_of("SELECT a'b'"), "SELECT a $1");
    EXPECT_EQ(text_of("SELECT 1.5.5"), "SELECT $1 $2");
}

TEST(StatementForm, FoldsListsOfConstants) {
    EXPECT_EQ(text_of("SELECT 1 WHERE a IN (1, 2,3) AND b = 4"),
              "SELECT $1 WHERE a IN ($2, ...) AND b = $3");
    EXPECT_EQ(text_of("SELECT 1 WHERE a in ('x'::text, NULL, -$3)"),
              "SELECT $1 WHERE a in ($2::text, ...)");
    EXPECT_EQ(text_of("DELETE FROM t WHERE (a, b) IN ((1, 2), (3, 4))"),
              "DELETE FROM t WHERE (a, b) IN (($1, $2), ...)");
    EXPECT_EQ(text_of("SELECT ARRAY[1,2,3]::int[]"), "SELECT ARRAY[$1, ...]::int[]");
    EXPECT_EQ(text_of("SELECT ARRAY[[1,2],[3,4]]"), "SELECT ARRAY[[$1,$2], ...]");
    EXPECT_EQ(text_of("INSERT INTO t (a) VALUES (1, 'x'), (DEFAULT, 'y'), (3, 'z') RETURNING a"),
              "INSERT INTO t (a) VALUES ($1, $2), ... RETURNING a");
}

TEST(StatementForm, FoldsNoListThatHoldsMoreThanConstants) {
    EXPECT_EQ(text_of("SELECT 1 WHERE a IN (1, b)"), "SELECT $1 WHERE a IN ($2, b)");
    EXPECT_EQ(text_of("SELECT 1 WHERE a IN (1)"), "SELECT $1 WHERE a IN ($2)");
    EXPECT_EQ(text_of("INSERT INTO t VALUES (1), (f(2))"), "INSERT INTO t VALUES ($1), (f($2))");
    EXPECT_EQ(text_of("INSERT INTO t VALUES (1, 2)"), "INSERT INTO t VALUES ($1, $2)");
}

TEST(StatementForm, HidesTheBodiesOfFunctionsAndBlocks) {
    EXPECT_EQ(text_of("DO $$BEGIN PERFORM 'secret'; END$$"), "DO $1");
    EXPECT_EQ(text_of("CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $_$SELECT 'secret'$_$;"),
              "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $1");
}

TEST(StatementForm, HidesTheSecretsThatPgQueryNormalizeLetsThrough) {
    for (const std::string_view sql : {
             "PREPARE x AS SELECT 'secret'",
             "EXECUTE x('secret')",
             "CALL p('secret')",
             "NOTIFY c, 'secret'",
             "COMMENT ON TABLE t IS 'secret'",
             "CREATE TABLE t AS SELECT 'secret' AS a",
             "CREATE TABLE t (a text DEFAULT 'secret')",
             "CREATE USER MAPPING FOR u SERVER s OPTIONS (password 'secret')",
             "ALTER SYSTEM SET primary_conninfo = 'secret'",
             "ALTER ROLE u PASSWORD 'secret'",
             "COPY t FROM '/secret' (NULL 'secret')",
             "SELECT 1 -- secret",
             "SELECT 1 /* secret */ FROM",
         }) {
        EXPECT_THAT(text_of(sql), Not(HasSubstr("secret"))) << sql;
        EXPECT_NE(text_of(sql), "") << sql;
    }
}

TEST(StatementForm, ShowsOnlyTheLeadingKeywordsOfTextThatCannotBeTokenised) {
    EXPECT_EQ(text_of("SELECT 'secret"), "SELECT");
    EXPECT_EQ(text_of("CREATE TABLE secret (a text DEFAULT 'x"), "CREATE TABLE");
    EXPECT_EQ(text_of("/* app */ select distinct secret, $a$ secret"), "select distinct");
    EXPECT_EQ(text_of("SELECT /* secret"), "SELECT");
    EXPECT_EQ(text_of("SELECT \"secret"), "SELECT");
    EXPECT_EQ(text_of("SELECT e'secret"), "SELECT");
    EXPECT_EQ(text_of("secret 'secret"), "");
    EXPECT_EQ(text_of("'secret' SELECT 'secret"), "");
    EXPECT_EQ(text_of("SELECT 12secret"), "SELECT");
}

TEST(StatementForm, DoesNotTrustAStringThatEndsBehindABackslash) {
    // With standard_conforming_strings off this is one string, then the bare text "secret".
    EXPECT_EQ(text_of("SELECT 'a\\', secret, ' '"), "SELECT");
    EXPECT_EQ(text_of("SELECT N'a\\', secret, ' '"), "SELECT");
    EXPECT_EQ(text_of("SELECT U&'a\\', secret, ' '"), "SELECT");
    EXPECT_EQ(text_of("SELECT E'a\\', secret, '"), "SELECT $1");
    EXPECT_EQ(text_of("SELECT 'c:\\temp', $$\\'$$"), "SELECT $1, $2");
}

TEST(StatementForm, TakesAnyBytes) {
    EXPECT_EQ(text_of(std::string_view("SELECT 'x\0y', 'z'", 17)), "SELECT");
    EXPECT_EQ(text_of("SELECT '\xff\xfe', \"\xe9\" FROM \xc3\xa9t\xc3\xa9"),
              "SELECT $1, \"\xe9\" FROM \xc3\xa9t\xc3\xa9");
    EXPECT_EQ(text_of("SELECT E'\\xff'"), "SELECT");
    EXPECT_EQ(text_of("SELECT \v 1"), "SELECT");
}

TEST(StatementForm, ShowsOnlyTheLeadingKeywordsOfTextsBeyondTheCap) {
    const std::string list(kMaxStatementBytes - 7, 'x');
    EXPECT_EQ(text_of("SELECT " + list).size(), kMaxStatementBytes);
    EXPECT_EQ(text_of("SELECT x" + list), "SELECT");
    std::string keywords;
    while (keywords.size() <= kMaxStatementBytes) {
        keywords += "select ";
    }
    EXPECT_EQ(text_of(keywords), "select select select select select select select select");
}

TEST(StatementForm, SurvivesDeepNesting) {
    const std::string open(100'000, '(');
    EXPECT_EQ(text_of("VALUES " + open + "1").size(), 7 + open.size() + 2);
}

TEST(StatementForm, GivesEqualFingerprintsExactlyToEqualForms) {
    const StatementForm one = statement_form("SELECT * FROM t WHERE a = 1");
    EXPECT_EQ(one.fingerprint, statement_form("SELECT * FROM t  WHERE a = 'x';").fingerprint);
    EXPECT_NE(one.fingerprint, statement_form("SELECT * FROM t WHERE b = 1").fingerprint);
    // Fixed for ever: recordings of different releases are compared by it.
    EXPECT_EQ(one.fingerprint, "5c0f6d47d25c538f");
    EXPECT_EQ(statement_form("").fingerprint.size(), 16U);
}

TEST(StatementForm, GathersGeneratedIdentifiersInAFamily) {
    EXPECT_EQ(statement_form("DROP SCHEMA \"policy_loader_3f2a9c1d0e\" CASCADE").family,
              "DROP SCHEMA \"policy_loader_*\" CASCADE");
    EXPECT_EQ(statement_form("CREATE SCHEMA policy_loader_17").family,
              statement_form("CREATE SCHEMA policy_loader_204").family);
    EXPECT_EQ(statement_form("SELECT 'a', t1.b FROM t1").family, "SELECT $1, t*.b FROM t*");
    EXPECT_EQ(statement_form("SELECT added FROM feed").family, "SELECT added FROM feed");
    EXPECT_EQ(statement_form("SELECT 'unterminated").family, "SELECT");
}

// Random texts of pieces that open, close and look like literals.
std::string random_sql(std::mt19937& random) {
    static constexpr std::array<std::string_view, 44> kPieces{
        "'",     "\"",     "$$", "$a$",  "$",    "E'", "U&'", "U&\"",    "N'",  "B'", "x'",
        "\\",    "--",     "\n", "/*",   "*/",   " ",  "(",   ")",       "[",   "]",  ",",
        ";",     "::",     ".",  "...",  "1",    "-",  "+",   "$1",      "abc", "IN", "VALUES",
        "ARRAY", "SELECT", "?",  "\xff", "NULL", "e",  "1e5", "UESCAPE", "''",  "\t", "7.",
    };
    std::uniform_int_distribution<std::size_t> piece(0, kPieces.size() - 1);
    std::uniform_int_distribution<int> length(1, 24);
    std::string sql;
    for (int i = length(random); i > 0; --i) {
        sql += kPieces.at(piece(random));
    }
    return sql;
}

TEST(StatementForm, OfAFormIsTheFormItself) {
    std::mt19937 random(20261123);
    for (int i = 0; i < 200'000; ++i) {
        const std::string sql = random_sql(random);
        const StatementForm form = statement_form(sql);
        ASSERT_EQ(statement_form(form.text), form) << sql;
    }
}

TEST(StatementForm, HoldsNoLiteral) {
    std::mt19937 random(7);
    for (int i = 0; i < 100'000; ++i) {
        const std::string sql =
            "SELECT " + random_sql(random) + " 'se''cret' " + random_sql(random);
        const std::optional<std::vector<Token>> tokens = scan_tokens(text_of(sql));
        ASSERT_TRUE(tokens) << sql;
        for (const Token& token : *tokens) {
            ASSERT_NE(token.kind, TokenKind::kLiteral) << sql;
        }
    }
}

TEST(StatementForm, MayBeMadeOnSeveralThreads) {
    const StatementForm expected = statement_form("SELECT 'a', 1 FROM t");
    std::vector<std::thread> threads;
    std::array<int, 4> wrong{};
    threads.reserve(wrong.size());
    for (int& count : wrong) {
        threads.emplace_back([&count, &expected] {
            for (int i = 0; i < 5'000; ++i) {
                count += statement_form("SELECT 'b', 2 FROM  t") == expected ? 0 : 1;
                count += text_of("SELECT 'unterminated") == "SELECT" ? 0 : 1;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_THAT(wrong, testing::Each(0));
}

}  // namespace
}  // namespace palloscope
