/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/smudge/conversion.h"

#include <string.h>

#include "overlay/bases/git/base_git_identity.h"
#include "overlay/platform/hex.h"

/* The rules are git's (convert.c), with what is odd in them: a checkout has to have the same bytes. */

#define ID "Id"

/* ---- what a file looks like ---- */

struct looks {
	size_t lone_cr, lone_lf, crlf, printable, others;
	bool has_nul;
};

static bool is_printable(unsigned char c)
{
	return c >= 32 ? c != 127 : c == '\b' || c == '\t' || c == '\033' || c == '\f';
}

static struct looks look_at(const char *data, size_t size)
{
	struct looks looks = {0};

	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)data[i];

		if (c == '\r' && i + 1 < size && data[i + 1] == '\n') {
			looks.crlf++;
			i++;
		} else if (c == '\r') {
			looks.lone_cr++;
		} else if (c == '\n') {
			looks.lone_lf++;
		} else {
			looks.has_nul = looks.has_nul || c == 0;
			looks.printable += is_printable(c);
			looks.others += !is_printable(c);
		}
	}
	/* The mark of the end that some systems write. */
	if (size > 0 && data[size - 1] == '\032')
		looks.others--;
	return looks;
}

static bool is_binary(const struct looks *looks)
{
	return looks->lone_cr > 0 || looks->has_nul || looks->printable >> 7 < looks->others;
}

bool hd_convert_has_crlf(const char *data, size_t size)
{
	struct looks looks = look_at(data, size);

	return looks.crlf > 0 && !is_binary(&looks);
}

/* ---- line ends ---- */

static bool wants_crlf(enum hd_eol eol, const char *data, size_t size)
{
	struct looks looks;

	if (eol != HD_EOL_CRLF && eol != HD_EOL_AUTO_CRLF)
		return false;
	looks = look_at(data, size);
	if (looks.lone_lf == 0)
		return false;
	return !hd_eol_is_guessed(eol) || (looks.crlf == 0 && !is_binary(&looks));
}

static void put_crlf(struct hd_buffer *out, const char *data, size_t size)
{
	const char *end = data + size, *begin = data;

	for (const char *lf = data; lf < end && (lf = memchr(lf, '\n', (size_t)(end - lf))); lf++) {
		if (lf > data && lf[-1] == '\r')
			continue;
		hd_buffer_put(out, begin, (size_t)(lf - begin));
		hd_buffer_put_u8(out, '\r');
		begin = lf;
	}
	hd_buffer_put(out, begin, (size_t)(end - begin));
}

static bool wants_lf(enum hd_eol eol, const char *data, size_t size, bool has_crlf)
{
	struct looks looks;

	if (eol == HD_EOL_KEEP)
		return false;
	looks = look_at(data, size);
	return looks.crlf > 0 && !(hd_eol_is_guessed(eol) && (has_crlf || is_binary(&looks)));
}

static void put_lf(struct hd_buffer *out, const char *data, size_t size)
{
	const char *end = data + size, *begin = data;

	for (const char *cr = data; cr < end && (cr = memchr(cr, '\r', (size_t)(end - cr))); cr++) {
		if (cr + 1 == end || cr[1] != '\n')
			continue;
		hd_buffer_put(out, begin, (size_t)(cr - begin));
		begin = cr + 1;
	}
	hd_buffer_put(out, begin, (size_t)(end - begin));
}

/* ---- $Id$ ---- */

struct span {
	const char *data, *end;
};

static const char *find(const char *from, const char *end, char c)
{
	return from < end ? memchr(from, c, (size_t)(end - from)) : NULL;
}

static void put_span(struct hd_buffer *out, const char *begin, const char *end)
{
	if (end > begin)
		hd_buffer_put(out, begin, (size_t)(end - begin));
}

/* "$Id: not one of git's $", of another system: it has a space in it that is not its last byte. TEXT is behind the colon. */
static bool is_foreign_once(const char *text, const char *dollar)
{
	const char *space = text + 1 < dollar ? find(text + 1, dollar, ' ') : NULL;

	return space && space < dollar - 1;
}

static bool is_foreign_on_the_way(const char *text, const char *dollar)
{
	if (*text != ' ')
		return false;
	for (text++; text < dollar && *text; text++)
		if (strchr(" \t\r", *text) && text[1] != '$')
			return true;
	return false;
}

static bool is_id(const char *at, const char *end)
{
	return end - at >= 3 && memcmp(at, ID, 2) == 0;
}

/* git looks at the whole file: at each '$', for what may follow it. */
static void put_ids_looking(struct hd_buffer *out, struct span text, const char *id)
{
	const char *at = text.data, *begin = at, *dollar;

	while ((dollar = find(at, text.end, '$'))) {
		at = dollar + 1;
		if (!is_id(at, text.end))
			continue;
		if (at[2] == '$') {
			put_span(out, begin, at);
			at += 3;
		} else if (at[2] == ':') {
			dollar = find(at + 3, text.end, '$');
			if (!dollar)
				break;
			if (find(at + 3, dollar, '\n') || is_foreign_once(at + 3, dollar))
				continue;
			put_span(out, begin, at);
			at = dollar + 1;
		} else {
			continue;
		}
		hd_buffer_printf(out, ID ": %s $", id);
		begin = at;
	}
	put_span(out, begin, text.end);
}

/*
 * git looks at each byte once, and has no way back: the byte that a "$I" or "$Id" does not go on with begins no other one. What such
 * a "$Id" and that byte are, it holds, and loses when "$Id:" follows at once.
 */
