/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text/diff_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal/output.h"
#include "cli/terminal/path_text.h"
#include "cli/threads/thread_command.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"

/*
 * Inside a hunk a line is what its first byte says; outside it belongs to the header. Which of both is told
 * by the line counts in the hunk's own header, as a removed line may well read "-- a/file".
 */

#define PIECE 65536
#define STAT_WIDTH 80
#define STAT_NAME_WIDTH 50

struct painter {
	FILE *stream;
	unsigned long old_left, new_left; /* lines that the hunk still has */
};

static void begin_hunk(struct painter *painter, const char *line)
{
	unsigned long old_count = 1;
	unsigned long new_count = 1;
	char *at;

	/* "@@ -start[,count] +start[,count] @@": the numbers are ours, so that a malformed one only costs
	 * colours. */
	(void)strtoul(line + 4, &at, 10);
	if (*at == ',')
		old_count = strtoul(at + 1, &at, 10);
	if (at[0] == ' ' && at[1] == '+')
		(void)strtoul(at + 2, &at, 10);
	if (*at == ',')
		new_count = strtoul(at + 1, &at, 10);
	painter->old_left = old_count;
	painter->new_left = new_count;
}

static enum hd_color color_in_hunk(struct painter *painter, char first)
{
	if (first == '-') {
		painter->old_left -= painter->old_left > 0;
		return HD_COLOR_DELETED;
	}
	if (first == '+') {
		painter->new_left -= painter->new_left > 0;
		return HD_COLOR_ADDED;
	}
	if (first != '\\') {
		painter->old_left -= painter->old_left > 0;
		painter->new_left -= painter->new_left > 0;
	}
	return HD_COLOR_NONE;
}

static void paint_line(struct painter *painter, const char *line, size_t length)
{
	enum hd_color color = HD_COLOR_NONE;
	bool has_end = length > 0 && line[length - 1] == '\n';

	if (painter->old_left > 0 || painter->new_left > 0) {
		color = color_in_hunk(painter, line[0]);
	} else if (length > 4 && memcmp(line, "@@ -", 4) == 0) {
		begin_hunk(painter, line);
		color = HD_COLOR_POSITION;
	} else if (line[0] != '\\') {
		color = HD_COLOR_STRONG;
	}
	if (color != HD_COLOR_NONE)
		fputs(hd_output_color(painter->stream, color), painter->stream);
	(void)fwrite(line, 1, length - has_end, painter->stream);
	if (color != HD_COLOR_NONE)
		fputs(hd_output_color(painter->stream, HD_COLOR_NONE), painter->stream);
	if (has_end)
		fputc('\n', painter->stream);
}

void hd_diff_paint_patch(const char *patch, size_t size, FILE *stream)
{
	struct painter painter = {.stream = stream};

	while (size > 0) {
		const char *end = memchr(patch, '\n', size);
		size_t length = end ? (size_t)(end - patch) + 1 : size;

		paint_line(&painter, patch, length);
		patch += length;
		size -= length;
	}
}

static int paint_whole(int fd, size_t size, FILE *stream)
{
	HD_AUTO_FREE char *patch = malloc(size + 1);
	size_t got = 0;
	int r;

	if (!patch)
		return -ENOMEM;
	r = hd_file_read_at(fd, patch, size, 0, &got);
	if (r < 0)
		return r;
	patch[got] = '\0';
	hd_diff_paint_patch(patch, got, stream);
	return 0;
}

int hd_diff_print_patch(int fd, FILE *stream)
{
	char piece[PIECE];
	uint64_t offset = 0;
	struct stat attributes;
	size_t got;
	int r;

	r = hd_file_stat(fd, &attributes);
	if (r < 0)
		return r;
	if (*hd_output_color(stream, HD_COLOR_ADDED))
		return paint_whole(fd, (size_t)attributes.st_size, stream);
	do {
		r = hd_file_read_at(fd, piece, sizeof(piece), offset, &got);
		if (r < 0)
			return r;
		(void)fwrite(piece, 1, got, stream);
		offset += got;
	} while (got == sizeof(piece) && !ferror(stream));
	return 0;
}

struct stat_widths {
	size_t name;
	int number;
	unsigned long long most; /* changed lines of one file */
};

static unsigned long long changed_lines(const json_t *entry)
{
	return hd_reply_number(entry, "added_lines") + hd_reply_number(entry, "deleted_lines");
}

