/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_LOADED_GIT2_H
#define HEDDLE_BASES_LOADED_GIT2_H

/*
 * What <git2.h> is in our modules: libgit2's own, whose functions are found in the library when the first of them is called.
 *
 * libgit2 brings seventeen libraries with it, for networks and cryptography mostly: a process that is linked with it pays for
 * all of them each time it starts, and most workers never call it (decisions/0027). No program of ours is linked with it: a
 * call of a function that is not in this table, or in a file that includes less than <git2.h>, is an undefined reference.
 *
 * Calling sequence
 *     hd_git_library_start first, which says so when there is no such library. Functions that compare or convert
 *     whole ids are our own (base_git_ids.c): they come without, and load nothing.
 *
 * Threads     Any.
 */

/* Whoever includes it by its path and not in the place of the other one is told so by clang, and is right all the same. */
#pragma GCC system_header
#include_next <git2.h>
#include <git2/sys/hashsig.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/path.h>
#include <stdatomic.h>
#include <stdbool.h>

/* clang-format off */
#define HD_GIT_FUNCTIONS(x) \
	x(git_attr_get) \
	x(git_attr_value) \
	x(git_blob_create_from_buffer) \
	x(git_blob_free) \
	x(git_blob_is_binary) \
	x(git_blob_lookup) \
	x(git_branch_is_checked_out) \
	x(git_buf_dispose) \
	x(git_checkout_options_init) \
	x(git_checkout_tree) \
	x(git_commit_author) \
	x(git_commit_free) \
	x(git_commit_id) \
	x(git_commit_lookup) \
	x(git_commit_message) \
	x(git_commit_parent) \
	x(git_commit_parent_id) \
	x(git_commit_parentcount) \
	x(git_commit_time) \
	x(git_commit_time_offset) \
	x(git_commit_tree) \
	x(git_commit_tree_id) \
	x(git_config_add_file_ondisk) \
	x(git_config_delete_entry) \
	x(git_config_foreach_match) \
	x(git_config_free) \
	x(git_config_get_bool) \
	x(git_config_get_path) \
	x(git_config_get_string) \
	x(git_config_get_int32) \
	x(git_config_get_string_buf) \
	x(git_config_open_default) \
	x(git_config_open_ondisk) \
	x(git_config_set_bool) \
	x(git_config_set_string) \
	x(git_config_snapshot) \
	x(git_diff_buffers) \
	x(git_diff_find_similar) \
	x(git_diff_foreach) \
	x(git_diff_free) \
	x(git_diff_get_stats) \
	x(git_diff_options_init) \
	x(git_diff_stats_free) \
	x(git_diff_stats_to_buf) \
	x(git_diff_to_buf) \
	x(git_diff_tree_to_tree) \
	x(git_error_clear) \
	x(git_error_last) \
	x(git_graph_ahead_behind) \
	x(git_graph_descendant_of) \
	x(git_hashsig_compare) \
	x(git_hashsig_create) \
	x(git_hashsig_free) \
	x(git_ignore_path_is_ignored) \
	x(git_index_add) \
	x(git_index_conflict_cleanup) \
	x(git_index_conflict_iterator_free) \
	x(git_index_conflict_iterator_new) \
	x(git_index_conflict_next) \
	x(git_index_entrycount) \
	x(git_index_find_prefix) \
	x(git_index_free) \
	x(git_index_get_byindex) \
	x(git_index_get_bypath) \
	x(git_index_open) \
	x(git_index_read_tree) \
	x(git_index_remove) \
	x(git_index_write) \
	x(git_index_write_tree_to) \
	x(git_libgit2_init) \
	x(git_libgit2_opts) \
	x(git_merge_base) \
	x(git_merge_bases) \
	x(git_merge_commits) \
	x(git_merge_file) \
	x(git_merge_file_from_index) \
	x(git_merge_file_input_init) \
	x(git_merge_file_options_init) \
	x(git_merge_file_result_free) \
	x(git_merge_options_init) \
	x(git_merge_trees) \
	x(git_object_free) \
	x(git_object_id) \
	x(git_object_lookup) \
	x(git_object_peel) \
	x(git_odb_add_backend) \
	x(git_odb_backend_data_alloc) \
	x(git_odb_backend_data_free) \
	x(git_odb_exists) \
	x(git_odb_exists_ext) \
	x(git_odb_free) \
	x(git_odb_hash) \
	x(git_odb_init_backend) \
	x(git_odb_new) \
	x(git_odb_object_data) \
	x(git_odb_object_free) \
	x(git_odb_object_size) \
	x(git_odb_object_type) \
	x(git_odb_open) \
	x(git_odb_open_wstream) \
	x(git_odb_read) \
	x(git_odb_read_header) \
	x(git_odb_refresh) \
	x(git_odb_stream_finalize_write) \
	x(git_odb_stream_free) \
	x(git_odb_stream_write) \
	x(git_odb_write) \
	x(git_oid_fromstrn) \
	x(git_oidarray_dispose) \
	x(git_packbuilder_foreach) \
	x(git_packbuilder_free) \
	x(git_packbuilder_insert) \
	x(git_packbuilder_new) \
	x(git_packbuilder_object_count) \
	x(git_packbuilder_set_callbacks) \
	x(git_patch_free) \
	x(git_patch_from_buffers) \
	x(git_patch_get_delta) \
	x(git_patch_print) \
	x(git_path_is_gitfile) \
	x(git_reference_create) \
	x(git_reference_create_matching) \
	x(git_reference_dwim) \
	x(git_reference_free) \
	x(git_reference_is_branch) \
	x(git_reference_is_remote) \
	x(git_reference_is_tag) \
	x(git_reference_iterator_free) \
	x(git_reference_iterator_glob_new) \
	x(git_reference_iterator_new) \
	x(git_reference_lookup) \
	x(git_reference_name) \
	x(git_reference_name_is_valid) \
	x(git_reference_name_to_id) \
	x(git_reference_next) \
	x(git_reference_peel) \
	x(git_reference_resolve) \
	x(git_reference_symbolic_create) \
	x(git_reference_symbolic_target) \
	x(git_reference_target) \
	x(git_reference_type) \
	x(git_repository_commondir) \
	x(git_repository_config) \
	x(git_repository_config_snapshot) \
	x(git_repository_free) \
	x(git_repository_head_unborn) \
	x(git_repository_init_ext) \
	x(git_repository_init_options_init) \
	x(git_repository_is_bare) \
	x(git_repository_is_shallow) \
	x(git_repository_odb) \
	x(git_repository_open_bare) \
	x(git_repository_open_ext) \
	x(git_repository_open_from_worktree) \
	x(git_repository_path) \
	x(git_repository_state) \
	x(git_repository_workdir) \
	x(git_revparse_ext) \
	x(git_revparse_single) \
	x(git_revwalk_free) \
	x(git_revwalk_hide) \
	x(git_revwalk_hide_glob) \
	x(git_revwalk_new) \
	x(git_revwalk_next) \
	x(git_revwalk_push) \
	x(git_revwalk_push_ref) \
	x(git_revwalk_simplify_first_parent) \
	x(git_revwalk_sorting) \
	x(git_status_list_entrycount) \
	x(git_status_list_free) \
	x(git_status_list_new) \
	x(git_status_options_init) \
	x(git_strarray_dispose) \
	x(git_tree_create_updated) \
	x(git_tree_entry_byindex) \
	x(git_tree_entry_byname) \
	x(git_tree_entry_bypath) \
	x(git_tree_entry_filemode) \
	x(git_tree_entry_free) \
	x(git_tree_entry_id) \
	x(git_tree_entry_name) \
	x(git_tree_entry_type) \
	x(git_tree_entrycount) \
	x(git_tree_free) \
	x(git_tree_lookup) \
	x(git_tree_owner) \
	x(git_treebuilder_entrycount) \
	x(git_treebuilder_free) \
	x(git_treebuilder_insert) \
	x(git_treebuilder_new) \
	x(git_treebuilder_write) \
	x(git_worktree_free) \
	x(git_worktree_list) \
	x(git_worktree_lookup) \
	x(git_worktree_validate)
