# What sft links, each as a target. Debian packages and LibTorch's wheel: see scripts/setup.
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc)
# Its pkg-config file would link the trainer too.
find_library(SENTENCEPIECE_LIBRARY sentencepiece REQUIRED)
find_path(SENTENCEPIECE_HEADERS sentencepiece_processor.h REQUIRED)
add_library(sft_sentencepiece INTERFACE)
target_include_directories(sft_sentencepiece SYSTEM INTERFACE ${SENTENCEPIECE_HEADERS})
target_link_libraries(sft_sentencepiece INTERFACE ${SENTENCEPIECE_LIBRARY})
if(SFT_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()

# LibTorch ships the headers of a newer fmt than the one Debian's spdlog is built with, and a file
# that sees both does not compile: a folder that holds only the system's fmt goes first.
find_path(fmt_headers fmt/format.h PATHS /usr/include NO_DEFAULT_PATH REQUIRED)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/include/fmt_first)
file(CREATE_LINK ${fmt_headers}/fmt ${PROJECT_BINARY_DIR}/include/fmt_first/fmt SYMBOLIC)
include_directories(BEFORE SYSTEM ${PROJECT_BINARY_DIR}/include/fmt_first)

# LibTorch, out of its wheel, whose cmake folder scripts/build puts into CMAKE_PREFIX_PATH. Its own
# package file asks for a CUDA toolkit where the wheel is a CUDA build; sft needs these libraries alone.
find_path(TORCH_CMAKE_DIR Torch/TorchConfig.cmake REQUIRED)
cmake_path(SET TORCH_INSTALL_PREFIX NORMALIZE ${TORCH_CMAKE_DIR}/../..)
find_library(TORCH_CPU_LIBRARY torch_cpu PATHS ${TORCH_INSTALL_PREFIX}/lib NO_DEFAULT_PATH REQUIRED)
find_library(C10_LIBRARY c10 PATHS ${TORCH_INSTALL_PREFIX}/lib NO_DEFAULT_PATH REQUIRED)
add_library(sft_torch INTERFACE)
target_include_directories(sft_torch SYSTEM INTERFACE
  ${TORCH_INSTALL_PREFIX}/include ${TORCH_INSTALL_PREFIX}/include/torch/csrc/api/include)
target_link_libraries(sft_torch INTERFACE ${TORCH_CPU_LIBRARY} ${C10_LIBRARY})
# at::parallel_for is inline and serial without -fopenmp; its threads must be those of LibTorch's own
# OpenMP library, which the wheel carries.
target_compile_options(sft_torch INTERFACE -fopenmp)
file(GLOB torch_openmp ${TORCH_INSTALL_PREFIX}/lib/libgomp*.so*
                       ${TORCH_INSTALL_PREFIX}/../torch.libs/libgomp*.so*)
if(torch_openmp)
  target_link_libraries(sft_torch INTERFACE ${torch_openmp})
else()
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  target_link_libraries(sft_torch INTERFACE OpenMP::OpenMP_CXX)
endif()

# Arrow and Parquet, out of pyarrow's wheel, whose folder scripts/build puts into CMAKE_PREFIX_PATH.
# The wheel has headers and versioned libraries (libarrow.so.2100), and no package file.
find_path(ARROW_INCLUDE_DIR arrow/api.h REQUIRED)
cmake_path(GET ARROW_INCLUDE_DIR PARENT_PATH ARROW_INSTALL_PREFIX)
foreach(library arrow parquet)
  file(GLOB files ${ARROW_INSTALL_PREFIX}/lib${library}.so.*)
  if(NOT files)
    message(FATAL_ERROR "no lib${library}.so.* in ${ARROW_INSTALL_PREFIX}; run scripts/setup")
  endif()
  list(GET files 0 file)
  add_library(sft_${library} SHARED IMPORTED)
  set_target_properties(sft_${library} PROPERTIES IMPORTED_LOCATION ${file})
endforeach()
target_include_directories(sft_arrow SYSTEM INTERFACE ${ARROW_INCLUDE_DIR})
target_link_libraries(sft_parquet INTERFACE sft_arrow)
