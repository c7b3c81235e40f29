/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/smudge/attribute_stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"

/*
 * The rules are gone through from the last one of the nearest directory to the first one of the root, and in a rule from its last
 * setting to its first; what is said of a name first, counts. A name that is set and is a macro is as if its settings stood there.
 */

struct asking {
	const struct hd_attribute_level *top;
	uint8_t *values; /* enum hd_attribute_value, by name */
};

/* git's own: "[attr]binary -diff -merge -text". */
static struct hd_attribute_setting binary_settings[] = {{HD_ATTRIBUTE_TEXT, HD_VALUE_FALSE}};
static const struct hd_attribute_rule binary = {
	.macro = HD_ATTRIBUTE_BINARY, .settings = binary_settings, .count = HD_ARRAY_SIZE(binary_settings)};

static const struct hd_attribute_rule *find_macro(const struct asking *asking, uint32_t name)
{
	for (const struct hd_attribute_level *level = asking->top; level; level = level->above) {
		for (size_t i = level->file->count; i-- > 0;) {
			const struct hd_attribute_rule *rule = &level->file->rules[i];

			if (!rule->pattern && rule->macro == name)
				return rule;
		}
	}
	return name == HD_ATTRIBUTE_BINARY ? &binary : NULL;
}

/* Recursion ends: each level of it sets a name that was unknown, and there are so many names at the most. */
static void apply(struct asking *asking, const struct hd_attribute_rule *rule)
{
	for (size_t i = rule->count; i-- > 0;) {
		const struct hd_attribute_setting *setting = &rule->settings[i];
		const struct hd_attribute_rule *macro = NULL;

		if (asking->values[setting->name] != HD_VALUE_UNKNOWN)
			continue;
		asking->values[setting->name] = setting->value;
		if (setting->value == HD_VALUE_TRUE && setting->name >= HD_ATTRIBUTE_BINARY)
			macro = find_macro(asking, setting->name);
		if (macro)
			apply(asking, macro);
	}
}

static void collect(struct asking *asking, const char *path)
{
	for (const struct hd_attribute_level *level = asking->top; level; level = level->above) {
		for (size_t i = level->file->count; i-- > 0;) {
			const struct hd_attribute_rule *rule = &level->file->rules[i];

			if (rule->pattern && hd_attribute_rule_matches(rule, path, level->base))
				apply(asking, rule);
		}
	}
}

/* What "text", or "crlf", says by itself. KEEP: nothing; *RET_BINARY: that nothing is converted. */
static enum hd_eol action_of(uint8_t value, bool *ret_binary)
{
	*ret_binary = value == HD_VALUE_FALSE;
	if (value == HD_VALUE_TRUE || value == HD_VALUE_INPUT)
		return HD_EOL_TEXT;
	return value == HD_VALUE_AUTO ? HD_EOL_AUTO : HD_EOL_KEEP;
}

static struct hd_conversion conclude(const uint8_t *values)
{
	struct hd_conversion conversion = {.ident = values[HD_ATTRIBUTE_IDENT] == HD_VALUE_TRUE};
	uint8_t encoding = values[HD_ATTRIBUTE_ENCODING], eol = values[HD_ATTRIBUTE_EOL];
	bool is_binary, is_auto;

	/* Neither the one conversion without the other. */
	if (encoding >= HD_VALUE_AUTO)
		return (struct hd_conversion){0};
	conversion.eol = action_of(values[HD_ATTRIBUTE_TEXT], &is_binary);
	if (conversion.eol == HD_EOL_KEEP && !is_binary)
		conversion.eol = action_of(values[HD_ATTRIBUTE_CRLF], &is_binary);
	is_auto = conversion.eol == HD_EOL_AUTO;
	if (!is_binary && eol == HD_VALUE_CRLF)
		conversion.eol = is_auto ? HD_EOL_AUTO_CRLF : HD_EOL_CRLF;
	else if (!is_binary && eol == HD_VALUE_LF)
		conversion.eol = is_auto ? HD_EOL_AUTO : HD_EOL_TEXT;
	conversion.looks_first = is_auto && (is_binary || eol != HD_VALUE_LF);
	return conversion;
}

int hd_attribute_stack_ask(const struct hd_attribute_names *names, const struct hd_attribute_level *top,
	const char *path, struct hd_conversion *ret_conversion)
{
	uint8_t few[256] = {0};
	size_t count = HD_ATTRIBUTE_COUNT + names->count;
	HD_AUTO_FREE uint8_t *many = count > sizeof(few) ? calloc(count, 1) : NULL;
	struct asking asking = {.top = top, .values = many ? many : few};

	if (count > sizeof(few) && !many)
		return -ENOMEM;
	collect(&asking, path);
	*ret_conversion = conclude(asking.values);
	return 0;
}

bool hd_attribute_stack_converts(const struct hd_attribute_level *top)
{
	for (; top; top = top->above)
		if (top->file->converts)
			return true;
	return false;
}

bool hd_attribute_stack_cleans(const struct hd_attribute_level *top)
{
	for (; top; top = top->above)
		if (top->file->cleans)
			return true;
	return false;
}
