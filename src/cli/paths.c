/* SPDX-License-Identifier: Apache-2.0 */
/* Data directories. */
#include "cli/paths.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"

static const char *
absolute(struct arena *arena, const char *path, struct err *err)
{
	char here[PATH_BYTES_MAX];

	if (path[0] == '/')
		return arena_strdup(arena, path);
	if (!getcwd(here, sizeof here)) {
		(void)err_sys(err, ERR_UNAVAILABLE, errno, "current directory");
		return NULL;
	}
	return path_join(arena, here, path);
}

const char *
paths_data_dir(struct arena *arena, const char *given, struct err *err)
{
	const char *data_home = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");

	if (given && given[0])
		return absolute(arena, given, err);
	/* The specification says that a relative path there is to be ignored. */
	if (data_home && data_home[0] == '/')
		return path_join(arena, data_home, "proctor");
	if (home && home[0] == '/')
		return path_join(arena, home, ".local/share/proctor");
	(void)err_set(
		err, ERR_INVALID, "no home directory: name one with --data or PROCTOR_DATA");
	return NULL;
}

const char *
paths_in(struct arena *arena, const char *dir, const char *name)
{
	const char *path = path_join(arena, dir, name);

	if (!path)
		abort();
	return path;
}

const char *
paths_database(struct arena *arena, const char *given, struct err *err)
{
	const char *dir = paths_data_dir(arena, given, err);

	return dir ? paths_in(arena, dir, PATHS_DATABASE) : NULL;
}
