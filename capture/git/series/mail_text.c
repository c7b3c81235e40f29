/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/series/mail_text.h"

#include <git2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/utf8.h"

/* A line of a header (RFC 2047), and of one that needs no words of it. */
#define ENCODED_COLUMNS 76
#define PLAIN_COLUMNS 78
#define WORD_BEGIN "=?UTF-8?q?"
#define WORD_END "?="

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* ---- words of headers ---- */

/* What a header does not have as it is, or would take for such a word. */
static bool needs_words(const char *text)
{
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at >= 0x7f || (unsigned char)*at < ' ')
			return true;
	return strstr(text, "=?") != NULL;
}

/* In a name nothing may be left that ends it. */
static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!*+-/", c));
}

/* No character is cut in two. COLUMN is where the line is. */
static void put_words(struct hd_buffer *out, const char *text, size_t column)
{
	size_t left = strlen(text), length;

	hd_buffer_put_text(out, WORD_BEGIN);
	column += strlen(WORD_BEGIN);
	for (; left > 0; text += length, left -= length) {
		unsigned character;
		bool plain = is_plain(*text);

		length = hd_utf8_decode(text, left, &character);
		length = length > 0 ? length : 1;
		if (column + (plain ? 1 : 3 * length) + strlen(WORD_END) > ENCODED_COLUMNS) {
			hd_buffer_put_text(out, WORD_END "\n " WORD_BEGIN);
			column = 1 + strlen(WORD_BEGIN);
		}
		for (size_t i = 0; i < length; i++)
			hd_buffer_printf(out, plain ? "%c" : "=%02X", (unsigned char)text[i]);
		column += plain ? 1 : 3 * length;
	}
	hd_buffer_put_text(out, WORD_END);
}

static void put_folded(struct hd_buffer *out, const char *text, size_t column)
{
	while (*text) {
		size_t length = strspn(text, " ");

		length += strcspn(text + length, " ");
		if (*text == ' ' && column + length > PLAIN_COLUMNS) {
			hd_buffer_put_u8(out, '\n');
			column = 0;
		}
		hd_buffer_put(out, text, length);
		text += length;
		column += length;
	}
}

/* ---- headers ---- */

static void put_quoted(struct hd_buffer *out, const char *name)
{
	hd_buffer_put_u8(out, '"');
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			hd_buffer_put_u8(out, '\\');
		hd_buffer_put_u8(out, (uint8_t)*name);
	}
	hd_buffer_put_u8(out, '"');
}

/* An encoding may have turned something into a line break. */
static void put_address(struct hd_buffer *out, const char *mail)
{
	for (; *mail; mail++)
		if ((unsigned char)*mail >= ' ' && *mail != 0x7f)
			hd_buffer_put_u8(out, (uint8_t)*mail);
}

static int put_author(struct hd_buffer *out, const struct hd_commit_text *commit)
{
	HD_AUTO_FREE char *name = NULL;
	HD_AUTO_FREE char *mail = NULL;
	int r = hd_commit_text_decode(commit, &commit->author.name, &name);

	if (r >= 0)
		r = hd_commit_text_decode(commit, &commit->author.mail, &mail);
	if (r < 0)
		return r;
	hd_buffer_put_text(out, "From: ");
	if (needs_words(name))
		put_words(out, name, strlen("From: "));
	else if (name[strcspn(name, "()<>[]:;@,.\"\\")])
		put_quoted(out, name);
	else
		hd_buffer_put_text(out, name);
	hd_buffer_put_text(out, " <");
	put_address(out, mail);
	hd_buffer_put_text(out, ">\n");
	return 0;
}

