/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/commit_text.h"

#include <errno.h>
#include <git2.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * A commit is "tree", any number of "parent", "author", "committer", other headers of which a line that begins with a space
 * continues the one before, an empty line, and the message (gitformat, "commit object"). libgit2's parser refuses, or
 * reads otherwise, author lines that git made in other years; git's own takes the name up to the first '<', the mail up to
 * the '>' behind it, and the date behind the last '>' of the line (split_ident_line).
 */

#define TEXT_LIMIT (1u << 20)
#define ENCODING_LIMIT 40
/* The last second of the year 9999: what comes after it no calendar shows. */
#define TIME_LIMIT 253402300799
#define ZONE_LIMIT (100 * 60)

static bool take_line(struct hd_commit_span *rest, struct hd_commit_span *ret_line)
{
	const char *end;

	if (rest->size == 0)
		return false;
	end = memchr(rest->bytes, '\n', rest->size);
	*ret_line = (struct hd_commit_span){rest->bytes, end ? (size_t)(end - rest->bytes) : rest->size};
	rest->bytes += ret_line->size + (end ? 1 : 0);
	rest->size -= ret_line->size + (end ? 1 : 0);
	return true;
}

/* What stands behind FIELD and a space, if LINE begins with them. */
static bool take_field(const struct hd_commit_span *line, const char *field, struct hd_commit_span *ret_value)
{
	size_t length = strlen(field);

	if (line->size <= length || memcmp(line->bytes, field, length) != 0 || line->bytes[length] != ' ')
		return false;
	*ret_value = (struct hd_commit_span){line->bytes + length + 1, line->size - length - 1};
	return true;
}

static bool take_id(const struct hd_commit_span *value, git_oid *ret_id)
{
	return value->size == GIT_OID_HEXSZ && git_oid_fromstrn(ret_id, value->bytes, value->size) == 0;
}

/* ---- persons ---- */

static bool is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\f' || byte == '\v';
}

static struct hd_commit_span trim(const char *begin, const char *end)
{
	while (begin < end && is_space(*begin))
		begin++;
	while (end > begin && is_space(end[-1]))
		end--;
	return (struct hd_commit_span){begin, (size_t)(end - begin)};
}

/* Decimal digits at *AT; more than fit are LIMIT. */
static int64_t take_number(const char **at, const char *end, int64_t limit)
{
	int64_t number = 0;

	for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
		number = number > limit / 10 ? limit : number * 10 + (**at - '0');
	return number > limit ? limit : number;
}

/* "1700000000 +0100"; a zone is hours and minutes written as one number. */
static void read_date(const char *at, const char *end, struct hd_commit_person *person)
{
	struct hd_commit_span date = trim(at, end);
	int64_t zone, minutes;
	bool negative;

	at = date.bytes;
	end = at + date.size;
	if (at == end || *at < '0' || *at > '9')
		return;
	person->time_s = take_number(&at, end, TIME_LIMIT + 1);
	if (person->time_s > TIME_LIMIT)
		person->time_s = 0;
	while (at < end && is_space(*at))
		at++;
	if (at == end || (*at != '+' && *at != '-'))
		return;
	negative = *at++ == '-';
	zone = take_number(&at, end, 1000000);
	minutes = zone / 100 * 60 + zone % 100;
	if (minutes < ZONE_LIMIT)
		person->zone_minutes = (int32_t)(negative ? -minutes : minutes);
}

static void read_person(const struct hd_commit_span *line, struct hd_commit_person *person)
{
	const char *begin = line->bytes, *end = begin + line->size;
	const char *open = memchr(begin, '<', line->size);
	const char *close = open ? memchr(open, '>', (size_t)(end - open)) : NULL;
	const char *last = close ? memrchr(close, '>', (size_t)(end - close)) : NULL;

	person->line = *line;
	person->name = trim(begin, open ? open : end);
	if (!close)
		return;
	person->mail = trim(open + 1, close);
	read_date(last + 1, end, person);
}

/* ---- the whole ---- */

static int malformed(const char *what)
{
	return hd_fail(HD_E_BASE_OBJECT, "a commit is malformed: %s", what);
}

static int read_parents(
	struct hd_commit_span *rest, struct hd_commit_span *line, struct hd_commit_text *text, bool *ret_more)
{
	struct hd_commit_span value;
	size_t capacity = 0;

	for (;;) {
		*ret_more = take_line(rest, line);
		if (!*ret_more || !take_field(line, "parent", &value))
			return 0;
		if (HD_ARRAY_RESERVE(text->parents, text->n_parents, capacity) < 0)
			return -ENOMEM;
		if (!take_id(&value, &text->parents[text->n_parents]))
			return malformed("a parent");
		text->n_parents++;
	}
}

/* LINE is the first behind the parents. The first author, committer and encoding count, as in git. */
static void read_headers(
	struct hd_commit_span *rest, struct hd_commit_span *line, bool more, struct hd_commit_text *text)
{
	struct hd_commit_span value;

