# The read-only trees under an overlay: see base.h.
heddle_module(heddle_bases
    SOURCES
        base_git.c
        base_git_cache.c
        base_git_describe.c
        base_git_library.c
        base_git_tree.c
    DEPENDS heddle_platform
    EXTERNAL PkgConfig::LIBGIT2 Threads::Threads)
