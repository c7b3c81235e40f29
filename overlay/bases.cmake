# The read-only trees under an overlay: see base.h.
heddle_module(heddle_bases
    SOURCES
        base_attributes.c
        base_deadline.c
        base_directory.c
        base_directory_describe.c
        base_directory_handles.c
        base_directory_seen.c
        base_directory_xattrs.c
        base_git.c
        base_git_cache.c
        base_git_contents.c
        base_git_describe.c
        base_git_identity.c
        base_git_library.c
        base_git_tree.c
        base_git_walk.c
        base_set.c
        base_state.c
    DEPENDS heddle_store
    EXTERNAL PkgConfig::LIBGIT2 Threads::Threads)