static void put_ids_on_the_way(struct hd_buffer *out, struct span text, const char *id)
{
	static const char head[] = "$Id";
	const char *at = text.data, *begin = at, *held = NULL;
	size_t matched = 0;

	while (at < text.end) {
		bool is_held = false;

		if (matched < sizeof(head) && head[matched] == *at) {
			matched++;
			at++;
			continue;
		}
		if (matched == sizeof(head) - 1 && *at == '$') {
			put_span(out, begin, at);
			hd_buffer_printf(out, ": %s $", id);
			begin = at + 1;
		} else if (matched == sizeof(head) - 1 && *at == ':') {
			const char *colon = at;

			while (at < text.end && *at != '\n' && *at != '$')
				at++;
			if (at < text.end && *at == '$' && (held || !is_foreign_on_the_way(colon + 1, at))) {
				put_span(out, begin, held ? held + strlen(head) : colon);
				hd_buffer_printf(out, ": %s $", id);
				begin = at + 1;
			}
		} else {
			is_held = matched == strlen(head);
		}
		if (is_held && !held)
			held = at - strlen(head);
		else if (!is_held)
			held = NULL;
		matched = 0;
		at += at < text.end;
	}
	put_span(out, begin, text.end);
}

/* What git's own look at a file counts: without any, nothing is done. */
static bool has_id(struct span text)
{
	const char *at = text.data, *dollar;

	while ((dollar = find(at, text.end, '$'))) {
		at = dollar + 1;
		if (text.end - at < 3)
			return false;
		if (!is_id(at, text.end))
			continue;
		at += 3;
		if (at[-1] == '$')
			return true;
		if (at[-1] != ':')
			continue;
		while (at < text.end && *at != '$' && *at != '\n')
			at++;
		if (at < text.end && *at++ == '$')
			return true;
	}
	return false;
}

static int put_ids(const struct hd_conversion *conversion, struct span text, struct hd_buffer *out)
{
	uint8_t id[HD_GIT_ID_SIZE];
	char hex[2 * HD_GIT_ID_SIZE + 1];
	int r;

	if (!conversion->ident || !find(text.data, text.end, '$') ||
		(conversion->looks_first && !has_id(text)))
		return 0;
	r = hd_git_hash_bytes(HD_GIT_BLOB, text.data, (size_t)(text.end - text.data), id);
	if (r < 0)
		return r;
	hd_hex_format(id, sizeof(id), hex);
	if (conversion->looks_first)
		put_ids_looking(out, text, hex);
	else
		put_ids_on_the_way(out, text, hex);
	r = hd_buffer_status(out);
	return r < 0 ? r : 1;
}

/* "$Id: anything $" becomes "$Id$". */
static int cut_ids(struct span text, struct hd_buffer *out)
{
	const char *at = text.data, *begin = at, *dollar;
	int r;

	while ((dollar = find(at, text.end, '$'))) {
		at = dollar + 1;
		if (text.end - at <= 3 || memcmp(at, ID ":", 3) != 0)
			continue;
		dollar = find(at + 3, text.end, '$');
		if (!dollar)
			break;
		if (find(at + 3, dollar, '\n'))
			continue;
		put_span(out, begin, at + 2);
		begin = dollar;
		at = dollar + 1;
	}
	put_span(out, begin, text.end);
	r = hd_buffer_status(out);
	return r < 0 ? r : 1;
}

/* ---- both ---- */

/* What was made goes before what was there. */
static struct span span_of(const struct hd_buffer *made, const char *data, size_t size)
{
	return made ? (struct span){(const char *)made->data, (const char *)made->data + made->size}
		    : (struct span){data, data + size};
}

static int finish(int r, const char *data, size_t size, struct hd_buffer *out)
{
	if (r < 0)
		return r;
	r = hd_buffer_status(out);
	return r < 0 ? r : out->size != size || memcmp(out->data, data, size) != 0;
}

int hd_convert_to_worktree(
	const struct hd_conversion *conversion, const char *data, size_t size, struct hd_buffer *out)
{
	HD_AUTO_BUFFER struct hd_buffer ids = {0};
	struct span text;
	int r = size > 0 ? put_ids(conversion, span_of(NULL, data, size), &ids) : 0;

	if (r < 0 || size == 0)
		return r;
	text = span_of(r > 0 ? &ids : NULL, data, size);
	if (wants_crlf(conversion->eol, text.data, (size_t)(text.end - text.data)))
		put_crlf(out, text.data, (size_t)(text.end - text.data));
	else if (r > 0)
		put_span(out, text.data, text.end);
	else
		return 0;
	return finish(0, data, size, out);
}

int hd_convert_to_git(const struct hd_conversion *conversion, const char *data, size_t size, bool has_crlf,
	struct hd_buffer *out)
{
	HD_AUTO_BUFFER struct hd_buffer lines = {0};
	struct span text = span_of(NULL, data, size);
	bool is_cut, is_lf = size > 0 && wants_lf(conversion->eol, data, size, has_crlf);
	int r = 0;

	if (is_lf) {
		put_lf(&lines, data, size);
		r = hd_buffer_status(&lines);
		text = span_of(&lines, data, size);
	}
	is_cut = size > 0 && conversion->ident && has_id(text);
	if (r < 0 || (!is_lf && !is_cut))
		return r;
	if (is_cut)
		r = cut_ids(text, out);
	else
		put_span(out, text.data, text.end);
	return finish(r, data, size, out);
}
