/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One table: a row is an option's name, its values, where it goes and what help says of it. Parsing,
 * formatting and describing walk the same rows, so that an option cannot be understood by one program and
 * unknown to the next.
 *
 * The defaults are measured, see docs/design/kernel-cache.md.
 */

#include "mount/mount_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

enum option_kind { OPTION_SWITCH, OPTION_CHOICE, OPTION_NUMBER, OPTION_SIZE, OPTION_ID };

struct option_row {
	const char *name;
	enum option_kind kind;
	const char *choices; /* "a|b|c" in the order of the enum */
	size_t offset;       /* of a bool for switches, of a uint64_t for all others */
	uint64_t initial;
	uint64_t limit; /* of numbers */
	const char *help;
};

/* What mount(8) and other filesystems call them. */
static const struct {
	const char *name, *meaning;
} synonyms[] = {
	{"ro", "read-only"},
	{"rw", "no-read-only"},
	{"nosuid", "no-suid"},
	{"nodev", "no-dev"},
	{"allow_other", "allow-other"},
	{"default_permissions", "default-permissions"},
	{"relatime", "access-times=relative"},
	{"strictatime", "access-times=strict"},
	{"noatime", "access-times=never"},
	{"diratime", "directory-access-times"},
	{"nodiratime", "no-directory-access-times"},
};

#define FIELD(field) offsetof(struct hd_mount_options, field)
#define DAY_S 86400

