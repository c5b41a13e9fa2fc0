# libpg_query, PostgreSQL's own scanner as a library. Debian ships neither a CMake config nor a
# pkg-config file for it. Defines PgQuery::PgQuery; its token lists come as protobuf-c.
find_path(PgQuery_INCLUDE_DIR pg_query.h)
find_library(PgQuery_LIBRARY pg_query)
find_library(PgQuery_PROTOBUF_C_LIBRARY protobuf-c)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(PgQuery REQUIRED_VARS PgQuery_LIBRARY PgQuery_PROTOBUF_C_LIBRARY
                                                        PgQuery_INCLUDE_DIR)
if(PgQuery_FOUND AND NOT TARGET PgQuery::PgQuery)
  add_library(PgQuery::PgQuery UNKNOWN IMPORTED)
  set_target_properties(
    PgQuery::PgQuery
    PROPERTIES IMPORTED_LOCATION ${PgQuery_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${PgQuery_INCLUDE_DIR}
               INTERFACE_LINK_LIBRARIES ${PgQuery_PROTOBUF_C_LIBRARY})
endif()
