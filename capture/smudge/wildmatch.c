/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/smudge/wildmatch.h"

#include <ctype.h>
#include <string.h>

#include "overlay/platform/cleanup.h"

/*
 * A star tries what is behind it at each place. What failed because the text was at its end fails at each later place too
 * (NEVER), and what failed because "*" may not go beyond a slash can only be helped by a "**" further left (BEYOND): so no
 * star is tried again in vain, and names that are made for it cost no more than the square of their length or so.
 */

enum found { MATCH, OTHER, NEVER, BEYOND };

typedef unsigned char byte;

static enum found match(const byte *pattern, const byte *text, bool slashes);

/* ---- [...] ---- */

static const struct {
	const char *name;
	int (*has)(int c);
} classes[] = {{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
	{"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint}, {"punct", ispunct},
	{"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit}};

/* Whether C, which is ASCII, is in the class of that name; -1: there is none of that name. */
static int is_in_class(const byte *name, size_t length, byte c)
{
	for (size_t i = 0; i < HD_ARRAY_SIZE(classes); i++)
		if (strlen(classes[i].name) == length && memcmp(classes[i].name, name, length) == 0)
			return c < 128 && classes[i].has(c);
	return -1;
}

/* One item of a set, at *AT, which goes to its last byte. 1 when C is it, -1 when the set does not end. */
static int match_item(const byte **at, byte *before, byte c)
{
	const byte *p = *at, *end;
	byte item = *p;
	int r = 0;

	if (item == '\\') {
		item = *++p;
		r = item ? item == c : -1;
	} else if (item == '-' && *before && p[1] && p[1] != ']') {
		item = *++p;
		if (item == '\\')
			item = *++p;
		r = item ? *before <= c && c <= item : -1;
		item = 0;
	} else if (item == '[' && p[1] == ':') {
		end = (const byte *)strchr((const char *)p + 2, ']');
		if (!end)
			return -1;
		if (end - p < 3 || end[-1] != ':') {
			r = c == '[';
		} else {
			r = is_in_class(p + 2, (size_t)(end - p) - 3, c);
			p = end;
			item = 0;
		}
	} else {
		r = item == c;
	}
	*before = item;
	*at = p;
	return r;
}

/* PATTERN is behind '['; *RET_END is at its ']'. */
static enum found match_set(const byte *pattern, byte c, bool slashes, const byte **ret_end)
{
	bool negated = *pattern == '!' || *pattern == '^', found = false;
	byte before = 0;
	int r;

	pattern += negated;
	do {
		if (!*pattern)
			return NEVER;
		r = match_item(&pattern, &before, c);
		if (r < 0)
			return NEVER;
		found = found || r > 0;
		pattern++;
	} while (*pattern != ']');
	*ret_end = pattern;
	return found == negated || (slashes && c == '/') ? OTHER : MATCH;
}

/* ---- stars ---- */

static bool is_special(byte c)
{
	return c == '\0' || c == '*' || c == '?' || c == '[' || c == '\\';
}

/* REST is what comes behind the star. */
static enum found match_anywhere(const byte *rest, const byte *text, bool slashes, bool beyond)
{
	for (; *text; text++) {
		enum found found;

		/* What follows is one byte: the next place is where that is. */
		if (!is_special(*rest)) {
			while (*text && *text != *rest && (beyond || *text != '/'))
				text++;
			if (*text != *rest)
				return beyond ? NEVER : BEYOND;
		}
		found = match(rest, text, slashes);
		if (found != OTHER && (!beyond || found != BEYOND))
			return found;
		if (found == OTHER && !beyond && *text == '/')
			return BEYOND;
	}
	return NEVER;
}

/* STAR is at a '*' of the pattern that begins at BEGIN. Sets *RET_SLASH where "*" in front of a slash took a directory's name. */
static enum found match_star(const byte *begin, const byte *star, const byte *text, bool slashes,
	const byte **ret_rest, const byte **ret_slash)
{
	const byte *rest = star + 1;
	bool beyond = !slashes, is_double = *rest == '*';
	enum found found = OTHER;

	while (*rest == '*')
		rest++;
	*ret_rest = rest;
	*ret_slash = NULL;
	if (is_double && slashes && (star == begin || star[-1] == '/') &&
		(!*rest || *rest == '/' || (rest[0] == '\\' && rest[1] == '/'))) {
		/* It may stand for no directory at all. */
		if (*rest == '/')
			found = match(rest + 1, text, slashes);
		if (found == MATCH || found == NEVER)
			return found;
		beyond = true;
	}
	if (!*rest)
		return beyond || !strchr((const char *)text, '/') ? MATCH : BEYOND;
	if (!beyond && *rest == '/') {
		*ret_slash = (const byte *)strchr((const char *)text, '/');
		return NEVER;
	}
	return match_anywhere(rest, text, slashes, beyond);
}

static enum found match(const byte *pattern, const byte *text, bool slashes)
{
	const byte *begin = pattern, *rest = NULL, *slash = NULL;
	enum found found;

	for (; *pattern; pattern++, text++) {
		if (!*text && *pattern != '*')
			return NEVER;
		switch (*pattern) {
		case '?':
			if (slashes && *text == '/')
				return OTHER;
			break;
		case '*':
			found = match_star(begin, pattern, text, slashes, &rest, &slash);
			if (found == MATCH || !slash)
				return found;
			pattern = rest;
			text = slash;
			break;
		case '[':
			found = match_set(pattern + 1, *text, slashes, &pattern);
			if (found != MATCH)
				return found;
			break;
		case '\\':
			pattern++;
			if (*text != *pattern)
				return OTHER;
			break;
		default:
			if (*text != *pattern)
				return OTHER;
			break;
		}
	}
	return *text ? OTHER : MATCH;
}

bool hd_wildmatch(const char *pattern, const char *text, bool slashes)
{
	return match((const byte *)pattern, (const byte *)text, slashes) == MATCH;
}
