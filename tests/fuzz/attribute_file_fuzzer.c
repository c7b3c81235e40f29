/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rules of .gitattributes, what they say of a path, and the conversions. The input is the rules, a NUL, and a file, whose bytes are its
 * path as well. A file without a CR comes back from a worktree as it was: its line ends, and its "$Id$".
 *
 * LINK: heddle_capture
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/smudge/conversion.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const char *rules, size_t rules_size, const char *path)
{
	struct hd_attribute_names names = {0};
	struct hd_attribute_file *root = NULL, *below = NULL;
	struct hd_attribute_level levels[2];
	struct hd_conversion conversion;

	if (hd_attribute_file_parse(&names, rules, rules_size, true, &root) < 0 ||
		hd_attribute_file_parse(&names, rules, rules_size, false, &below) < 0)
		abort();
	levels[0] = (struct hd_attribute_level){NULL, root, 0};
	levels[1] = (struct hd_attribute_level){&levels[0], below, 1};
	if (hd_attribute_stack_ask(&names, &levels[1], path, &conversion) < 0)
		abort();
	/* What no rule may convert is not converted. */
	if ((hd_conversion_converts(&conversion) && !hd_attribute_stack_converts(&levels[1])) ||
		(hd_conversion_cleans(&conversion) && !hd_attribute_stack_cleans(&levels[1])))
		abort();
	hd_attribute_file_free(root);
	hd_attribute_file_free(below);
	hd_attribute_names_clear(&names);
}

static void convert(struct hd_conversion conversion, const char *data, size_t size)
{
	struct hd_buffer out = {0}, back = {0};
	int r = hd_convert_to_worktree(&conversion, data, size, &out), s;

	if (r < 0)
		abort();
	if (r > 0 && !conversion.ident && !memchr(data, '\r', size)) {
		s = hd_convert_to_git(&conversion, (const char *)out.data, out.size, false, &back);
		if (s != 1 || back.size != size || memcmp(back.data, data, size) != 0)
			abort();
	}
	hd_buffer_clear(&back);
	if (hd_convert_to_git(&conversion, data, size, size % 2, &back) < 0)
		abort();
	hd_buffer_clear(&back);
	hd_buffer_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
	size_t rules_size = nul ? (size_t)(nul - data) : size, file_size = nul ? size - rules_size - 1 : 0;
	char *rules = malloc(rules_size + 1), *file = malloc(file_size + 3);

	if (!rules || !file)
		abort();
	memcpy(rules, data, rules_size);
	memcpy(file, "d/", 2);
	if (nul)
		memcpy(file + 2, nul + 1, file_size);
	file[file_size + 2] = '\0';
	ask(rules, rules_size, file);
	for (unsigned eol = HD_EOL_KEEP; eol <= HD_EOL_AUTO_CRLF; eol++)
		for (unsigned flags = 0; flags < 4; flags++)
			convert((struct hd_conversion){(enum hd_eol)eol, flags & 1, flags & 2}, file + 2,
				file_size);
	free(rules);
	free(file);
	return 0;
}