static const struct option_row rows[] = {
	{"open", OPTION_CHOICE, "untracked|tracked", FIELD(open), HD_OPEN_UNTRACKED, 0,
		"whether the kernel announces each open and close"},
	{"readdirplus", OPTION_CHOICE, "always|auto|off", FIELD(readdirplus), HD_READDIRPLUS_ALWAYS, 0,
		"when a listing carries attributes"},
	{"notify", OPTION_CHOICE, "others|always|never", FIELD(notify), HD_NOTIFY_OTHERS, 0,
		"which views are told of a change"},
	{"access-times", OPTION_CHOICE, "relative|strict|never", FIELD(access_times), HD_ACCESS_RELATIVE, 0,
		"whether reading moves access times (relatime, strictatime, noatime)"},
	{"directory-access-times", OPTION_SWITCH, NULL, FIELD(directory_access_times), 1, 0,
		"listing moves those of directories (nodiratime: does not)"},
	{"cache", OPTION_NUMBER, NULL, FIELD(cache_s), DAY_S, 365u * DAY_S,
		"seconds that the kernel may keep names and attributes"},
	{"spin", OPTION_NUMBER, NULL, FIELD(spin_us), 50, 1000,
		"microseconds that the reader of requests looks again before it sleeps"},
	{"readers", OPTION_NUMBER, NULL, FIELD(readers), 32, 256, "limit of request threads"},
	{"flush-interval", OPTION_NUMBER, NULL, FIELD(flush_interval_ms), 5000, 3600000,
		"milliseconds within which changes reach the disk"},
	{"volatile", OPTION_SWITCH, NULL, FIELD(is_volatile), 0, 0,
		"fsync does nothing; changes reach the disk by capture and unmount"},
	{"promote-idle", OPTION_NUMBER, NULL, FIELD(promote_idle_ms), 1000, 3600000,
		"milliseconds without a write after which a file is stored"},
	{"base-deadline", OPTION_NUMBER, NULL, FIELD(base_deadline_ms), 30000, 3600000,
		"milliseconds that a stalled base may take"},
	{"watchdog", OPTION_NUMBER, NULL, FIELD(watchdog_ms), 2000, 3600000,
		"milliseconds after which an operation in flight is logged; 0: never"},
	{"hang", OPTION_NUMBER, NULL, FIELD(hang_ms), 120000, 86400000,
		"milliseconds after which one that waits for nothing has the worker replaced; 0: never"},
	{"hot-limit", OPTION_SIZE, NULL, FIELD(hot_limit), 0, UINT64_MAX,
		"memory for unstored file data (K, M, G); 0: half of all"},
	{"restarts", OPTION_NUMBER, NULL, FIELD(restarts), 5, 1000000000,
		"workers that may die within 5 minutes before the mount is ended"},
	{"poison", OPTION_NUMBER, NULL, FIELD(poison), 3, 1000000000,
		"workers that die of one request before it fails with EIO; 0: no limit"},
	{"trace", OPTION_SWITCH, NULL, FIELD(trace), 0, 0,
		"log when each request is begun and done (for debugging)"},
	{"single-threaded", OPTION_SWITCH, NULL, FIELD(single_threaded), 0, 0,
		"work on one request after the other (for debugging)"},
	{"evict", OPTION_SWITCH, NULL, FIELD(evict), 1, 0,
		"store what nobody writes in the background; without: when memory is short"},
	{"allow-other", OPTION_SWITCH, NULL, FIELD(allow_other), 0, 0, "let other users in"},
	{"default-permissions", OPTION_SWITCH, NULL, FIELD(default_permissions), 1, 0,
		"let the kernel check modes and owners"},
	{"read-only", OPTION_SWITCH, NULL, FIELD(read_only), 0, 0, "refuse writes"},
	{"uid", OPTION_ID, NULL, FIELD(uid), HD_NO_ID, UINT32_MAX - 1, "show this user as everybody's owner"},
	{"gid", OPTION_ID, NULL, FIELD(gid), HD_NO_ID, UINT32_MAX - 1, "show this group as every file's"},
	{"suid", OPTION_SWITCH, NULL, FIELD(suid), 1, 0, "honour set-user-id programs (root's mounts alone)"},
	{"dev", OPTION_SWITCH, NULL, FIELD(dev), 1, 0, "honour device nodes (root's mounts alone)"},
	{"writeback", OPTION_SWITCH, NULL, FIELD(writeback), 0, 0, "let the kernel collect writes"},
	{"killpriv", OPTION_SWITCH, NULL, FIELD(killpriv), 1, 0,
		"drop set-user-id bits without a question per write"},
	{"record", OPTION_SWITCH, NULL, FIELD(record), 0, 0,
		"note which processes change what; captures keep it with the state"},
	{"git", OPTION_CHOICE, "none|worktree|branch|auto", FIELD(git), HD_GIT_NONE, 0,
		"make the mount a git worktree, detached or on the branch heddle/THREAD; auto: where it can "
		"be one"},
	{"git-fsmonitor", OPTION_CHOICE, "auto|yes|no", FIELD(git_fsmonitor), HD_GIT_FSMONITOR_AUTO, 0,
		"with git: have it ask what changed; auto: where nobody minds extensions.worktreeConfig"},
	{"private", OPTION_SWITCH, NULL, FIELD(is_private), 0, 0,
		"seen by one command and its children alone; 'heddle run' sets it"},
};

static uint64_t *number_field(struct hd_mount_options *options, const struct option_row *row)
{
	return (uint64_t *)((char *)options + row->offset);
}

static bool *switch_field(struct hd_mount_options *options, const struct option_row *row)
{
	return (bool *)((char *)options + row->offset);
}

void hd_mount_options_default(struct hd_mount_options *ret_options)
{
	const char *notify = getenv("HEDDLE_NOTIFY");
	size_t i;

	memset(ret_options, 0, sizeof(*ret_options));
	for (i = 0; i < HD_ARRAY_SIZE(rows); i++) {
		if (rows[i].kind == OPTION_SWITCH)
			*switch_field(ret_options, &rows[i]) = rows[i].initial != 0;
		else
			*number_field(ret_options, &rows[i]) = rows[i].initial;
	}
	/* Only root may vouch for what a base holds. */
	ret_options->suid = ret_options->dev = geteuid() == 0;
	if (notify && strcmp(notify, "always") == 0)
		ret_options->notify = HD_NOTIFY_ALWAYS;
}

