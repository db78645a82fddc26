# sft_layer(<name> SOURCES <file>... [DEPENDS <layer or package target>...])
# A layer sees only the headers of what it lists in DEPENDS, because its public include root holds
# one entry: a link to its own header folder.
function(sft_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
  set(include_root ${PROJECT_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${include_root}/sft)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include/sft/${name} ${include_root}/sft/${name} SYMBOLIC)
  file(GLOB headers CONFIGURE_DEPENDS ${include_root}/sft/${name}/*.h)
  add_library(sft_${name} STATIC)
  target_sources(sft_${name} PRIVATE ${arg_SOURCES}
    PUBLIC FILE_SET HEADERS BASE_DIRS ${include_root} FILES ${headers})
  target_link_libraries(sft_${name} PUBLIC ${arg_DEPENDS})
  # Each public header compiles alone (target all_verify_interface_header_sets).
  set_target_properties(sft_${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  if(SFT_SANITIZE)
    target_compile_options(sft_${name} PUBLIC -fsanitize=address,undefined -fno-sanitize-recover=all)
    target_link_options(sft_${name} PUBLIC -fsanitize=address,undefined)
  endif()
  if(SFT_FUZZ)
    # Fuzzers see which code an input reaches: clang's by libFuzzer, GCC's by tests/fuzz/coverage.cc.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      target_compile_options(sft_${name} PRIVATE -fsanitize=fuzzer-no-link)
    else()
      target_compile_options(sft_${name} PRIVATE -fsanitize-coverage=trace-pc)
    endif()
  endif()
endfunction()

# sft_layer_tests(<layer> [LIBRARY <target>])
# tests/<layer>/*_test.cc make one binary that links that layer only (or LIBRARY in its place), so
# tests keep the layering.
# x_real_test.cc needs the real model or ../shared (label real), x_slow_test.cc takes over a
# minute (label slow); all others carry the label fast.
function(sft_layer_tests layer)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LIBRARY" "")
  if(NOT arg_LIBRARY)
    set(arg_LIBRARY sft_${layer})
  endif()
  foreach(label fast real slow)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${layer}/*_test.cc)
    if(label STREQUAL "fast")
      list(FILTER sources EXCLUDE REGEX "_(real|slow)_test\\.cc$")
    else()
      list(FILTER sources INCLUDE REGEX "_${label}_test\\.cc$")
    endif()
    if(NOT sources)
      continue()
    endif()
    set(target ${layer}_${label}_test)
    add_executable(${target} ${sources})
    # Private headers of the layer itself, as "layer/x.h".
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${target} PRIVATE ${arg_LIBRARY} sft_test_support GTest::gmock
                                            GTest::gtest_main)
    gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                         TEST_PREFIX "${layer}/" NO_PRETTY_VALUES PROPERTIES LABELS ${label} TIMEOUT 1200)
  endforeach()
endfunction()
