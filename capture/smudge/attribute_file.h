/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_SMUDGE_ATTRIBUTE_FILE_H
#define HEDDLE_CAPTURE_SMUDGE_ATTRIBUTE_FILE_H

/*
 * Attribute file: the rules of one .gitattributes, as git reads them (gitattributes(5)): quoted patterns, macros, lines that git
 * refuses and leaves out as a whole. What is no rule for files (patterns of directories, "dir/") matches none.
 *
 *     hd_attribute_file_parse → hd_attribute_file_free
 *
 * Ownership   The names are shared by all files that are looked at together, and outlive them.
 * Threads     One at a time for a table of names. Errors: -ENOMEM; no bytes are wrong ones.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The attributes that say how files are converted; other names, which may be those of macros, come behind them. */
enum hd_attribute {
	HD_ATTRIBUTE_TEXT,
	HD_ATTRIBUTE_CRLF, /* what "text" was called */
	HD_ATTRIBUTE_EOL,
	HD_ATTRIBUTE_IDENT,
	HD_ATTRIBUTE_ENCODING,
	HD_ATTRIBUTE_BINARY, /* git's own macro */
	HD_ATTRIBUTE_COUNT
};

struct hd_attribute_names {
	char **names; /* owned array of owned texts: those behind HD_ATTRIBUTE_COUNT */
	size_t count, capacity;
};

/* Frees what is in it; an empty one is fine. */
void hd_attribute_names_clear(struct hd_attribute_names *names);

enum hd_attribute_value {
	HD_VALUE_UNKNOWN, /* nobody said anything */
	HD_VALUE_UNSET,   /* "!text" */
	HD_VALUE_FALSE,   /* "-text" */
	HD_VALUE_TRUE,    /* "text" */
	HD_VALUE_AUTO,    /* "text=auto", and so on: the texts that mean something */
	HD_VALUE_INPUT,
	HD_VALUE_LF,
	HD_VALUE_CRLF,
	HD_VALUE_OTHER
};

struct hd_attribute_setting {
	uint32_t name; /* enum hd_attribute, or HD_ATTRIBUTE_COUNT and a number in the table */
	uint8_t value; /* enum hd_attribute_value */
};

struct hd_attribute_rule {
	char *pattern;                         /* owned, NUL-terminated; of a macro NULL */
	size_t length, plain;                  /* of the pattern, and of what of it has no wildcards */
	bool is_name;                          /* no slash: it is matched with the last part of a path */
	bool is_end;                           /* "*" and a text */
	bool is_directory;                     /* "dir/", which no file is */
	uint32_t macro;                        /* the name that it is of, if pattern is NULL */
	struct hd_attribute_setting *settings; /* owned array */
	size_t count;
};

struct hd_attribute_file {
	struct hd_attribute_rule *rules; /* owned array */
	size_t count, capacity;
	bool converts; /* some rule may have bytes converted on the way to a worktree */
	bool cleans;   /* ... or on the way to git */
};

/* Rules of TEXT; of one that is not IN_ROOT macros are refused. */
int hd_attribute_file_parse(struct hd_attribute_names *names, const char *text, size_t size, bool in_root,
	struct hd_attribute_file **ret_file);
/* NULL is fine. */
void hd_attribute_file_free(struct hd_attribute_file *file);

/* Whether the rule, which is no macro, is one for the file PATH, below the directory that is the first BASE bytes of it (0: the root). */
bool hd_attribute_rule_matches(const struct hd_attribute_rule *rule, const char *path, size_t base);

#endif
