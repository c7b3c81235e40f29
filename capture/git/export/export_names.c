/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_names.h"

#include <git2.h>
#include <git2/sys/path.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/platform/error.h"

/*
 * The rules are those of git's fsck.c (fsck_tree) and path.c (is_ntfs_dotgit), utf8.c (is_hfs_dotgit): a tree
 * that passes here must not be refused by somebody's `receive.fsckObjects`. libgit2 checks them only as far
 * as the repository's core.protectHFS and core.protectNTFS say, which depends on where the export happens to
 * run.
 */

/* Code points that HFS+ ignores in names, three bytes of UTF-8 each. */
static bool is_ignored_by_hfs(const char *text)
{
	static const char *const ignored[] = {
		"\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e", "\xe2\x80\x8f", /* U+200C..200F */
		"\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad",
		"\xe2\x80\xae", /* U+202A..202E */
		"\xe2\x81\xaa", "\xe2\x81\xab", "\xe2\x81\xac", "\xe2\x81\xad", "\xe2\x81\xae",
		"\xe2\x81\xaf", /* U+206A..206F */
		"\xef\xbb\xbf", /* U+FEFF */
	};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		if (strncmp(text, ignored[i], 3) == 0)
			return true;
	}
	return false;
}

static char ascii_lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool is_hfs_dotgit(const char *name)
{
	const char *expected = ".git";

	while (*name) {
		if (is_ignored_by_hfs(name)) {
			name += 3;
			continue;
		}
		if (!*expected || ascii_lower(*name) != *expected)
			return false;
		name++;
		expected++;
	}
	return !*expected;
}

/* NTFS ignores dots and blanks at the end, cuts at ':' (a stream's name), and gives ".git" the short name
 * "git~1". */
static bool is_ntfs_dotgit(const char *name)
{
	if (strncasecmp(name, ".git", 4) == 0)
		name += 4;
	else if (strncasecmp(name, "git~1", 5) == 0)
		name += 5;
	else
		return false;
	name += strspn(name, ". ");
	return *name == '\0' || *name == '\\' || *name == ':';
}

static bool is_dotgit(const char *name)
{
	if (is_hfs_dotgit(name) || is_ntfs_dotgit(name))
		return true;
	/* To Windows a backslash separates directories, so that each part must be harmless. */
	for (const char *part = strchr(name, '\\'); part; part = strchr(part + 1, '\\')) {
		if (is_ntfs_dotgit(part + 1))
			return true;
	}
	return false;
}

int hd_export_name_check(const char *path, const char *name, uint32_t mode)
{
	const char *separator = *path ? "/" : "";

	if (is_dotgit(name))
		return hd_fail(HD_E_EXPORT_NAME, "'%s%s%s' would be taken for git's own directory", path,
			separator, name);
	if (!S_ISREG(mode) &&
		git_path_is_gitfile(name, strlen(name), GIT_PATH_GITFILE_GITMODULES, GIT_PATH_FS_GENERIC) > 0)
		return hd_fail(HD_E_EXPORT_NAME, "'%s%s%s' must be a file", path, separator, name);
	return 0;
}
