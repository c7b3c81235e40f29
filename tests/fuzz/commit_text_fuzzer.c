/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Commits, as a hostile repository may hold them: whatever the bytes, an author is one that a state can have, texts have an
 * end, and times and zones are such as a calendar shows.
 *
 * LINK: heddle_capture
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/commit_text.h"
#include "capture/git/import/import_commit.h"
#include "capture/identity.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/buffer.h"
#include "overlay/store/index/state_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_span(const struct hd_commit_span *span, const uint8_t *data, size_t size)
{
	const uint8_t *bytes = (const uint8_t *)span->bytes;

	if (bytes && (bytes < data || bytes + span->size > data + size))
		abort();
}

static void check_person(const struct hd_commit_person *person, const uint8_t *data, size_t size)
{
	check_span(&person->line, data, size);
	check_span(&person->name, data, size);
	check_span(&person->mail, data, size);
	if (person->time_s < 0 || person->time_s > 253402300799)
		abort();
	if (person->zone_minutes <= -6000 || person->zone_minutes >= 6000)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hd_commit_text text;
	struct hd_buffer record = {0};
	struct hd_state state, again;
	git_oid id = {{1}};

	if (hd_git_library_start() < 0)
		abort();
	if (hd_commit_text_read(data, size, &text) < 0)
		return 0;
	check_span(&text.encoding, data, size);
	check_span(&text.message, data, size);
	check_person(&text.author, data, size);
	check_person(&text.committer, data, size);
	if (hd_import_commit(&id, &text, 1, &state) < 0)
		abort();
	if (hd_identity_check(state.author) < 0)
		abort();
	/* What it becomes can be published, and read. */
	if (hd_state_encode(&state, &record) < 0 || hd_state_decode(record.data, record.size, &again) < 0)
		abort();
	hd_state_clear(&again);
	hd_state_clear(&state);
	hd_buffer_clear(&record);
	hd_commit_text_clear(&text);
	return 0;
}
