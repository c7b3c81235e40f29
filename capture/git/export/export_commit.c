/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_commit.h"

#include <git2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "capture/identity.h"
#include "overlay/platform/cleanup.h"

/*
 * The commit is written byte by byte (gitformat, "commit object") and not by git_commit_create: libgit2 trims
 * names, refuses an empty mail, and would put its own idea of a committer in.
 *
 * Trailers form a paragraph of their own at the end (git-interpret-trailers): they join the message's own
 * trailers if it ends in some, and are otherwise set off by an empty line. A value's later lines are
 * indented, which makes them continuations.
 */

/* What git fsck accepts: no sign, four digits of zone. */
static void put_signature(struct hd_buffer *out, const char *field, const char *name, const char *mail,
	const struct hd_state *state)
{
	int32_t zone = state->zone_minutes;
	int32_t minutes = zone < 0 ? -zone : zone;

	if (minutes >= 100 * 60)
		zone = minutes = 0;
	hd_buffer_printf(out, "%s %s <%s> %lld %c%02d%02d\n", field, name, mail,
		(long long)(state->time_s < 0 ? 0 : state->time_s), zone < 0 ? '-' : '+', (int)(minutes / 60),
		(int)(minutes % 60));
}

static bool is_trailer(const char *line, size_t length)
{
	size_t token = 0;

	while (token < length && (line[token] == '-' || (line[token] >= '0' && line[token] <= '9') ||
					 (line[token] >= 'A' && line[token] <= 'Z') ||
					 (line[token] >= 'a' && line[token] <= 'z')))
		token++;
	return token > 0 && token + 1 < length && line[token] == ':' && line[token + 1] == ' ';
}

/* Whether the last paragraph of MESSAGE, which is not its first, consists of trailers. */
static bool ends_in_trailers(const char *message, size_t length)
{
	const char *end = message + length;
	const char *paragraph = NULL;

	for (const char *at = message; at + 1 < end; at++) {
		if (at[0] == '\n' && at[1] == '\n')
			paragraph = at + 2;
	}
	if (!paragraph || paragraph >= end)
		return false;
	for (const char *line = paragraph; line < end;) {
		const char *line_end = memchr(line, '\n', (size_t)(end - line));
		size_t line_length = (size_t)((line_end ? line_end : end) - line);
		bool continuation = line > paragraph && (*line == ' ' || *line == '\t');

		if (!continuation && !is_trailer(line, line_length))
			return false;
		line += line_length + 1;
	}
	return true;
}

static void put_fact(struct hd_buffer *out, const struct hd_state_fact *fact)
{
	bool word_begins = true;

	hd_buffer_put_text(out, "Heddle-");
	for (const char *byte = fact->key; *byte; byte++) {
		bool letter = (*byte >= 'a' && *byte <= 'z');
		bool other = (*byte >= 'A' && *byte <= 'Z') || (*byte >= '0' && *byte <= '9');

		/* A trailer's key has no other bytes. */
		hd_buffer_put_u8(out, letter && word_begins ? (uint8_t)(*byte - 'a' + 'A')
				      : letter || other     ? (uint8_t)*byte
							    : '-');
		word_begins = !letter && !other;
	}
	hd_buffer_put_text(out, ": ");
	for (const char *byte = fact->value; *byte; byte++) {
		if (*byte == '\n')
			hd_buffer_put_text(out, "\n  ");
		else
			hd_buffer_put_u8(out, (uint8_t)*byte);
	}
	hd_buffer_put_u8(out, '\n');
}

static void put_message(struct hd_buffer *out, const struct hd_state *state)
{
	char id[HD_STATE_ID_TEXT_SIZE];
	const char *message = state->message ? state->message : "";
	size_t length = strlen(message);

	while (length > 0 && message[length - 1] == '\n')
		length--;
	if (length > 0) {
		hd_buffer_put(out, message, length);
		hd_buffer_put_u8(out, '\n');
	}
	if (length > 0 && (state->n_facts > 0 || !hd_state_id_is_zero(&state->id)) &&
		!ends_in_trailers(message, length))
		hd_buffer_put_u8(out, '\n');
	for (size_t i = 0; i < state->n_facts; i++)
		put_fact(out, &state->facts[i]);
	if (hd_state_id_is_zero(&state->id))
		return;
	hd_state_id_format(&state->id, id);
	hd_buffer_printf(out, "Heddle-State: %s\n", id);
}

int hd_export_commit_format(const struct hd_state *state, const git_oid *tree, const git_oid *parents,
	size_t n_parents, struct hd_buffer *out)
{
	HD_AUTO_FREE char *name = NULL;
	HD_AUTO_FREE char *mail = NULL;
	char hex[GIT_OID_HEXSZ + 1];
	int r;

	r = hd_identity_split(state->author, &name, &mail);
	if (r < 0)
		return r;
	hd_buffer_printf(out, "tree %s\n", git_oid_tostr(hex, sizeof(hex), tree));
	for (size_t i = 0; i < n_parents; i++)
		hd_buffer_printf(out, "parent %s\n", git_oid_tostr(hex, sizeof(hex), &parents[i]));
	put_signature(out, "author", name, mail, state);
	put_signature(out, "committer", name, mail, state);
	hd_buffer_put_u8(out, '\n');
	put_message(out, state);
	return hd_buffer_status(out);
}
