/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/smudge/attribute_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/smudge/wildmatch.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"

/*
 * git's limits (2.38.1 and later) are ours: of a longer line, or of a larger file, nothing counts. One more is our own: names are looked
 * for one by one, and macros by recursion, so that lines with names beyond NAMES_MOST, which nobody but an attacker has, do not count.
 */

#define LINE_LIMIT 2048
#define FILE_LIMIT ((size_t)100 << 20)
#define NAMES_MOST 4096
#define BLANK " \t\r\n"
#define MACRO "[attr]"

static const char *const own_names[HD_ATTRIBUTE_COUNT] = {
	"text", "crlf", "eol", "ident", "working-tree-encoding", "binary"};

void hd_attribute_names_clear(struct hd_attribute_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
	*names = (struct hd_attribute_names){0};
}

static bool is_name(const char *name, const char *bytes, size_t length)
{
	return strncmp(name, bytes, length) == 0 && name[length] == '\0';
}

/* 1 with its number; 0: there are too many. */
static int find_name(struct hd_attribute_names *names, const char *bytes, size_t length, uint32_t *ret_name)
{
	char *copy;

	for (uint32_t i = 0; i < HD_ATTRIBUTE_COUNT + names->count; i++) {
		const char *name =
			i < HD_ATTRIBUTE_COUNT ? own_names[i] : names->names[i - HD_ATTRIBUTE_COUNT];

		if (is_name(name, bytes, length)) {
			*ret_name = i;
			return 1;
		}
	}
	if (names->count == NAMES_MOST)
		return 0;
	if (HD_ARRAY_RESERVE(names->names, names->count, names->capacity) < 0)
		return -ENOMEM;
	copy = strndup(bytes, length);
	if (!copy)
		return -ENOMEM;
	names->names[names->count++] = copy;
	*ret_name = (uint32_t)(HD_ATTRIBUTE_COUNT + names->count - 1);
	return 1;
}

static void clear_rule(struct hd_attribute_rule *rule)
{
	free(rule->pattern);
	free(rule->settings);
	*rule = (struct hd_attribute_rule){0};
}

void hd_attribute_file_free(struct hd_attribute_file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->count; i++)
		clear_rule(&file->rules[i]);
	free(file->rules);
	free(file);
}

/* ---- a line ---- */

/* "\n", "\"", "\303" and so on, between the quotes that TEXT begins at. Its end, behind the second one; NULL: it is none. */
static const char *unquote(const char *text, char *ret_bytes)
{
	static const char escapes[] = "a\ab\bf\fn\nr\rt\tv\v\\\\\"\"";

	for (text++; *text != '"'; text++) {
		const char *escape;

		if (*text == '\0')
			return NULL;
		if (*text != '\\') {
			*ret_bytes++ = *text;
			continue;
		}
		text++;
		if (*text >= '0' && *text <= '3' && text[1] >= '0' && text[1] <= '7' && text[2] >= '0' &&
			text[2] <= '7') {
			*ret_bytes++ = (char)((text[0] - '0') << 6 | (text[1] - '0') << 3 | (text[2] - '0'));
			text += 2;
			continue;
		}
		escape = *text ? escapes : NULL;
		while (escape && *escape && *escape != *text)
			escape += 2;
		if (!escape || !*escape)
			return NULL;
		*ret_bytes++ = escape[1];
	}
	*ret_bytes = '\0';
	return text + 1;
}

static bool is_valid_name(const char *name, size_t length)
{
	if (length == 0 || *name == '-')
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = name[i];

		if (!(c == '-' || c == '.' || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			    (c >= 'A' && c <= 'Z')))
			return false;
	}
	return true;
}

static enum hd_attribute_value value_of(const char *text, size_t length)
{
	static const struct {
		const char *text;
		enum hd_attribute_value value;
	} values[] = {{"auto", HD_VALUE_AUTO}, {"input", HD_VALUE_INPUT}, {"lf", HD_VALUE_LF},
		{"crlf", HD_VALUE_CRLF}};

	for (size_t i = 0; i < HD_ARRAY_SIZE(values); i++)
		if (is_name(values[i].text, text, length))
			return values[i].value;
	return HD_VALUE_OTHER;
}

/* One setting, the LENGTH bytes at TEXT. 1; 0: git refuses it, or we do. */
static int parse_setting(struct hd_attribute_names *names, const char *text, size_t length,
	struct hd_attribute_setting *ret_setting)
{
	const char *equals = memchr(text, '=', length);
	size_t name_length = equals ? (size_t)(equals - text) : length;
	bool is_signed = *text == '-' || *text == '!';
	enum hd_attribute_value value = HD_VALUE_TRUE;
	int r;

	if (is_signed) {
		value = *text == '-' ? HD_VALUE_FALSE : HD_VALUE_UNSET;
		text++;
		name_length--;
	} else if (equals) {
		value = value_of(equals + 1, length - name_length - 1);
	}
	if (!is_valid_name(text, name_length))
		return 0;
	r = find_name(names, text, name_length, &ret_setting->name);
	ret_setting->value = (uint8_t)value;
	return r;
}

static int parse_settings(struct hd_attribute_names *names, const char *text, struct hd_attribute_rule *rule)
{
	size_t capacity = 0;
	int r = 1;

	for (text += strspn(text, BLANK); *text && r > 0; text += strspn(text, BLANK)) {
		size_t length = strcspn(text, BLANK);

		if (HD_ARRAY_RESERVE(rule->settings, rule->count, capacity) < 0)
			return -ENOMEM;
		r = parse_setting(names, text, length, &rule->settings[rule->count++]);
		text += length;
	}
	return r;
}

