/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "cli/arguments/archive_commands.h"
#include "cli/arguments/subcommand.h"
#include "cli/commands/export_subject.h"
#include "overlay/platform/error.h"

struct hd_export_arguments hd_export_arguments;

static const char *const empty_directories[] = {"omit", "keep-file", NULL};
static const char *const compressions[] = {"none", "gzip", "zstd", NULL};

static const struct hd_option options[] = {
	{.long_name = "repo",
		.argument = "DIR",
		.help = "git: the repository to write to; made, bare, if there is none (default: the base's)",
		.text = &hd_export_arguments.repository},
	{.long_name = "branch",
		.short_name = 'b',
		.argument = "NAME",
		.help = "git: the branch to move (default: heddle/<thread>)",
		.text = &hd_export_arguments.branch},
	{.long_name = "all",
		.help = "git: all threads and tags, and imported branches",
		.flag = &hd_export_arguments.all},
	{.long_name = "force",
		.short_name = 'f',
		.help = "git: move branches and tags from wherever they are",
		.flag = &hd_export_arguments.force},
	{.long_name = "ignored",
		.help = "git: also ignored files, which are left out otherwise",
		.flag = &hd_export_arguments.with_ignored},
	{.long_name = "no-notes",
		.help = "git: leave refs/notes/heddle alone, which gets the facts of states as notes",
		.flag = &hd_export_arguments.without_notes},
	{.long_name = "empty-directories",
		.argument = "HOW",
		.help = "git: omit (default), or keep-file: each gets an empty file .gitkeep",
		.text = &hd_export_arguments.empty_directories,
		.choices = empty_directories},
	{.long_name = "patch",
		.help = "git: write the states as a series of mails, for 'git am'",
		.flag = &hd_export_arguments.as_patch},
	{.long_name = "bundle",
		.argument = "FILE",
		.help = "git: write the states as a bundle, for 'git fetch' (-: standard output)",
		.text = &hd_export_arguments.bundle},
	{.long_name = "output",
		.short_name = 'o',
		.argument = "FILE",
		.help = "archives, --patch: write to FILE (default, and -: standard output)",
		.text = &hd_export_arguments.output},
	{.long_name = "compress",
		.argument = "HOW",
		.help = "archives: none, gzip or zstd (default: what FILE ends in says)",
		.text = &hd_export_arguments.compression,
		.choices = compressions},
	{.long_name = "from",
		.argument = "STATE",
		.help = "oci-layer: the state that the layer lies on (default: where the history begins)",
		.text = &hd_export_arguments.from},
	{0},
};

static int refuse(const char *option, const char *subject)
{
	return hd_fail(HD_E_USAGE, "--%s does not go with 'export %s'", option, subject);
}

static int run_git(const struct hd_invocation *invocation)
{
	if (hd_export_arguments.output && !hd_export_arguments.as_patch)
		return hd_fail(HD_E_USAGE, "--output goes with --patch");
	if (hd_export_arguments.compression)
		return refuse("compress", "git");
	if (hd_export_arguments.from)
		return refuse("from", "git");
	return hd_export_git_command(invocation);
}

static int refuse_git_options(const char *subject)
{
	if (hd_export_arguments.repository)
		return refuse("repo", subject);
	if (hd_export_arguments.branch)
		return refuse("branch", subject);
	if (hd_export_arguments.all)
		return refuse("all", subject);
	if (hd_export_arguments.force)
		return refuse("force", subject);
	if (hd_export_arguments.as_patch)
		return refuse("patch", subject);
	if (hd_export_arguments.bundle)
		return refuse("bundle", subject);
	if (hd_export_arguments.empty_directories)
		return refuse("empty-directories", subject);
	if (hd_export_arguments.without_notes)
		return refuse("no-notes", subject);
	return hd_export_arguments.with_ignored ? refuse("ignored", subject) : 0;
}

static int run_tar(const struct hd_invocation *invocation)
{
	int r = refuse_git_options("tar");

	if (r >= 0 && hd_export_arguments.from)
		return refuse("from", "tar");
	return r < 0 ? r : hd_archive_commands->export_tar(invocation);
}

