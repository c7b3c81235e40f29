/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text/operation_text.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "capture/identity.h"
#include "cli/terminal/output.h"
#include "cli/text/state_text.h"
#include "mount/control/control_json.h"
#include "overlay/platform/error.h"

char *hd_operation_actor(const struct hd_location *location)
{
	char *author = NULL;

	if (hd_identity_resolve(NULL, location->store->path, &author) >= 0)
		return author;
	hd_error_clear();
	return strdup("");
}

static void print_moment(const struct hd_operation *operation, FILE *stream)
{
	unsigned offset = operation->zone_minutes < 0 ? 0u - (unsigned)operation->zone_minutes
						      : (unsigned)operation->zone_minutes;
	time_t shifted;
	struct tm parts;
	char moment[32];

	if (__builtin_add_overflow(operation->time_s, (int64_t)operation->zone_minutes * 60, &shifted) ||
		!gmtime_r(&shifted, &parts) ||
		strftime(moment, sizeof(moment), "%Y-%m-%d %H:%M:%S", &parts) == 0)
		(void)snprintf(moment, sizeof(moment), "@%" PRId64, operation->time_s);
	fprintf(stream, "%s %c%02u%02u", moment, operation->zone_minutes < 0 ? '-' : '+', offset / 60 % 100,
		offset % 60);
}

static void print_id(struct hd_index *index, const struct hd_state_id *id, FILE *stream)
{
	char text[HD_STATE_ID_TEXT_SIZE];

	fprintf(stream, "%s%s%s", hd_output_color(stream, HD_COLOR_IDENTIFIER),
		hd_state_short(index, id, text), hd_output_color(stream, HD_COLOR_NONE));
}

/* What the names and states were, and what they are. */
static void print_sides(struct hd_index *index, const struct hd_operation *operation, FILE *stream)
{
	const struct hd_operation_side *before = &operation->before, *after = &operation->after;
	const char *name = before->name ? before->name : after->name;

	fprintf(stream, " %s", operation->is_tag && operation->kind != HD_OPERATION_TAG ? "tag " : "");
	hd_output_text(stream, name, strlen(name));
	if (before->name && after->name && strcmp(before->name, after->name) != 0) {
		fputs(" -> ", stream);
		hd_output_text(stream, after->name, strlen(after->name));
	}
	fputs(": ", stream);
	if (before->name)
		print_id(index, &before->head, stream);
	if (!after->name)
		fputs(" gone", stream);
	else if (!before->name || !hd_state_id_equal(&before->head, &after->head)) {
		fputs(before->name ? " -> " : "at ", stream);
		print_id(index, &after->head, stream);
	}
	if (after->name && before->name && after->overlay != before->overlay) {
		fputs(" with the tree of ", stream);
		print_id(index, &after->tree, stream);
	}
	if (!hd_state_id_is_zero(&operation->kept)) {
		fputs(", changes kept in ", stream);
		print_id(index, &operation->kept, stream);
	}
}

void hd_operation_print(struct hd_index *index, const struct hd_operation *operation, FILE *stream)
{
	fprintf(stream, "#%" PRIu64 " ", operation->number);
	print_moment(operation, stream);
	fprintf(stream, "  %s%s%s", hd_output_color(stream, HD_COLOR_STRONG),
		hd_operation_kind_name(operation->kind), hd_output_color(stream, HD_COLOR_NONE));
	if (operation->target)
		fprintf(stream, " #%" PRIu64, operation->target);
	print_sides(index, operation, stream);
	if (operation->undone)
		fprintf(stream, " (undone by #%" PRIu64 ")", operation->undone);
	fputc('\n', stream);
}

json_t *hd_tag_json(const char *name, const struct hd_state_id *state)
{
	json_t *object = json_object();

	if (hd_control_put_name(object, "name", name, strlen(name)) >= 0 &&
		json_object_set_new(object, "state", hd_control_id_or_null(state)) == 0)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *side_json(const struct hd_operation_side *side, bool is_tag)
{
	if (!side->name)
		return json_null();
	if (is_tag)
		return hd_tag_json(side->name, &side->head);
	return json_pack("{s:o, s:o, s:o, s:o}", "name", hd_control_text(side->name), "head",
		hd_control_id_or_null(&side->head), "base", hd_control_id_or_null(&side->base), "tree",
		hd_control_id_or_null(&side->tree));
}

static json_t *number_or_null(uint64_t number)
{
	return number ? json_integer((json_int_t)number) : json_null();
}

json_t *hd_operation_json(const struct hd_operation *operation)
{
	return json_pack("{s:I, s:s, s:s, s:{s:I, s:i}, s:o, s:o, s:o, s:o, s:o, s:o}", "number",
		(json_int_t)operation->number, "kind", hd_operation_kind_name(operation->kind), "subject",
		operation->is_tag ? "tag" : "thread", "time", "s", (json_int_t)operation->time_s, "zone",
		(int)operation->zone_minutes, "actor",
		hd_control_text(operation->actor ? operation->actor : ""), "before",
		side_json(&operation->before, operation->is_tag), "after",
		side_json(&operation->after, operation->is_tag), "kept",
		hd_control_id_or_null(&operation->kept), "target", number_or_null(operation->target),
		"undone", number_or_null(operation->undone));
}
