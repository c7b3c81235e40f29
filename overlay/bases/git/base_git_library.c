/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/git/base_git_library.h"

#include <errno.h>
#include <git2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/*
 * Three of libgit2's defaults do not fit a tool that reads repositories on behalf of whoever may read their
 * files:
 *
 * - Owner validation (its counterpart of safe.directory) protects from running hooks and configuration of a
 *   stranger's repository. We run nothing, and root mounting a user's repository is an ordinary case.
 * - Repositories of format 1 with an extension it does not know are refused. The ones listed here change
 * nothing about how objects and references are read: where configuration lies, that objects may be absent (a
 * missing one is reported when it is asked for), that nothing may be deleted, how worktrees are linked.
 * - Its object cache may grow to 256 MiB per process. A mount lists each directory about once and keeps the
 * result.
 */

#define OBJECT_CACHE_BYTES ((ssize_t)32 << 20)

static const char *known_extensions[] = {
	"worktreeconfig", "partialclone", "preciousobjects", "relativeworktrees"};

/*
 * Where libgit2 has its TLS from mbedtls, as Debian's has, it parses all of the system's certificates when it starts, which is
 * more work than the rest of a mount and half a megabyte in each process, for connections that heddle never makes. It is given
 * none: this is the function by which it reads them, found in the program before mbedtls' own (CMakeLists.txt beside this
 * file has the linker show it). A connection, if there were one, would trust nobody.
 */
int mbedtls_x509_crt_parse_file(void *chain, const char *path);

__attribute__((used, visibility("default"))) int mbedtls_x509_crt_parse_file(void *chain, const char *path)
{
	(void)chain;
	(void)path;
	return 0;
}

/*
 * The same of libssh2, which starts OpenSSL: half of what is left of libgit2's own start. There is no such thing as a connection
 * by ssh here.
 */
int libssh2_init(int flags);

__attribute__((used, visibility("default"))) int libssh2_init(int flags)
{
	(void)flags;
	return 0;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int start_result;

static void start(void)
{
	if (git_libgit2_init() < 0 || git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0) < 0 ||
		git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, known_extensions, HD_ARRAY_SIZE(known_extensions)) <
			0 ||
		git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, OBJECT_CACHE_BYTES) < 0)
		start_result = -HD_E_REPOSITORY;
}

int hd_git_library_start(void)
{
	int r = hd_git_functions_load();

	if (r < 0)
		return hd_fail_in(r, "load libgit2");
	(void)pthread_once(&once, start);
	if (start_result < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "start libgit2");
	return 0;
}

/* An empty object database opens without complaint anywhere, so the directory itself is looked at first. */
int hd_git_library_open_objects(const char *location, git_odb **ret_odb)
{
	HD_AUTO_FREE char *objects = NULL;
	int r = hd_git_library_start();

	if (r < 0)
		return r;
	if (asprintf(&objects, "%s/objects", location) < 0) {
		objects = NULL;
		return -ENOMEM;
	}
	if (!hd_file_exists(AT_FDCWD, objects))
		return hd_fail(HD_E_BASE_MISSING, "no git repository: %s", objects);
	if (git_odb_open(ret_odb, objects) < 0)
		return hd_git_library_fail(HD_E_BASE_MISSING, "open git repository %s", location);
	return 0;
}

int hd_git_library_find_tree(git_repository *repository, const git_oid *id, git_tree **ret_tree)
{
	git_commit *commit = NULL;
	int g = git_commit_lookup(&commit, repository, id);

	if (g == 0)
		g = git_commit_tree(ret_tree, commit);
	git_commit_free(commit);
	return g < 0 ? hd_git_library_fail(HD_E_REPOSITORY, "read commit %s", git_oid_tostr_s(id)) : 0;
}

/* What libgit2 does not know it names by a word of the format, which says little to who uses git. */
static const struct {
	const char *word, *meaning;
} unknown[] = {
	{"extensions.objectformat", "its objects are named by SHA-256, which libgit2 does not read"},
	{"extensions.refstorage", "its references are in a format that libgit2 does not read"},
	{"extension: 'link'",
		"the index is split, which libgit2 does not read: 'git update-index --no-split-index'"},
	{"extension: 'sdir'", "the index is sparse, which libgit2 does not read: 'git sparse-checkout "
			      "reapply --no-sparse-index'"},
};

static const char *words_of(const git_error *error)
{
	if (!error || !error->message)
		return "no reason given";
	for (size_t i = 0; i < HD_ARRAY_SIZE(unknown); i++)
		if (strstr(error->message, unknown[i].word))
			return unknown[i].meaning;
	return error->message;
}

/*
 * What a disk says that has no room, may not be written, or is broken, as the last of ERROR's words, or by SYSTEM_CODE where
 * libgit2 says nothing; 0: it is something else.
 */
static int disk_error(const git_error *error, int system_code)
{
	static const int codes[] = {ENOSPC, EDQUOT, EROFS, EIO};
	const char *said = error && error->message ? error->message : strerrordesc_np(system_code);
	size_t length = said ? strlen(said) : 0;

	for (size_t i = 0; i < HD_ARRAY_SIZE(codes); i++) {
		const char *words = strerrordesc_np(codes[i]);
		size_t wanted = strlen(words);

		if (length >= wanted && strcmp(said + length - wanted, words) == 0)
			return codes[i];
	}
	return 0;
}

int hd_git_library_fail(int code, const char *format, ...)
{
	int system_code = errno;
	const git_error *error = git_error_last();
	int disk = disk_error(error, system_code);
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (disk)
		return hd_fail(disk, "%s", text);
	return hd_fail(code, "%s: %s", text, words_of(error));
}