/* The word of CHOICES ("a|b") that VALUE is, or -1. */
static int choice_index(const char *choices, const char *value, size_t length)
{
	int index = 0;

	for (;;) {
		size_t word = strcspn(choices, "|");

		if (word == length && strncmp(choices, value, length) == 0)
			return index;
		if (choices[word] == '\0')
			return -1;
		choices += word + 1;
		index++;
	}
}

static int parse_number(const struct option_row *row, const char *value, size_t length, uint64_t *ret_number)
{
	uint64_t number = 0;
	unsigned shift = 0;
	size_t i;

	for (i = 0; i < length && value[i] >= '0' && value[i] <= '9'; i++) {
		unsigned digit = (unsigned)(value[i] - '0');

		if (number > (UINT64_MAX - digit) / 10)
			return hd_fail(HD_E_USAGE, "mount option '%s': the number is too large", row->name);
		number = number * 10 + digit;
	}
	if (row->kind == OPTION_SIZE && i > 0 && i + 1 == length) {
		static const char units[] = "KMGT";
		const char *unit = memchr(units, value[i], sizeof(units) - 1);

		if (unit) {
			shift = 10 * (unsigned)(unit - units + 1);
			i++;
		}
	}
	if (i == 0 || i != length)
		return hd_fail(HD_E_USAGE, "mount option '%s' takes a number, not '%.*s'", row->name,
			(int)length, value);
	if (number > row->limit >> shift)
		return hd_fail(HD_E_USAGE, "mount option '%s': the number is too large", row->name);
	*ret_number = number << shift;
	return 0;
}

static int set_value(
	struct hd_mount_options *options, const struct option_row *row, const char *value, size_t length)
{
	int index;

	if (row->kind != OPTION_CHOICE)
		return parse_number(row, value, length, number_field(options, row));
	index = choice_index(row->choices, value, length);
	if (index < 0)
		return hd_fail(HD_E_USAGE, "mount option '%s' takes %s, not '%.*s'", row->name, row->choices,
			(int)length, value);
	*number_field(options, row) = (uint64_t)index;
	return 0;
}

static int set_option(struct hd_mount_options *options, const char *word, size_t length)
{
	const char *equals = memchr(word, '=', length);
	size_t name_length = equals ? (size_t)(equals - word) : length;
	size_t i;

	for (i = 0; i < HD_ARRAY_SIZE(synonyms); i++) {
		if (strlen(synonyms[i].name) == length && strncmp(synonyms[i].name, word, length) == 0)
			return set_option(options, synonyms[i].meaning, strlen(synonyms[i].meaning));
	}

	for (i = 0; i < HD_ARRAY_SIZE(rows); i++) {
		const struct option_row *row = &rows[i];
		bool is_switch = row->kind == OPTION_SWITCH;

		if (is_switch && !equals && length > 3 && strncmp(word, "no-", 3) == 0 &&
			strlen(row->name) == length - 3 && strncmp(row->name, word + 3, length - 3) == 0) {
			*switch_field(options, row) = false;
			return 0;
		}
		if (strlen(row->name) != name_length || strncmp(row->name, word, name_length) != 0)
			continue;
		if (is_switch != !equals)
			return hd_fail(HD_E_USAGE, "mount option '%s' %s", row->name,
				is_switch ? "takes no value" : "needs a value");
		if (equals)
			return set_value(options, row, equals + 1, length - name_length - 1);
		*switch_field(options, row) = true;
		return 0;
	}
	return hd_fail(HD_E_USAGE, "there is no mount option '%.*s'", (int)name_length, word);
}

int hd_mount_options_parse(struct hd_mount_options *options, const char *text)
{
	int r;

	while (text && *text) {
		size_t length = strcspn(text, ",");

		if (length > 0) {
			r = set_option(options, text, length);
			if (r < 0)
				return r;
		}
		text += length;
		text += *text == ',';
	}
	return 0;
}

