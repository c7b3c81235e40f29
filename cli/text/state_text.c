/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text/state_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/terminal/output.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/store/provenance.h"

/* The form is git log's, so that eyes and scripts used to it need not learn another. */

static int keep_thread(const struct hd_thread *thread, void *payload)
{
	struct hd_thread_heads *heads = payload;
	struct hd_thread *threads = reallocarray(heads->threads, heads->count + 1, sizeof(*threads));
	char *name = strdup(thread->name);

	if (threads)
		heads->threads = threads;
	if (!threads || !name) {
		free(name);
		return -ENOMEM;
	}
	threads[heads->count] = *thread;
	threads[heads->count++].name = name;
	return 0;
}

static int keep_tag(const struct hd_tag *tag, void *payload)
{
	struct hd_thread_heads *heads = payload;
	struct hd_tag *tags = reallocarray(heads->tags, heads->n_tags + 1, sizeof(*tags));
	char *name = strdup(tag->name);

	if (tags)
		heads->tags = tags;
	if (!tags || !name) {
		free(name);
		return -ENOMEM;
	}
	tags[heads->n_tags++] = (struct hd_tag){.name = name, .state = tag->state};
	return 0;
}

const char *hd_state_short(
	struct hd_index *index, const struct hd_state_id *id, char text[HD_STATE_ID_TEXT_SIZE])
{
	int digits = index ? hd_index_state_digits(index, id) : 0;

	hd_state_id_format(id, text);
	/* Where the index does not answer, the whole id is right, too. */
	if (digits >= 0)
		text[digits > HD_STATE_SHORT ? digits : HD_STATE_SHORT] = '\0';
	return text;
}

const char *hd_state_shorten(struct hd_index *index, const char *digits, char text[HD_STATE_ID_TEXT_SIZE])
{
	struct hd_state_id id;

	if (hd_control_id_decode(digits, &id) < 0) {
		(void)snprintf(text, HD_STATE_ID_TEXT_SIZE, "%s", digits);
		return text;
	}
	return hd_state_short(index, &id, text);
}

int hd_thread_heads_read(struct hd_index *index, struct hd_thread_heads *ret_heads)
{
	struct hd_thread_heads heads = {.index = index};
	int r;

	r = hd_index_list_threads(index, keep_thread, &heads);
	if (r >= 0)
		r = hd_index_list_tags(index, keep_tag, &heads);
	if (r < 0) {
		hd_thread_heads_clear(&heads);
		return r;
	}
	*ret_heads = heads;
	return 0;
}

void hd_thread_heads_clear(struct hd_thread_heads *heads)
{
	for (size_t i = 0; i < heads->count; i++)
		hd_thread_clear(&heads->threads[i]);
	for (size_t i = 0; i < heads->n_tags; i++)
		free(heads->tags[i].name);
	free(heads->threads);
	free(heads->tags);
	*heads = (struct hd_thread_heads){0};
}

const char *hd_time_format(int64_t time_s, int32_t zone_minutes, char text[HD_TIME_TEXT_SIZE])
{
	unsigned offset = zone_minutes < 0 ? 0u - (unsigned)zone_minutes : (unsigned)zone_minutes;
	char moment[32];
	struct tm parts;
	time_t shifted;

	/* A state of a damaged store may say any number. */
	if (__builtin_add_overflow(time_s, (int64_t)zone_minutes * 60, &shifted) ||
		!gmtime_r(&shifted, &parts) ||
		strftime(moment, sizeof(moment), "%a %b %e %H:%M:%S %Y", &parts) == 0)
		(void)snprintf(moment, sizeof(moment), "@%" PRId64, time_s);
	(void)snprintf(text, HD_TIME_TEXT_SIZE, "%s %c%02u%02u", moment, zone_minutes < 0 ? '-' : '+',
		offset / 60 % 100, offset % 60);
	return text;
}

static void print_name(
	const char *separator, const char *kind, const char *name, enum hd_color color, FILE *stream)
{
	fprintf(stream, "%s%s%s", separator, hd_output_color(stream, color), kind);
	hd_output_text(stream, name, strlen(name));
	fputs(hd_output_color(stream, HD_COLOR_NONE), stream);
}

