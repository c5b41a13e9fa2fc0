# palloscope_module(NAME SOURCES … PUBLIC … PRIVATE …): one static library a module, with the alias
# palloscope::NAME, our warnings, and the project's root as include directory. Other people's headers
# count as system headers.
function(palloscope_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PUBLIC;PRIVATE")
  add_library(palloscope_${name} STATIC ${arg_SOURCES})
  add_library(palloscope::${name} ALIAS palloscope_${name})
  target_include_directories(palloscope_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(
    palloscope_${name}
    PUBLIC ${arg_PUBLIC}
    PRIVATE ${arg_PRIVATE} palloscope_warnings)
endfunction()
