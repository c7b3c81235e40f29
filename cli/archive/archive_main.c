/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/tar_reader.h"
#include "cli/arguments/archive_commands.h"
#include "cli/commands/export_subject.h"
#include "cli/program.h"

static void import_tar(int fd, uint64_t max_bytes, struct hd_import_options *options)
{
	static struct hd_tar_import tar;

	tar = (struct hd_tar_import){.source.fd = fd, .max_bytes = max_bytes};
	options->read = hd_tar_import;
	options->source = &tar;
}

int main(int argc, char **argv)
{
	static const struct hd_archive_commands commands = {
		.export_tar = hd_export_tar_command,
		.export_layer = hd_export_layer_command,
		.import_tar = import_tar,
	};

	hd_archive_commands = &commands;
	return hd_program_run(argc, argv);
}
