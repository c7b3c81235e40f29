/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Commits, as a hostile repository may hold them: whatever the bytes, an author is one that a state can have, texts have an
 * end, and times and zones are such as a calendar shows. As a mail its headers are those that a mail has, each once.
 *
 * LINK: heddle_capture
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/commit_text.h"
#include "capture/git/import/import_commit.h"
#include "capture/git/series/mail_text.h"
#include "capture/identity.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
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

static void check_mail(const git_oid *id, const struct hd_commit_text *text)
{
	static const char *const headers[] = {"From ", "From: ", "Date: ", "Subject: ", "MIME-Version: ",
		"Content-Type: ", "Content-Transfer-Encoding: "};
	const struct hd_buffer parts = {0};
	const struct hd_mail mail = {.id = id, .commit = text, .number = 1, .count = 2, .parts = &parts};
	struct hd_buffer out = {0};
	size_t next = 0;

	if (hd_mail_put(&out, &mail) < 0)
		abort();
	for (const char *line = (const char *)out.data; *line != '\n'; line = strchr(line, '\n') + 1) {
		if (*line == ' ' && next > 0)
			continue;
		if (next == HD_ARRAY_SIZE(headers) ||
			strncmp(line, headers[next], strlen(headers[next])) != 0)
			abort();
		next++;
	}
	if (next != 4 && next != HD_ARRAY_SIZE(headers))
		abort();
	hd_buffer_clear(&out);
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
	check_mail(&id, &text);
	hd_commit_text_clear(&text);
	return 0;
}