static void put_date(struct hd_buffer *out, const struct hd_commit_person *author)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int zone = author->zone_minutes, minutes = zone < 0 ? -zone : zone;
	time_t time = (time_t)(author->time_s + (int64_t)zone * 60);
	struct tm tm = {0};

	(void)gmtime_r(&time, &tm);
	hd_buffer_printf(out, "Date: %.3s, %d %.3s %d %02d:%02d:%02d %c%02d%02d\n",
		days + 3 * (tm.tm_wday % 7), tm.tm_mday, months + 3 * (tm.tm_mon % 12), tm.tm_year + 1900,
		tm.tm_hour, tm.tm_min, tm.tm_sec, zone < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

/* ---- the message ---- */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The line at *AT, without what is blank at its end; *AT goes behind it. False at the end of the text. */
static bool next_line(const char **at, const char **ret_line, size_t *ret_length)
{
	const char *line = *at;
	size_t length = strcspn(line, "\n");

	if (!*line)
		return false;
	*at = line + length + (line[length] == '\n');
	while (length > 0 && is_space(line[length - 1]))
		length--;
	*ret_line = line;
	*ret_length = length;
	return true;
}

static void skip_blank_lines(const char **at)
{
	const char *next = *at, *line;
	size_t length;

	while (next_line(&next, &line, &length) && length == 0)
		*at = next;
}

/* The lines of the first paragraph are one; *AT goes behind it. */
static int take_subject(const char **at, struct hd_buffer *out)
{
	const char *line;
	size_t length;

	skip_blank_lines(at);
	while (next_line(at, &line, &length) && length > 0) {
		if (out->size > 0)
			hd_buffer_put_u8(out, ' ');
		hd_buffer_put(out, line, length);
	}
	hd_buffer_put_u8(out, '\0');
	return hd_buffer_status(out);
}

static int count_digits(size_t number)
{
	int digits = 1;

	while (number /= 10)
		digits++;
	return digits;
}

static void put_subject(struct hd_buffer *out, const struct hd_mail *mail, const char *subject)
{
	size_t begin = out->size;

	hd_buffer_put_text(out, "Subject: [PATCH");
	if (mail->count > 1)
		hd_buffer_printf(out, " %0*zu/%zu", count_digits(mail->count), mail->number, mail->count);
	hd_buffer_put_text(out, "] ");
	if (needs_words(subject))
		put_words(out, subject, out->size - begin);
	else
		put_folded(out, subject, out->size - begin);
	hd_buffer_put_u8(out, '\n');
}

static void put_body(struct hd_buffer *out, const char *text)
{
	const char *line;
	size_t length, blank = 0;

	skip_blank_lines(&text);
	while (next_line(&text, &line, &length)) {
		blank += length == 0;
		if (length == 0)
			continue;
		for (; blank > 0; blank--)
			hd_buffer_put_u8(out, '\n');
		hd_buffer_put(out, line, length);
		hd_buffer_put_u8(out, '\n');
	}
}

int hd_mail_put(struct hd_buffer *out, const struct hd_mail *mail)
{
	HD_AUTO_BUFFER struct hd_buffer subject = {0};
	HD_AUTO_FREE char *message = NULL;
	const char *body;
	char hex[GIT_OID_HEXSZ + 1];
	int r = hd_commit_text_decode(mail->commit, &mail->commit->message, &message);

	body = message;
	if (r >= 0)
		r = take_subject(&body, &subject);
	if (r < 0)
		return r;
	/* The date, always the same, is by what programs know such a file. */
	hd_buffer_printf(
		out, "From %s Mon Sep 17 00:00:00 2001\n", git_oid_tostr(hex, sizeof(hex), mail->id));
	r = put_author(out, mail->commit);
	if (r < 0)
		return r;
	put_date(out, &mail->commit->author);
	put_subject(out, mail, (const char *)subject.data);
	if (!is_ascii(body))
		hd_buffer_put_text(out, "MIME-Version: 1.0\n"
					"Content-Type: text/plain; charset=UTF-8\n"
					"Content-Transfer-Encoding: 8bit\n");
	hd_buffer_put_u8(out, '\n');
	put_body(out, body);
	hd_buffer_put_text(out, "---\n");
	hd_buffer_put(out, mail->parts->data, mail->parts->size);
	hd_buffer_put_text(out, "-- \nheddle\n\n");
	return hd_buffer_status(out);
}