/* " (main, try, tag: v1)" for the threads whose head, and the tags whose state, STATE is. */
static void print_heads(const struct hd_state *state, const struct hd_thread_heads *heads, FILE *stream)
{
	const char *separator = " (";

	for (size_t i = 0; i < heads->count; i++) {
		if (!hd_state_id_equal(&heads->threads[i].head, &state->id))
			continue;
		print_name(separator, "", heads->threads[i].name, HD_COLOR_STRONG, stream);
		separator = ", ";
	}
	for (size_t i = 0; i < heads->n_tags; i++) {
		if (!hd_state_id_equal(&heads->tags[i].state, &state->id))
			continue;
		print_name(separator, "tag: ", heads->tags[i].name, HD_COLOR_IDENTIFIER, stream);
		separator = ", ";
	}
	if (separator[0] == ',')
		fputc(')', stream);
}

static void print_message(const char *message, FILE *stream)
{
	while (*message) {
		size_t length = strcspn(message, "\n");

		if (length > 0)
			fputs("    ", stream);
		hd_output_text(stream, message, length);
		fputc('\n', stream);
		message += length + (message[length] == '\n');
	}
}

void hd_state_print(const struct hd_state *state, const struct hd_thread_heads *heads, FILE *stream)
{
	char id[HD_STATE_ID_TEXT_SIZE];
	char time_text[HD_TIME_TEXT_SIZE];

	hd_state_id_format(&state->id, id);
	fprintf(stream, "%sstate %s%s", hd_output_color(stream, HD_COLOR_IDENTIFIER), id,
		hd_output_color(stream, HD_COLOR_NONE));
	print_heads(state, heads, stream);
	if (state->n_parents > 1) {
		fputs("\nParents:", stream);
		for (size_t i = 0; i < state->n_parents; i++) {
			fprintf(stream, " %s", hd_state_short(heads->index, &state->parents[i], id));
		}
	}
	fputs("\nAuthor: ", stream);
	hd_output_text(stream, state->author, strlen(state->author));
	fprintf(stream, "\nDate:   %s\n", hd_time_format(state->time_s, state->zone_minutes, time_text));
	if (state->git_commit)
		fprintf(stream, "Commit: %s\n", state->git_commit);
	for (size_t i = 0; i < state->n_facts; i++) {
		/* The name of a record, which log --by-actor reads. */
		if (strcmp(state->facts[i].key, HD_PROVENANCE_FACT) == 0)
			continue;
		fprintf(stream, "Fact:   %s=", state->facts[i].key);
		hd_output_text(stream, state->facts[i].value, strlen(state->facts[i].value));
		fputc('\n', stream);
	}
	fputc('\n', stream);
	print_message(state->message && *state->message ? state->message : "(no message)", stream);
	if (!state->is_base) {
		fputs("\n    ", stream);
		hd_state_print_counts(state->added, state->modified, state->deleted, state->moved, stream);
	}
}

void hd_state_print_counts(uint64_t added, uint64_t modified, uint64_t deleted, uint64_t moved, FILE *stream)
{
	fprintf(stream, "%" PRIu64 " added, %" PRIu64 " modified, %" PRIu64 " deleted", added, modified,
		deleted);
	if (moved > 0)
		fprintf(stream, ", %" PRIu64 " moved", moved);
	fputc('\n', stream);
}

void hd_state_print_line(const struct hd_state *state, const struct hd_thread_heads *heads, FILE *stream)
{
	const char *message = state->message ? state->message : "";
	char id[HD_STATE_ID_TEXT_SIZE];

	fprintf(stream, "%s%s%s", hd_output_color(stream, HD_COLOR_IDENTIFIER),
		hd_state_short(heads->index, &state->id, id), hd_output_color(stream, HD_COLOR_NONE));
	print_heads(state, heads, stream);
	fputc(' ', stream);
	hd_output_text(stream, message, strcspn(message, "\n"));
	fputc('\n', stream);
}

void hd_state_print_commit(const struct hd_state *commit, bool one_line, FILE *stream)
{
	const char *message = commit->message ? commit->message : "";
	const char *none = hd_output_color(stream, HD_COLOR_NONE);
	char time_text[HD_TIME_TEXT_SIZE];

	if (one_line) {
		fprintf(stream, "%s%.*s%s (git) ", hd_output_color(stream, HD_COLOR_MODIFIED), HD_STATE_SHORT,
			commit->git_commit, none);
		hd_output_text(stream, message, strcspn(message, "\n"));
		fputc('\n', stream);
		return;
	}
	fprintf(stream, "%scommit %s%s (made with git, no state yet)\nAuthor: ",
		hd_output_color(stream, HD_COLOR_MODIFIED), commit->git_commit, none);
	hd_output_text(stream, commit->author, strlen(commit->author));
	fprintf(stream, "\nDate:   %s\n\n", hd_time_format(commit->time_s, commit->zone_minutes, time_text));
	print_message(*message ? message : "(no message)", stream);
}
