/* SPDX-License-Identifier: Apache-2.0 */
#include <git2.h>
#include <string.h>

#include "overlay/platform/hex.h"

/*
 * What libgit2's functions of these names do, without libgit2: commands look at ids of commits (where HEAD is, which commit a
 * state was) far oftener than into a repository, and loading the library costs more than many a command.
 */

bool hd_git_id_equal(const git_oid *a, const git_oid *b)
{
	return memcmp(a->id, b->id, GIT_OID_RAWSZ) == 0;
}

bool hd_git_id_is_zero(const git_oid *id)
{
	static const git_oid zero;

	return hd_git_id_equal(id, &zero);
}

int hd_git_id_from_bytes(git_oid *ret_id, const unsigned char *bytes)
{
	memcpy(ret_id->id, bytes, GIT_OID_RAWSZ);
	return 0;
}

int hd_git_id_parse(git_oid *ret_id, const char *text)
{
	git_oid id;

	for (size_t i = 0; i < GIT_OID_RAWSZ; i++) {
		int high = hd_hex_digit(text[2 * i]);
		int low = high < 0 ? -1 : hd_hex_digit(text[2 * i + 1]);

		if (low < 0)
			return -1;
		id.id[i] = (unsigned char)(high << 4 | low);
	}
	*ret_id = id;
	return 0;
}

char *hd_git_id_format(char *text, size_t size, const git_oid *id)
{
	char digits[GIT_OID_HEXSZ + 1];
	size_t length = size > GIT_OID_HEXSZ ? GIT_OID_HEXSZ : size - 1;

	hd_hex_format(id->id, GIT_OID_RAWSZ, digits);
	memcpy(text, digits, length);
	text[length] = '\0';
	return text;
}

char *hd_git_id_text(const git_oid *id)
{
	static _Thread_local char text[GIT_OID_HEXSZ + 1];

	return hd_git_id_format(text, sizeof(text), id);
}
