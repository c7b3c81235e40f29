/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/arguments/command.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "mount/format_numbers.h"
#include "overlay/platform/cleanup.h"
#include "overlay/store/store.h"

/* The versions of libraries are those that the build found: their headers are visible in other modules only.
 */

static const struct {
	const char *name;
	const char *version;
} libraries[] = {
	{"libfuse", HD_VERSION_FUSE3},
	{"libgit2", HD_VERSION_LIBGIT2},
	{"sqlite", HD_VERSION_SQLITE3},
	{"xxhash", HD_VERSION_XXHASH},
	{"jansson", HD_VERSION_JANSSON},
	{"libmd", HD_VERSION_LIBMD},
	{"zlib", HD_VERSION_ZLIB},
	{"libarchive", HD_VERSION_LIBARCHIVE},
};

static int print_json(void)
{
	json_t *versions = json_object();

	for (size_t i = 0; i < HD_ARRAY_SIZE(libraries); i++)
		(void)json_object_set_new(versions, libraries[i].name, json_string(libraries[i].version));
	return hd_output_json(json_pack("{s:s, s:i, s:s, s:o}", "version", hd_version, "store_version",
		HD_STORE_VERSION, "compiler", __VERSION__, "libraries", versions));
}

static int run_version(const struct hd_invocation *invocation)
{
	if (invocation->json)
		return print_json();
	printf("heddle %s\nstore format %d\n", hd_version, HD_STORE_VERSION);
	for (size_t i = 0; i < HD_ARRAY_SIZE(libraries); i++)
		printf("%s %s\n", libraries[i].name, libraries[i].version);
	return HD_EXIT_OK;
}

const struct hd_command hd_command_version = {
	.name = "version",
	.summary = "Print the versions of heddle and its libraries",
	.usage = "",
	.description = "Prints heddle's version, the version of the stores it reads and writes, and the "
		       "versions of the "
		       "libraries it was built with.",
	.run = run_version,
};
