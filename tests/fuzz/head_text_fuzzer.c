/* SPDX-License-Identifier: Apache-2.0 */

/*
 * HEAD and references, as whoever may write to a repository may have left them: what is taken for a name stays below refs/ as a path,
 * and says the same when it is written as git writes it.
 *
 * LINK: heddle_capture
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/head_text.h"
#include "overlay/platform/hex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const char *name)
{
	if (strncmp(name, "refs/", 5) != 0 || strstr(name, "/.") || strstr(name, "//") ||
		strchr(name, '\n') || name[strlen(name) - 1] == '/')
		abort();
}

static void check_again(const struct hd_head_text *head)
{
	char hex[GIT_OID_HEXSZ + 1];
	char *text = NULL;
	struct hd_head_text again;
	int n;

	hd_hex_format(head->commit.id, GIT_OID_RAWSZ, hex);
	n = head->reference ? asprintf(&text, "ref: %s\n", head->reference) : asprintf(&text, "%s\n", hex);

	if (n < 0 || hd_head_text_parse(text, &again) < 0 || !again.reference != !head->reference)
		abort();
	if (head->reference ? strcmp(again.reference, head->reference) != 0
			    : memcmp(&again.commit, &head->commit, sizeof(again.commit)) != 0)
		abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct hd_head_text head;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (hd_head_text_parse(text, &head) == 0) {
		if (head.reference)
			check_name(head.reference);
		check_again(&head);
	}
	free(text);
	return 0;
}
