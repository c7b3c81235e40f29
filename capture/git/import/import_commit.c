/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/import/import_commit.h"

#include <errno.h>
#include <git2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "overlay/platform/cleanup.h"

/* At most the two facts that the header names, sorted. */
#define FACTS 2

static bool same_span(const struct hd_commit_span *a, const struct hd_commit_span *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
}

static bool same_person(const struct hd_commit_person *a, const struct hd_commit_person *b)
{
	return same_span(&a->name, &b->name) && same_span(&a->mail, &b->mail);
}

static int add_fact(struct hd_state *state, const char *key, char *value)
{
	struct hd_state_fact *fact = &state->facts[state->n_facts];

	fact->key = strdup(key);
	fact->value = value;
	state->n_facts++;
	return fact->key && value ? 0 : -ENOMEM;
}

/* "2026-11-21 18:03:40 +0100", as git has it. */
static char *format_date(const struct hd_commit_person *person)
{
	int32_t zone = person->zone_minutes, minutes = zone < 0 ? -zone : zone;
	time_t local = (time_t)(person->time_s + (int64_t)zone * 60);
	struct tm date = {0};
	char *text = NULL;

	(void)gmtime_r(&local, &date);
	if (asprintf(&text, "%04d-%02d-%02d %02d:%02d:%02d %c%02d%02d", date.tm_year + 1900, date.tm_mon + 1,
		    date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec, zone < 0 ? '-' : '+',
		    (int)(minutes / 60), (int)(minutes % 60)) < 0)
		return NULL;
	return text;
}

static int fill_facts(const struct hd_commit_text *text, struct hd_state *state)
{
	const struct hd_commit_person *author = &text->author, *committer = &text->committer;
	char *identity = NULL;
	int r = 0;

	state->facts = calloc(FACTS, sizeof(*state->facts));
	if (!state->facts)
		return -ENOMEM;
	if (author->time_s != committer->time_s || author->zone_minutes != committer->zone_minutes)
		r = add_fact(state, "authored", format_date(author));
	if (r >= 0 && !same_person(author, committer)) {
		r = hd_commit_text_identity(text, committer, &identity);
		if (r >= 0)
			r = add_fact(state, "committer", identity);
	}
	return r;
}

static int fill(const git_oid *id, const struct hd_commit_text *text, struct hd_state *state)
{
	char hex[GIT_OID_HEXSZ + 1];
	int r;

	state->git_commit = strdup(git_oid_tostr(hex, sizeof(hex), id));
	if (!state->git_commit)
		return -ENOMEM;
	r = hd_commit_text_identity(text, &text->author, &state->author);
	if (r >= 0)
		r = hd_commit_text_decode(text, &text->message, &state->message);
	return r < 0 ? r : fill_facts(text, state);
}

int hd_import_commit(
	const git_oid *id, const struct hd_commit_text *text, uint16_t base, struct hd_state *ret_state)
{
	struct hd_state state = {.is_base = true,
		.root_mode = 0755,
		.time_s = text->committer.time_s,
		.zone_minutes = text->committer.zone_minutes,
		.tree = {.kind = HD_CONTENT_GIT, .length = GIT_OID_RAWSZ, .base = base}};
	int r;

	memcpy(state.tree.bytes, text->tree.id, GIT_OID_RAWSZ);
	r = fill(id, text, &state);
	if (r < 0) {
		hd_state_clear(&state);
		return r;
	}
	*ret_state = state;
	return 0;
}
