#include "inspector/diagnosis/data_definition.hpp"

#include <gtest/gtest.h>

namespace palloscope {
namespace {

TEST(DataDefinition, NamesVerbAndObject) {
    const auto created = data_definition("CREATE SCHEMA policy_loader_*");
    ASSERT_TRUE(created);
    EXPECT_EQ(created->verb, DefinitionVerb::kCreate);
    EXPECT_EQ(created->object, "SCHEMA");
    const auto dropped = data_definition("drop schema policy_loader_* cascade");
    ASSERT_TRUE(dropped);
    EXPECT_EQ(dropped->verb, DefinitionVerb::kDrop);
    EXPECT_EQ(data_definition("ALTER TABLE t ADD PRIMARY KEY (a)")->verb, DefinitionVerb::kAlter);
}

TEST(DataDefinition, SkipsTheWordsBeforeTheObject) {
    EXPECT_EQ(data_definition("CREATE OR REPLACE FUNCTION f() RETURNS int AS $1")->object,
              "FUNCTION");
    EXPECT_EQ(data_definition("CREATE UNIQUE INDEX i ON t(a)")->object, "INDEX");
    EXPECT_EQ(data_definition("CREATE UNLOGGED TABLE t(a int)")->object, "TABLE");
}

TEST(DataDefinition, KnowsTemporaryTables) {
    EXPECT_TRUE(data_definition("CREATE TEMP TABLE t AS SELECT $1")->temporary);
    EXPECT_TRUE(data_definition("create local temporary table t(a int)")->temporary);
    EXPECT_FALSE(data_definition("CREATE TABLE temp (a int)")->temporary);
}

TEST(DataDefinition, IsNoneOfOtherStatements) {
    EXPECT_FALSE(data_definition("SELECT $1"));
    EXPECT_FALSE(data_definition("INSERT INTO created VALUES ($1)"));
    EXPECT_FALSE(data_definition("ALTER SYSTEM SET work_mem = $1"));
    EXPECT_FALSE(data_definition("CREATE"));
    EXPECT_FALSE(data_definition(""));
}

}  // namespace
}  // namespace palloscope
