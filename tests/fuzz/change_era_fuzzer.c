/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a thread's directory says of its change era: whatever is in the file, an era that is taken over is one that was
 * written so, on this run of the machine.
 *
 * LINK: heddle_overlay
 */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/changes/change_era.h"

#define BOOT "6d5e2f0a-0000-4000-8000-123456789abc"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char written[HD_ERA_TEXT_SIZE], *text = malloc(size + 1);
	uint64_t era, last;
	enum hd_era_state state;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	state = hd_era_parse(text, BOOT, &era, &last);
	if (state == HD_ERA_OPEN)
		snprintf(written, sizeof(written), "era %016" PRIx64 "\nboot " BOOT "\nopen\n", era);
	else
		snprintf(written, sizeof(written), "era %016" PRIx64 "\nboot " BOOT "\nclean %" PRIu64 "\n",
			era, last);
	if (state != HD_ERA_ENDED && (era == HD_ERA_NONE || strcmp(written, text) != 0))
		abort();
	free(text);
	return 0;
}
