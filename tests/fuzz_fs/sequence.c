/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One table of fields serves writing and reading, so that neither can forget one.
 */

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz_fs/sequence.h"

enum field_type { FIELD_TEXT, FIELD_INT, FIELD_OCTAL, FIELD_NUMBER, FIELD_SIGNED };

struct field {
	const char *name;
	enum field_type type;
	size_t offset, size;
};

#define FIELD(label, type, member)                                      \
	{                                                               \
		label, type, offsetof(struct fuzz_operation, member),   \
			sizeof(((struct fuzz_operation *)NULL)->member) \
	}

static const struct field fields[] = {
	FIELD("handle", FIELD_INT, handle),
	FIELD("other_handle", FIELD_INT, other_handle),
	FIELD("path", FIELD_TEXT, path),
	FIELD("other", FIELD_TEXT, other),
	FIELD("name", FIELD_TEXT, name),
	FIELD("user", FIELD_INT, user),
	FIELD("flags", FIELD_OCTAL, flags),
	FIELD("mode", FIELD_OCTAL, mode),
	FIELD("umask", FIELD_OCTAL, umask),
	FIELD("device", FIELD_NUMBER, device),
	FIELD("offset", FIELD_NUMBER, offset),
	FIELD("other_offset", FIELD_NUMBER, other_offset),
	FIELD("length", FIELD_NUMBER, length),
	FIELD("pattern", FIELD_NUMBER, pattern),
	FIELD("atime", FIELD_SIGNED, times[0].tv_sec),
	FIELD("atime_ns", FIELD_SIGNED, times[0].tv_nsec),
	FIELD("mtime", FIELD_SIGNED, times[1].tv_sec),
	FIELD("mtime_ns", FIELD_SIGNED, times[1].tv_nsec),
	FIELD("uid", FIELD_INT, uid),
	FIELD("gid", FIELD_INT, gid),
};

static void write_text(FILE *stream, const char *name, const char *text)
{
	if (text[0] == '\0')
		return;
	fprintf(stream, " %s=", name);
	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte > ' ' && byte < 0x7f && byte != '%')
			(void)fputc(byte, stream);
		else
			fprintf(stream, "%%%02x", byte);
	}
}

static void write_field(FILE *stream, const struct field *field, const void *place)
{
	uint64_t number = 0;

	if (field->type == FIELD_TEXT) {
		write_text(stream, field->name, place);
		return;
	}
	memcpy(&number, place, field->size); /* little-endian, like everything that heddle runs on */
	if (number == 0)
		return;
	if (field->type == FIELD_OCTAL)
		fprintf(stream, " %s=0%" PRIo64, field->name, number);
	else if (field->type == FIELD_INT)
		fprintf(stream, " %s=%" PRId32, field->name, (int32_t)number);
	else if (field->type == FIELD_SIGNED)
		fprintf(stream, " %s=%" PRId64, field->name, (int64_t)number);
	else
		fprintf(stream, " %s=%" PRIu64, field->name, number);
}

void fuzz_sequence_write(FILE *stream, const struct fuzz_operation *operation)
{
	fputs(fuzz_kind_names[operation->kind], stream);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		write_field(stream, &fields[i], (const char *)operation + fields[i].offset);
	(void)fputc('\n', stream);
}

static bool read_text(const struct field *field, const char *text, char *place)
{
	size_t length = 0;

	while (*text != '\0') {
		char byte = *text++;

		if (byte == '%') {
			char digits[3] = {text[0], text[0] != '\0' ? text[1] : '\0', '\0'};

			if (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1]))
				return false;
			byte = (char)strtoul(digits, NULL, 16);
			text += 2;
		}
		if (length + 1 >= field->size)
			return false;
		place[length++] = byte;
	}
	place[length] = '\0';
	return true;
}

static bool read_field(char *word, struct fuzz_operation *operation)
{
	char *value = strchr(word, '=');
	char *end;
	uint64_t number;

	if (value == NULL)
		return false;
	*value++ = '\0';
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		char *place = (char *)operation + fields[i].offset;

		if (strcmp(fields[i].name, word) != 0)
			continue;
		if (fields[i].type == FIELD_TEXT)
			return read_text(&fields[i], value, place);
		number = value[0] == '-' ? (uint64_t)strtoll(value, &end, 0) : strtoull(value, &end, 0);
		memcpy(place, &number, fields[i].size);
		return *value != '\0' && *end == '\0';
	}
	return false;
}

static bool parse(char *line, struct fuzz_operation *operation)
{
	char *rest = NULL;
	char *word = strtok_r(line, " ", &rest);
	size_t kind = 0;

	memset(operation, 0, sizeof(*operation));
	while (kind < FUZZ_KIND_COUNT && strcmp(word, fuzz_kind_names[kind]) != 0)
		kind++;
	if (kind == FUZZ_KIND_COUNT)
		return false;
	operation->kind = (enum fuzz_kind)kind;
	while ((word = strtok_r(NULL, " ", &rest)) != NULL)
		if (!read_field(word, operation))
			return false;
	/* What executors rely on: they index slots and fill buffers by it. */
	return (unsigned)operation->handle < FUZZ_HANDLE_COUNT &&
	       (unsigned)operation->other_handle < FUZZ_HANDLE_COUNT && operation->user < FUZZ_USER_COUNT;
}

int fuzz_sequence_read(FILE *stream, struct fuzz_operation *operation)
{
	char line[8 * FUZZ_PATH_SIZE];

	while (fgets(line, sizeof(line), stream) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[strspn(line, " ")] == '\0' || line[0] == '#')
			continue;
		if (parse(line, operation))
			return 1;
		fprintf(stderr, "not an operation: %s\n", line);
		return -1;
	}
	return 0;
}
