# cmake --install build --prefix DIR: bin/sft, the libraries it loads in lib/, its configs and the
# quick start's data in share/sft/. The tree may be moved as a whole. Include after target sft.

# The binary finds configs at ../share/sft from its own place, in the build tree too.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/sft)
foreach(folder configs data)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${PROJECT_BINARY_DIR}/share/sft/${folder} SYMBOLIC)
  install(DIRECTORY ${folder} DESTINATION share/sft)
endforeach()
install(FILES LICENSE NOTICE README.md DESTINATION share/doc/sft)

# RPATH, not RUNPATH: it also holds for what the copied libraries load in turn.
set_target_properties(sft PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
target_link_options(sft PRIVATE -Wl,--disable-new-dtags)

# All it loads but what every system has of its own, the compiler's runtime included.
install(TARGETS sft
  RUNTIME_DEPENDENCIES
    DIRECTORIES ${TORCH_INSTALL_PREFIX}/lib ${ARROW_INSTALL_PREFIX}
    PRE_EXCLUDE_REGEXES [[^ld-linux]] [[^lib(c|m|dl|rt|pthread|util|resolv)\.so]]
                        [[^lib(stdc\+\+|gcc_s)\.so]]
  RUNTIME DESTINATION bin
  LIBRARY DESTINATION lib)
