# `cmake --install` and `cpack`: the programs, their manual pages and completions, and the script for
# gdb. Both take what is built; neither builds, so that tests need not be there.
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/scripts/gdb DESTINATION ${CMAKE_INSTALL_DATADIR}/palloscope
        USE_SOURCE_PERMISSIONS FILES_MATCHING PATTERN "*.py" PATTERN "*.sh")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_CONTACT "the Palloscope maintainers <palloscope@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "explains from outside why PostgreSQL backends grow")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS gdb)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
include(CPack)