/* clang-format on */

struct hd_git_functions {
#define HD_GIT_FUNCTION(name) __typeof__(name) *name;
	HD_GIT_FUNCTIONS(HD_GIT_FUNCTION)
#undef HD_GIT_FUNCTION
};

/* ---- base_git_ids.c; what they are called by is below ---- */
bool hd_git_id_equal(const git_oid *a, const git_oid *b);
bool hd_git_id_is_zero(const git_oid *id);
int hd_git_id_from_bytes(git_oid *ret_id, const unsigned char *bytes);
/* 40 digits of either case, whatever follows them; -1 for anything else. */
int hd_git_id_parse(git_oid *ret_id, const char *text);
/* As many of the 40 digits as there is room for, and a NUL; SIZE is not 0. Returns TEXT. */
char *hd_git_id_format(char *text, size_t size, const git_oid *id);
/* All of them, in memory of the thread's own until it calls this again. */
char *hd_git_id_text(const git_oid *id);

/* NULL until they were looked for. */
extern const struct hd_git_functions *_Atomic hd_git_functions_found;

/* Looks for them, unless that was done. -ELIBACC. */
int hd_git_functions_load(void);
/* Likewise; when they are not there, what frees does nothing, and all others end the process: hd_git_library_start said so. */
const struct hd_git_functions *hd_git_functions_find(void);

