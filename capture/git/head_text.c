/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/head_text.h"

#include <errno.h>
#include <git2.h>
#include <stdbool.h>
#include <string.h>

#include "overlay/platform/files/file.h"

#define TEXT_LIMIT 65536
#define SYMBOLIC "ref:"
#define BLANK " \t\n\v\f\r"

/* As of git check-ref-format, but for what only makes a name ambiguous. */
static bool is_reference(const char *name)
{
	if (strncmp(name, "refs/", 5) != 0)
		return false;
	for (const char *part = name; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (*part == '.' || *part == '/' || *part == '\0')
			return false;
	}
	for (const char *at = name; *at; at++)
		if ((unsigned char)*at <= ' ' || strchr("\x7f~^:?*[\\", *at))
			return false;
	return !strstr(name, "..");
}

int hd_head_text_parse(char *text, struct hd_head_text *ret_head)
{
	struct hd_head_text head = {0};
	size_t length = strlen(text);

	while (length > 0 && strchr(BLANK, text[length - 1]))
		text[--length] = '\0';
	if (strncmp(text, SYMBOLIC, strlen(SYMBOLIC)) == 0) {
		head.reference = text + strlen(SYMBOLIC);
		head.reference += strspn(head.reference, BLANK);
		if (!is_reference(head.reference))
			return -ENOENT;
	} else {
		text[strcspn(text, BLANK)] = '\0';
		if (strlen(text) != GIT_OID_HEXSZ || git_oid_fromstr(&head.commit, text) < 0)
			return -ENOENT;
	}
	*ret_head = head;
	return 0;
}

int hd_head_text_read(int directory_fd, const char *path, char **ret_text, struct hd_head_text *ret_head)
{
	size_t size;
	int r;

	*ret_text = NULL;
	r = hd_file_read_whole(directory_fd, path, TEXT_LIMIT, ret_text, &size);
	return r < 0 ? r : hd_head_text_parse(*ret_text, ret_head);
}