int hd_mount_options_settle(struct hd_mount_options *options)
{
	if (geteuid() != 0 && (options->suid || options->dev))
		return hd_fail(HD_E_USAGE, "mount option '%s' is for root", options->suid ? "suid" : "dev");
	if (options->allow_other && !options->default_permissions)
		return hd_fail(HD_E_USAGE,
			"mount options 'allow-other' and 'no-default-permissions' together would let "
			"everybody do everything");
	/* A read that the kernel answers itself moves nothing: what is to move always has to be asked for. */
	if (options->access_times == HD_ACCESS_STRICT)
		options->open = HD_OPEN_TRACKED;
	if (geteuid() != 0 && !options->allow_other && options->uid == HD_NO_ID)
		options->uid = geteuid();
	/* In the namespace of a command there is no other group either, and nobody may write to a file of a group that is not there. */
	if (geteuid() != 0 && options->is_private && options->gid == HD_NO_ID)
		options->gid = getegid();
	return 0;
}

void hd_mount_options_list(const struct hd_mount_options *options,
	void (*emit)(const struct hd_option_value *value, void *payload), void *payload)
{
	struct hd_mount_options copy = *options;
	size_t i;

	for (i = 0; i < HD_ARRAY_SIZE(rows); i++) {
		const struct option_row *row = &rows[i];
		struct hd_option_value value = {.name = row->name, .kind = HD_OPTION_NUMBER};
		uint64_t skip;

		if (row->kind == OPTION_SWITCH) {
			value.kind = HD_OPTION_SWITCH;
			value.number = *switch_field(&copy, row);
		} else {
			value.number = *number_field(&copy, row);
		}
		if (row->kind == OPTION_ID && value.number == HD_NO_ID)
			continue;
		if (row->kind == OPTION_CHOICE) {
			value.kind = HD_OPTION_WORD;
			value.word = row->choices;
			for (skip = value.number; skip > 0; skip--)
				value.word += strcspn(value.word, "|") + 1;
			value.word_length = strcspn(value.word, "|");
		}
		emit(&value, payload);
	}
}

static void format_one(const struct hd_option_value *value, void *payload)
{
	struct hd_buffer *buffer = payload;
	const char *comma = buffer->size ? "," : "";

	if (value->kind == HD_OPTION_SWITCH)
		hd_buffer_printf(buffer, "%s%s%s", comma, value->number ? "" : "no-", value->name);
	else if (value->kind == HD_OPTION_WORD)
		hd_buffer_printf(
			buffer, "%s%s=%.*s", comma, value->name, (int)value->word_length, value->word);
	else
		hd_buffer_printf(buffer, "%s%s=%llu", comma, value->name, (unsigned long long)value->number);
}

char *hd_mount_options_format(const struct hd_mount_options *options)
{
	HD_AUTO_BUFFER struct hd_buffer buffer = {0};
	size_t size;

	hd_mount_options_list(options, format_one, &buffer);
	hd_buffer_put_u8(&buffer, 0);
	return hd_buffer_status(&buffer) < 0 ? NULL : hd_buffer_steal(&buffer, &size);
}

void hd_mount_options_describe(
	void (*emit)(const char *name, const char *values, const char *help, void *payload), void *payload)
{
	static const char *const values[] = {[OPTION_SWITCH] = NULL,
		[OPTION_CHOICE] = NULL,
		[OPTION_NUMBER] = "N",
		[OPTION_SIZE] = "SIZE",
		[OPTION_ID] = "ID"};
	size_t i;

	for (i = 0; i < HD_ARRAY_SIZE(rows); i++)
		emit(rows[i].name, rows[i].choices ? rows[i].choices : values[rows[i].kind], rows[i].help,
			payload);
}