static inline const struct hd_git_functions *hd_git_functions(void)
{
	const struct hd_git_functions *found =
		atomic_load_explicit(&hd_git_functions_found, memory_order_acquire);

	return found ? found : hd_git_functions_find();
}

/* clang-format off */
#define git_attr_get (hd_git_functions()->git_attr_get)
#define git_attr_value (hd_git_functions()->git_attr_value)
#define git_blob_create_from_buffer (hd_git_functions()->git_blob_create_from_buffer)
#define git_blob_free (hd_git_functions()->git_blob_free)
#define git_blob_is_binary (hd_git_functions()->git_blob_is_binary)
#define git_blob_lookup (hd_git_functions()->git_blob_lookup)
#define git_branch_is_checked_out (hd_git_functions()->git_branch_is_checked_out)
#define git_buf_dispose (hd_git_functions()->git_buf_dispose)
#define git_checkout_options_init (hd_git_functions()->git_checkout_options_init)
#define git_checkout_tree (hd_git_functions()->git_checkout_tree)
#define git_commit_author (hd_git_functions()->git_commit_author)
#define git_commit_free (hd_git_functions()->git_commit_free)
#define git_commit_id (hd_git_functions()->git_commit_id)
#define git_commit_lookup (hd_git_functions()->git_commit_lookup)
#define git_commit_message (hd_git_functions()->git_commit_message)
#define git_commit_parent (hd_git_functions()->git_commit_parent)
#define git_commit_parent_id (hd_git_functions()->git_commit_parent_id)
#define git_commit_parentcount (hd_git_functions()->git_commit_parentcount)
#define git_commit_time (hd_git_functions()->git_commit_time)
#define git_commit_time_offset (hd_git_functions()->git_commit_time_offset)
#define git_commit_tree (hd_git_functions()->git_commit_tree)
#define git_commit_tree_id (hd_git_functions()->git_commit_tree_id)
#define git_config_add_file_ondisk (hd_git_functions()->git_config_add_file_ondisk)
#define git_config_delete_entry (hd_git_functions()->git_config_delete_entry)
#define git_config_foreach_match (hd_git_functions()->git_config_foreach_match)
#define git_config_free (hd_git_functions()->git_config_free)
#define git_config_get_bool (hd_git_functions()->git_config_get_bool)
#define git_config_get_path (hd_git_functions()->git_config_get_path)
#define git_config_get_string (hd_git_functions()->git_config_get_string)
#define git_config_get_int32 (hd_git_functions()->git_config_get_int32)
#define git_config_get_string_buf (hd_git_functions()->git_config_get_string_buf)
#define git_config_open_default (hd_git_functions()->git_config_open_default)
#define git_config_open_ondisk (hd_git_functions()->git_config_open_ondisk)
#define git_config_set_bool (hd_git_functions()->git_config_set_bool)
#define git_config_set_string (hd_git_functions()->git_config_set_string)
#define git_config_snapshot (hd_git_functions()->git_config_snapshot)
#define git_diff_buffers (hd_git_functions()->git_diff_buffers)
#define git_diff_find_similar (hd_git_functions()->git_diff_find_similar)
#define git_diff_foreach (hd_git_functions()->git_diff_foreach)
#define git_diff_free (hd_git_functions()->git_diff_free)
#define git_diff_get_stats (hd_git_functions()->git_diff_get_stats)
#define git_diff_options_init (hd_git_functions()->git_diff_options_init)
#define git_diff_stats_free (hd_git_functions()->git_diff_stats_free)
#define git_diff_stats_to_buf (hd_git_functions()->git_diff_stats_to_buf)
#define git_diff_to_buf (hd_git_functions()->git_diff_to_buf)
#define git_diff_tree_to_tree (hd_git_functions()->git_diff_tree_to_tree)
#define git_error_clear (hd_git_functions()->git_error_clear)
#define git_error_last (hd_git_functions()->git_error_last)
#define git_graph_ahead_behind (hd_git_functions()->git_graph_ahead_behind)
#define git_graph_descendant_of (hd_git_functions()->git_graph_descendant_of)
#define git_hashsig_compare (hd_git_functions()->git_hashsig_compare)
#define git_hashsig_create (hd_git_functions()->git_hashsig_create)
#define git_hashsig_free (hd_git_functions()->git_hashsig_free)
#define git_ignore_path_is_ignored (hd_git_functions()->git_ignore_path_is_ignored)
#define git_index_add (hd_git_functions()->git_index_add)
#define git_index_conflict_cleanup (hd_git_functions()->git_index_conflict_cleanup)
#define git_index_conflict_iterator_free (hd_git_functions()->git_index_conflict_iterator_free)
#define git_index_conflict_iterator_new (hd_git_functions()->git_index_conflict_iterator_new)
#define git_index_conflict_next (hd_git_functions()->git_index_conflict_next)
#define git_index_entrycount (hd_git_functions()->git_index_entrycount)
#define git_index_find_prefix (hd_git_functions()->git_index_find_prefix)
#define git_index_free (hd_git_functions()->git_index_free)
#define git_index_get_byindex (hd_git_functions()->git_index_get_byindex)
#define git_index_get_bypath (hd_git_functions()->git_index_get_bypath)
#define git_index_open (hd_git_functions()->git_index_open)
#define git_index_read_tree (hd_git_functions()->git_index_read_tree)
#define git_index_remove (hd_git_functions()->git_index_remove)
#define git_index_write (hd_git_functions()->git_index_write)
#define git_index_write_tree_to (hd_git_functions()->git_index_write_tree_to)
#define git_libgit2_init (hd_git_functions()->git_libgit2_init)
#define git_libgit2_opts (hd_git_functions()->git_libgit2_opts)
#define git_merge_base (hd_git_functions()->git_merge_base)
#define git_merge_bases (hd_git_functions()->git_merge_bases)
#define git_merge_commits (hd_git_functions()->git_merge_commits)
#define git_merge_file (hd_git_functions()->git_merge_file)
#define git_merge_file_from_index (hd_git_functions()->git_merge_file_from_index)
#define git_merge_file_input_init (hd_git_functions()->git_merge_file_input_init)
#define git_merge_file_options_init (hd_git_functions()->git_merge_file_options_init)
#define git_merge_file_result_free (hd_git_functions()->git_merge_file_result_free)
#define git_merge_options_init (hd_git_functions()->git_merge_options_init)
#define git_merge_trees (hd_git_functions()->git_merge_trees)
#define git_object_free (hd_git_functions()->git_object_free)
#define git_object_id (hd_git_functions()->git_object_id)
#define git_object_lookup (hd_git_functions()->git_object_lookup)
#define git_object_peel (hd_git_functions()->git_object_peel)
#define git_odb_add_backend (hd_git_functions()->git_odb_add_backend)
#define git_odb_backend_data_alloc (hd_git_functions()->git_odb_backend_data_alloc)
#define git_odb_backend_data_free (hd_git_functions()->git_odb_backend_data_free)
#define git_odb_exists (hd_git_functions()->git_odb_exists)
#define git_odb_exists_ext (hd_git_functions()->git_odb_exists_ext)
#define git_odb_free (hd_git_functions()->git_odb_free)
#define git_odb_hash (hd_git_functions()->git_odb_hash)
#define git_odb_init_backend (hd_git_functions()->git_odb_init_backend)
#define git_odb_new (hd_git_functions()->git_odb_new)
#define git_odb_object_data (hd_git_functions()->git_odb_object_data)
#define git_odb_object_free (hd_git_functions()->git_odb_object_free)
#define git_odb_object_size (hd_git_functions()->git_odb_object_size)
#define git_odb_object_type (hd_git_functions()->git_odb_object_type)
#define git_odb_open (hd_git_functions()->git_odb_open)
#define git_odb_open_wstream (hd_git_functions()->git_odb_open_wstream)
#define git_odb_read (hd_git_functions()->git_odb_read)
#define git_odb_read_header (hd_git_functions()->git_odb_read_header)
#define git_odb_refresh (hd_git_functions()->git_odb_refresh)
#define git_odb_stream_finalize_write (hd_git_functions()->git_odb_stream_finalize_write)
#define git_odb_stream_free (hd_git_functions()->git_odb_stream_free)
#define git_odb_stream_write (hd_git_functions()->git_odb_stream_write)
#define git_odb_write (hd_git_functions()->git_odb_write)
#define git_oid_equal hd_git_id_equal
#define git_oid_fromraw hd_git_id_from_bytes
#define git_oid_fromstr hd_git_id_parse
#define git_oid_fromstrn (hd_git_functions()->git_oid_fromstrn)
#define git_oid_is_zero hd_git_id_is_zero
#define git_oid_tostr hd_git_id_format
#define git_oid_tostr_s hd_git_id_text
#define git_oidarray_dispose (hd_git_functions()->git_oidarray_dispose)
#define git_packbuilder_foreach (hd_git_functions()->git_packbuilder_foreach)
#define git_packbuilder_free (hd_git_functions()->git_packbuilder_free)
#define git_packbuilder_insert (hd_git_functions()->git_packbuilder_insert)
#define git_packbuilder_new (hd_git_functions()->git_packbuilder_new)
#define git_packbuilder_object_count (hd_git_functions()->git_packbuilder_object_count)
#define git_packbuilder_set_callbacks (hd_git_functions()->git_packbuilder_set_callbacks)
#define git_patch_free (hd_git_functions()->git_patch_free)
#define git_patch_from_buffers (hd_git_functions()->git_patch_from_buffers)
#define git_patch_get_delta (hd_git_functions()->git_patch_get_delta)
#define git_patch_print (hd_git_functions()->git_patch_print)
#define git_path_is_gitfile (hd_git_functions()->git_path_is_gitfile)
#define git_reference_create (hd_git_functions()->git_reference_create)
#define git_reference_create_matching (hd_git_functions()->git_reference_create_matching)
#define git_reference_dwim (hd_git_functions()->git_reference_dwim)
#define git_reference_free (hd_git_functions()->git_reference_free)
#define git_reference_is_branch (hd_git_functions()->git_reference_is_branch)
#define git_reference_is_remote (hd_git_functions()->git_reference_is_remote)
#define git_reference_is_tag (hd_git_functions()->git_reference_is_tag)
#define git_reference_iterator_free (hd_git_functions()->git_reference_iterator_free)
#define git_reference_iterator_glob_new (hd_git_functions()->git_reference_iterator_glob_new)
#define git_reference_iterator_new (hd_git_functions()->git_reference_iterator_new)
#define git_reference_lookup (hd_git_functions()->git_reference_lookup)
#define git_reference_name (hd_git_functions()->git_reference_name)
#define git_reference_name_is_valid (hd_git_functions()->git_reference_name_is_valid)
#define git_reference_name_to_id (hd_git_functions()->git_reference_name_to_id)
#define git_reference_next (hd_git_functions()->git_reference_next)
#define git_reference_peel (hd_git_functions()->git_reference_peel)
#define git_reference_resolve (hd_git_functions()->git_reference_resolve)
#define git_reference_symbolic_create (hd_git_functions()->git_reference_symbolic_create)
#define git_reference_symbolic_target (hd_git_functions()->git_reference_symbolic_target)
#define git_reference_target (hd_git_functions()->git_reference_target)
#define git_reference_type (hd_git_functions()->git_reference_type)
#define git_repository_commondir (hd_git_functions()->git_repository_commondir)
#define git_repository_config (hd_git_functions()->git_repository_config)
#define git_repository_config_snapshot (hd_git_functions()->git_repository_config_snapshot)
#define git_repository_free (hd_git_functions()->git_repository_free)
#define git_repository_head_unborn (hd_git_functions()->git_repository_head_unborn)
#define git_repository_init_ext (hd_git_functions()->git_repository_init_ext)
#define git_repository_init_options_init (hd_git_functions()->git_repository_init_options_init)
#define git_repository_is_bare (hd_git_functions()->git_repository_is_bare)
#define git_repository_is_shallow (hd_git_functions()->git_repository_is_shallow)
#define git_repository_odb (hd_git_functions()->git_repository_odb)
#define git_repository_open_bare (hd_git_functions()->git_repository_open_bare)
#define git_repository_open_ext (hd_git_functions()->git_repository_open_ext)
#define git_repository_open_from_worktree (hd_git_functions()->git_repository_open_from_worktree)
#define git_repository_path (hd_git_functions()->git_repository_path)
#define git_repository_state (hd_git_functions()->git_repository_state)
#define git_repository_workdir (hd_git_functions()->git_repository_workdir)
#define git_revparse_ext (hd_git_functions()->git_revparse_ext)
#define git_revparse_single (hd_git_functions()->git_revparse_single)
#define git_revwalk_free (hd_git_functions()->git_revwalk_free)
#define git_revwalk_hide (hd_git_functions()->git_revwalk_hide)
#define git_revwalk_hide_glob (hd_git_functions()->git_revwalk_hide_glob)
#define git_revwalk_new (hd_git_functions()->git_revwalk_new)
#define git_revwalk_next (hd_git_functions()->git_revwalk_next)
#define git_revwalk_push (hd_git_functions()->git_revwalk_push)
#define git_revwalk_push_ref (hd_git_functions()->git_revwalk_push_ref)
#define git_revwalk_simplify_first_parent (hd_git_functions()->git_revwalk_simplify_first_parent)
#define git_revwalk_sorting (hd_git_functions()->git_revwalk_sorting)
#define git_status_list_entrycount (hd_git_functions()->git_status_list_entrycount)
#define git_status_list_free (hd_git_functions()->git_status_list_free)
#define git_status_list_new (hd_git_functions()->git_status_list_new)
#define git_status_options_init (hd_git_functions()->git_status_options_init)
#define git_strarray_dispose (hd_git_functions()->git_strarray_dispose)
#define git_tree_create_updated (hd_git_functions()->git_tree_create_updated)
#define git_tree_entry_byindex (hd_git_functions()->git_tree_entry_byindex)
#define git_tree_entry_byname (hd_git_functions()->git_tree_entry_byname)
#define git_tree_entry_bypath (hd_git_functions()->git_tree_entry_bypath)
#define git_tree_entry_filemode (hd_git_functions()->git_tree_entry_filemode)
#define git_tree_entry_free (hd_git_functions()->git_tree_entry_free)
#define git_tree_entry_id (hd_git_functions()->git_tree_entry_id)
#define git_tree_entry_name (hd_git_functions()->git_tree_entry_name)
#define git_tree_entry_type (hd_git_functions()->git_tree_entry_type)
#define git_tree_entrycount (hd_git_functions()->git_tree_entrycount)
#define git_tree_free (hd_git_functions()->git_tree_free)
#define git_tree_lookup (hd_git_functions()->git_tree_lookup)
#define git_tree_owner (hd_git_functions()->git_tree_owner)
#define git_treebuilder_entrycount (hd_git_functions()->git_treebuilder_entrycount)
#define git_treebuilder_free (hd_git_functions()->git_treebuilder_free)
#define git_treebuilder_insert (hd_git_functions()->git_treebuilder_insert)
#define git_treebuilder_new (hd_git_functions()->git_treebuilder_new)
#define git_treebuilder_write (hd_git_functions()->git_treebuilder_write)
#define git_worktree_free (hd_git_functions()->git_worktree_free)
#define git_worktree_list (hd_git_functions()->git_worktree_list)
#define git_worktree_lookup (hd_git_functions()->git_worktree_lookup)
#define git_worktree_validate (hd_git_functions()->git_worktree_validate)
/* clang-format on */

#endif