	for (; more && line->size > 0; more = take_line(rest, line)) {
		if (!text->author.line.bytes && take_field(line, "author", &value))
			read_person(&value, &text->author);
		else if (!text->committer.line.bytes && take_field(line, "committer", &value))
			read_person(&value, &text->committer);
		else if (!text->encoding.bytes && take_field(line, "encoding", &value))
			text->encoding = trim(value.bytes, value.bytes + value.size);
	}
}

int hd_commit_text_read(const void *data, size_t size, struct hd_commit_text *ret_text)
{
	struct hd_commit_span rest = {data, size}, line, value;
	struct hd_commit_text text = {0};
	bool more;
	int r;

	if (!take_line(&rest, &line) || !take_field(&line, "tree", &value) || !take_id(&value, &text.tree))
		return malformed("the tree");
	r = read_parents(&rest, &line, &text, &more);
	if (r < 0) {
		hd_commit_text_clear(&text);
		return r;
	}
	read_headers(&rest, &line, more, &text);
	text.message = rest;
	*ret_text = text;
	return 0;
}

void hd_commit_text_clear(struct hd_commit_text *text)
{
	free(text->parents);
	*text = (struct hd_commit_text){0};
}

/* ---- texts for people ---- */

/* The name of an encoding goes to iconv, which looks for files of that name. */
static bool is_encoding(const struct hd_commit_span *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:";

	if (name->size == 0 || name->size > ENCODING_LIMIT)
		return false;
	for (size_t i = 0; i < name->size; i++) {
		if (!memchr(allowed, name->bytes[i], sizeof(allowed) - 1))
			return false;
	}
	return true;
}

/* Appends SPAN in UTF-8; false, with part of it appended, when it is not what ENCODING says. */
static bool convert(const char *encoding, const struct hd_commit_span *span, struct hd_buffer *out)
{
	iconv_t conversion = iconv_open("UTF-8", encoding);
	char *in = (char *)(uintptr_t)span->bytes;
	size_t left = span->size;
	bool done = false, possible = true;

	if (conversion == (iconv_t)-1)
		return false;
	while (!done && possible) {
		char piece[4096], *end = piece;
		size_t room = sizeof(piece);

		/* At the end without input: what the encoding holds back. */
		done = left == 0;
		possible = iconv(conversion, done ? NULL : &in, done ? NULL : &left, &end, &room) !=
				   (size_t)-1 ||
			   (errno == E2BIG && end > piece);
		hd_buffer_put(out, piece, (size_t)(end - piece));
	}
	(void)iconv_close(conversion);
	return done && possible;
}

static int steal_text(struct hd_buffer *out, char **ret_text)
{
	size_t size;
	char *text;
	int r = hd_buffer_status(out);

	text = r < 0 ? NULL : hd_buffer_steal(out, &size);
	if (!text)
		return r < 0 ? r : -ENOMEM;
	/* An encoding may turn something into NUL; a text ends there. */
	*ret_text = text;
	return 0;
}

int hd_commit_text_decode(
	const struct hd_commit_text *text, const struct hd_commit_span *span, char **ret_decoded)
{
	struct hd_commit_span bytes = {span->bytes ? span->bytes : "", span->size};
	HD_AUTO_BUFFER struct hd_buffer out = {0};
	char encoding[ENCODING_LIMIT + 1];

	if (bytes.size > TEXT_LIMIT)
		bytes.size = TEXT_LIMIT;
	bytes.size = strnlen(bytes.bytes, bytes.size);
	if (is_encoding(&text->encoding)) {
		memcpy(encoding, text->encoding.bytes, text->encoding.size);
		encoding[text->encoding.size] = '\0';
		if (convert(encoding, &bytes, &out))
			return steal_text(&out, ret_decoded);
		hd_buffer_reset(&out);
	}
	hd_buffer_put(&out, bytes.bytes, bytes.size);
	return steal_text(&out, ret_decoded);
}

/* What cannot be in an author goes away, in place. */
static void clean(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		unsigned char byte = (unsigned char)*from;

		if (byte >= 0x20 && byte != 0x7f && byte != '<' && byte != '>')
			*to++ = *from;
	}
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}

int hd_commit_text_identity(
	const struct hd_commit_text *text, const struct hd_commit_person *person, char **ret_identity)
{
	HD_AUTO_BUFFER struct hd_buffer out = {0};
	HD_AUTO_FREE char *name = NULL;
	HD_AUTO_FREE char *mail = NULL;
	const char *first;
	int r = hd_commit_text_decode(text, &person->name, &name);

	if (r >= 0)
		r = hd_commit_text_decode(text, &person->mail, &mail);
	if (r < 0)
		return r;
	clean(name);
	clean(mail);
	first = name + strspn(name, " ");
	hd_buffer_printf(&out, "%s <%s>", *first ? first : *mail ? mail : "unknown", mail);
	return steal_text(&out, ret_identity);
}