/* COUNT of MOST as a bar of at most ROOM signs; something is never shown as nothing. */
static void print_bar(FILE *stream, enum hd_color color, char sign, unsigned long long count,
	const struct stat_widths *widths, size_t room)
{
	unsigned long long length =
		widths->most <= room ? count : (count * room + widths->most - 1) / widths->most;

	if (count == 0)
		return;
	fputs(hd_output_color(stream, color), stream);
	while (length-- > 0)
		fputc(sign, stream);
	fputs(hd_output_color(stream, HD_COLOR_NONE), stream);
}

/* Moved, and no line of it changed. */
static bool is_moved(const json_t *entry)
{
	return json_object_get(entry, "from") != NULL;
}

/* The name's end says more than its beginning: a long one loses that, as in git. */
static void print_stat_line(
	const json_t *entry, const char *name, const struct stat_widths *widths, FILE *stream)
{
	size_t columns = hd_text_columns(name);
	bool cut = columns > widths->name;
	size_t used = widths->name + (size_t)widths->number + 5;

	for (; cut && columns + 3 > widths->name; columns--) {
		/* Never inside a character: its further bytes are 10xxxxxx. */
		do
			name++;
		while ((*name & 0xc0) == 0x80);
	}
	fprintf(stream, " %s%s%*s | ", cut ? "..." : "", name, cut ? 0 : (int)(widths->name - columns), "");
	if (is_moved(entry)) {
		fputs("moved\n", stream);
		return;
	}
	if (json_is_true(json_object_get(entry, "binary"))) {
		fputs("Bin\n", stream);
		return;
	}
	fprintf(stream, "%*llu ", widths->number, changed_lines(entry));
	print_bar(stream, HD_COLOR_ADDED, '+', hd_reply_number(entry, "added_lines"), widths,
		STAT_WIDTH - used - 1);
	print_bar(stream, HD_COLOR_DELETED, '-', hd_reply_number(entry, "deleted_lines"), widths,
		STAT_WIDTH - used - 1);
	fputc('\n', stream);
}

static char *stat_name(const json_t *entry)
{
	HD_AUTO_FREE char *path = hd_reply_entry_path(entry);
	HD_AUTO_FREE char *origin = hd_reply_entry_origin(entry);
	HD_AUTO_FREE char *quoted = path ? hd_path_quote(path) : NULL;
	HD_AUTO_FREE char *quoted_origin = origin ? hd_path_quote(origin) : NULL;
	char *both = NULL;

	if (!origin)
		return HD_STEAL(quoted);
	if (!quoted || !quoted_origin)
		return NULL;
	return asprintf(&both, "%s => %s", quoted_origin, quoted) < 0 ? NULL : both;
}

static int measure(const json_t *entries, struct stat_widths *ret_widths)
{
	struct stat_widths widths = {.name = 4, .number = 3};
	char number[24];

	for (size_t i = 0; i < json_array_size(entries); i++) {
		const json_t *entry = json_array_get(entries, i);
		HD_AUTO_FREE char *name = stat_name(entry);

		if (!name)
			return -ENOMEM;
		if (hd_reply_entry_is_covered(entries, i))
			continue;
		if (hd_text_columns(name) > widths.name)
			widths.name = hd_text_columns(name);
		if (changed_lines(entry) > widths.most)
			widths.most = changed_lines(entry);
	}
	if (widths.name > STAT_NAME_WIDTH)
		widths.name = STAT_NAME_WIDTH;
	widths.number = snprintf(number, sizeof(number), "%llu", widths.most);
	widths.number = widths.number < 3 ? 3 : widths.number;
	*ret_widths = widths;
	return 0;
}

int hd_diff_print_stat(const json_t *entries, FILE *stream)
{
	unsigned long long files = 0;
	unsigned long long added = 0;
	unsigned long long deleted = 0;
	struct stat_widths widths;
	int r;

	r = measure(entries, &widths);
	if (r < 0)
		return r;
	for (size_t i = 0; i < json_array_size(entries); i++) {
		const json_t *entry = json_array_get(entries, i);
		HD_AUTO_FREE char *name = stat_name(entry);

		if (!name)
			return -ENOMEM;
		if (hd_reply_entry_is_covered(entries, i))
			continue;
		print_stat_line(entry, name, &widths, stream);
		files += !is_moved(entry);
		added += hd_reply_number(entry, "added_lines");
		deleted += hd_reply_number(entry, "deleted_lines");
	}
	if (files > 0)
		fprintf(stream, " %llu %s changed, %llu %s(+), %llu %s(-)\n", HD_COUNT(files, "file"),
			HD_COUNT(added, "insertion"), HD_COUNT(deleted, "deletion"));
	return 0;
}