static bool is_special(char c)
{
	return c == '*' || c == '?' || c == '[' || c == '\\';
}

/* How much of PATTERN has no wildcard. */
static size_t plain_length(const char *pattern)
{
	size_t length = 0;

	while (pattern[length] && !is_special(pattern[length]))
		length++;
	return length;
}

/* 1; 0: git refuses it. */
static int parse_pattern(const char *text, size_t length, struct hd_attribute_rule *rule)
{
	if (length > 0 && *text == '!')
		return 0;
	rule->is_directory = length > 0 && text[length - 1] == '/';
	length -= rule->is_directory;
	rule->pattern = strndup(text, length);
	if (!rule->pattern)
		return -ENOMEM;
	rule->length = length;
	rule->is_name = !strchr(rule->pattern, '/');
	rule->plain = plain_length(rule->pattern);
	rule->is_end = *rule->pattern == '*' && 1 + plain_length(rule->pattern + 1) == length;
	return 1;
}

/* 1 with a rule; 0: the line is none. */
static int parse_line(
	struct hd_attribute_names *names, const char *line, bool in_root, struct hd_attribute_rule *rule)
{
	char unquoted[LINE_LIMIT + 1];
	const char *name = line + strspn(line, BLANK), *rest = NULL;
	size_t length;
	int r;

	if (!*name || *name == '#')
		return 0;
	if (*name == '"')
		rest = unquote(name, unquoted);
	if (rest)
		name = unquoted;
	length = rest ? strlen(unquoted) : strcspn(name, BLANK);
	rest = rest ? rest : name + length;
	if (length > strlen(MACRO) && strncmp(name, MACRO, strlen(MACRO)) == 0) {
		if (!in_root)
			return 0;
		name += strlen(MACRO);
		name += strspn(name, BLANK);
		length = strcspn(name, BLANK);
		if (!is_valid_name(name, length))
			return 0;
		r = find_name(names, name, length, &rule->macro);
	} else {
		r = parse_pattern(name, length, rule);
	}
	return r <= 0 ? r : parse_settings(names, rest, rule);
}

/* ---- a file ---- */

static void note_effects(struct hd_attribute_file *file, const struct hd_attribute_rule *rule)
{
	for (size_t i = 0; i < rule->count; i++) {
		const struct hd_attribute_setting *setting = &rule->settings[i];
		bool is_said = setting->value >= HD_VALUE_TRUE;

		if ((setting->name == HD_ATTRIBUTE_EOL && setting->value == HD_VALUE_CRLF) ||
			(setting->name == HD_ATTRIBUTE_IDENT && setting->value == HD_VALUE_TRUE))
			file->converts = true;
		if (setting->name <= HD_ATTRIBUTE_IDENT && is_said)
			file->cleans = true;
	}
}

static int add_line(
	struct hd_attribute_names *names, const char *line, bool in_root, struct hd_attribute_file *file)
{
	struct hd_attribute_rule rule = {0};
	int r;

	if (HD_ARRAY_RESERVE(file->rules, file->count, file->capacity) < 0)
		return -ENOMEM;
	r = parse_line(names, line, in_root, &rule);
	if (r <= 0) {
		clear_rule(&rule);
		return r;
	}
	note_effects(file, &rule);
	file->rules[file->count++] = rule;
	return 0;
}

int hd_attribute_file_parse(struct hd_attribute_names *names, const char *text, size_t size, bool in_root,
	struct hd_attribute_file **ret_file)
{
	struct hd_attribute_file *file = calloc(1, sizeof(*file));
	/* git takes the file for a text that ends at its first NUL. */
	size_t end = size <= FILE_LIMIT ? strnlen(text, size) : 0, at = 0;
	char line[LINE_LIMIT + 1];
	int r = 0;

	if (!file)
		return -ENOMEM;
	while (at < end && r >= 0) {
		const char *newline = memchr(text + at, '\n', end - at);
		size_t length = newline ? (size_t)(newline - text) - at : end - at;

		if (length < LINE_LIMIT) {
			memcpy(line, text + at, length);
			line[length] = '\0';
			r = add_line(names, line, in_root, file);
		}
		at += length + 1;
	}
	if (r < 0) {
		hd_attribute_file_free(file);
		return r;
	}
	*ret_file = file;
	return 0;
}

/* ---- whether a path is meant ---- */

static bool matches_name(const struct hd_attribute_rule *rule, const char *name)
{
	size_t length = strlen(name);

	if (rule->plain == rule->length)
		return strcmp(name, rule->pattern) == 0;
	if (rule->is_end)
		return rule->length - 1 <= length &&
		       strcmp(name + length - (rule->length - 1), rule->pattern + 1) == 0;
	return hd_wildmatch(rule->pattern, name, false);
}

bool hd_attribute_rule_matches(const struct hd_attribute_rule *rule, const char *path, size_t base)
{
	const char *slash, *pattern = rule->pattern;
	size_t plain = rule->plain;

	if (rule->is_directory)
		return false;
	if (rule->is_name) {
		slash = strrchr(path, '/');
		return matches_name(rule, slash ? slash + 1 : path);
	}
	path += base > 0 ? base + 1 : 0;
	if (*pattern == '/') {
		pattern++;
		plain--;
	}
	if (strncmp(pattern, path, plain) != 0)
		return false;
	return hd_wildmatch(pattern + plain, path + plain, true);
}