static int run_layer(const struct hd_invocation *invocation)
{
	int r = refuse_git_options("oci-layer");

	return r < 0 ? r : hd_archive_commands->export_layer(invocation);
}

static int run_dir(const struct hd_invocation *invocation)
{
	int r = refuse_git_options("dir");

	if (r >= 0 && hd_export_arguments.output)
		return refuse("output", "dir");
	if (r >= 0 && hd_export_arguments.compression)
		return refuse("compress", "dir");
	if (r >= 0 && hd_export_arguments.from)
		return refuse("from", "dir");
	return r < 0 ? r : hd_export_dir_command(invocation);
}

static const struct hd_subcommand subjects[] = {
	{.name = "dir", .min_arguments = 1, .max_arguments = 2, .run = run_dir},
	{.name = "git", .max_arguments = 1, .run = run_git},
	{.name = "tar", .max_arguments = 1, .run = run_tar},
	{.name = "oci-layer", .max_arguments = 1, .run = run_layer},
	{0},
};

static const char *find_program(const struct hd_invocation *invocation)
{
	static const char *const archives[] = {"tar", "oci-layer", NULL};

	return hd_archive_program_of(invocation, archives);
}

static int run_export(const struct hd_invocation *invocation)
{
	return hd_subcommand_run(subjects, invocation);
}

const struct hd_command hd_command_export = {
	.name = "export",
	.summary = "Write states to git, as archives, or as files",
	.usage = "dir [STATE] DIR\n"
		 "git [THREAD | STATE] [--repo DIR] [--branch NAME]\n"
		 "git --all [--repo DIR] [--force] [--ignored] [--no-notes]\n"
		 "git --all --bundle FILE [--ignored] [--no-notes]\n"
		 "git [THREAD|STATE|A..B] --patch [-o FILE] [--ignored]\n"
		 "git [THREAD|STATE|A..B] --bundle FILE [--branch NAME]\n"
		 "tar [STATE] [-o FILE] [--compress HOW]\n"
		 "oci-layer [STATE] [--from STATE] [-o FILE] [--compress HOW]",
	.description =
		"dir: writes the tree of STATE (default: @) as DIR, which must not be there, or be empty: "
		"owners, permissions, times to the nanosecond, ACLs, extended attributes, hard links, "
		"devices, FIFOs, sockets and holes. DIR is there when it is whole. What an ordinary user may "
		"not do (other owners, devices) is left and counted. 'heddle import dir' makes the same tree "
		"of it again.\n\n"
		"git: writes each state of THREAD that was not exported before as one commit and moves the "
		"branch to the last one. Message, author, time and facts (as trailers) are the state's; the "
		"facts "
		"as they are, and who changed what if that was recorded, are notes, which 'git log "
		"--notes=heddle' shows (--no-notes leaves them out). "
		"Commits that were imported are taken as they are, signatures included, and copied if need "
		"be. Of a STATE the branch is to be named, but a tag goes to the tag of its name, and "
		"git/BRANCH, which was imported, to BRANCH. --all exports all of these. A branch that was "
		"moved by anything but an export is left alone, with exit status 75, unless --force. --patch "
		"writes what came after the base, or after A in A..B, as mails, a patch each, and no "
		"repository; --bundle writes the commits as a file that git fetches from, and with --all "
		"everything, with all that came before, as one that git clones. What "
		".gitignore, .heddleignore and info/exclude say is ignored is left out, unless the branch "
		"has it already. git keeps no empty directories (--empty-directories says what becomes of "
		"them), "
		"devices and sockets; they are left out and counted.\n\n"
		"tar: writes the tree of STATE (default: @) as a pax archive with owners, permissions, times "
		"to the nanosecond, ACLs, extended attributes, hard links, devices and holes. 'heddle import "
		"tar' makes the same tree of it again. Sockets are left out and counted.\n\n"
		"oci-layer: writes what STATE (default: @) changes in another one as a layer of a container "
		"image: what is new or different, and whiteouts (.wh.NAME) for what is gone.\n\n"
		"Only captured states are exported: run 'heddle capture' first.",
	.options = options,
	.min_arguments = 1,
	.max_arguments = 3,
	.other_program = find_program,
	.run = run_export,
};
