# What sft links, each as a target. Debian packages and LibTorch's wheel: see scripts/setup.
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(PkgConfig REQUIRED)
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc)
find_package(Torch REQUIRED)
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

# LibTorch with OpenMP, because at::parallel_for is inline and runs serially without -fopenmp.
add_library(sft_torch INTERFACE)
target_link_libraries(sft_torch INTERFACE torch OpenMP::OpenMP_CXX)
