/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Mount options, as users and dead supervisors' files give them: those that are taken read the same when they are written
 * out, which is how they reach the worker.
 *
 * LINK: heddle_mount
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mount/mount_options.h"
#include "overlay/platform/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	struct hd_mount_options options, again;
	char *first, *second;

	hd_mount_options_default(&options);
	hd_mount_options_default(&again);
	if (hd_mount_options_parse(&options, text) != 0)
		return;
	first = hd_mount_options_format(&options);
	if (!first || hd_mount_options_parse(&again, first) != 0)
		abort();
	second = hd_mount_options_format(&again);
	if (!second || strcmp(first, second) != 0)
		abort();
	free(first);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	check_text(text);
	hd_error_clear();
	free(text);
	return 0;
}
