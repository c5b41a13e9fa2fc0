#include "inspector/statements/form_cache.hpp"

#include <array>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "inspector/statements/form.hpp"

namespace palloscope {
namespace {

TEST(FormCache, GivesStatementsThatDifferInTheirNumbersOneForm) {
    FormCache cache;
    for (const std::string_view sql :
         {"UPDATE pgbench_accounts SET abalance = abalance + 123 WHERE aid = 45;",
          "UPDATE pgbench_accounts SET abalance = abalance + -7 WHERE aid = 99999999999;",
          "SELECT 'room 101', 5",
          "SELECT 'room 7', 6"}) {
        EXPECT_EQ(cache.form_of(sql), statement_form(sql)) << sql;
    }
}

TEST(FormCache, TellsApartWhatDiffersInMoreThanANumber) {
    FormCache cache;
    for (const std::string_view sql : {"SELECT a1",
                                       "SELECT a2",
                                       "SELECT \"1\"",
                                       "SELECT \"2\"",
                                       "SELECT \"a 1\"",
                                       "SELECT \"a 2\"",
                                       "SELECT \xc3\xa9"
                                       "1",
                                       "SELECT \xc3\xa9"
                                       "2",
                                       "SELECT 1.5.5",
                                       "SELECT 1.5",
                                       "SELECT $1",
                                       "SELECT $2a",
                                       "SELECT 12secret",
                                       "SELECT U&'!0061' UESCAPE '!'",
                                       "SELECT E'\\047'",
                                       "SELECT E'\\0'"}) {
        EXPECT_EQ(cache.form_of(sql), statement_form(sql)) << sql;
    }
}

TEST(FormCache, KnowsTextsOfAnyLength) {
    FormCache cache;
    for (const char* const number : {"1", "22"}) {
        const std::string sql = "SELECT " + std::string(5'000, ' ') + number;
        EXPECT_EQ(cache.form_of(sql), statement_form(sql));
    }
}

// Two texts of the same pieces, with numbers of their own.
std::pair<std::string, std::string> random_pair(std::mt19937& random) {
    static constexpr std::array<std::string_view, 46> kPieces{
        "'",    "\"", "$$",   "$a$", "$", "E'",      "U&'", "N'", "B'",     "x'", "\\",    "--",
        "\n",   "/*", "*/",   " ",   " ", " ",       "(",   ")",  "[",      "]",  ",",     ";",
        "::",   ".",  "-",    "+",   "?", "abc",     "IN(", "1e", "VALUES", "*",  "ARRAY", "SELECT",
        "\xff", "!",  "NULL", "e",   "_", "UESCAPE", "''",  "\t", "<",      "|"};
    std::uniform_int_distribution<std::size_t> piece(0, kPieces.size() * 2);
    std::uniform_int_distribution<int> length(1, 24);
    std::uniform_int_distribution<int> number(0, 300);
    std::pair<std::string, std::string> sql;
    for (int i = length(random); i > 0; --i) {
        if (const std::size_t at = piece(random); at < kPieces.size()) {
            sql.first += kPieces.at(at);
            sql.second += kPieces.at(at);
        } else {
            sql.first += std::to_string(number(random));
            sql.second += std::to_string(number(random));
        }
    }
    return sql;
}

TEST(FormCache, GivesTheFormOfAnyText) {
    FormCache cache;
    std::mt19937 random(20261127);
    for (int i = 0; i < 200'000; ++i) {
        const auto& [sql, other] = random_pair(random);
        ASSERT_EQ(cache.form_of(sql), statement_form(sql)) << sql;
        ASSERT_EQ(cache.form_of(other), statement_form(other)) << other << " after " << sql;
    }
}

}  // namespace
}  // namespace palloscope
