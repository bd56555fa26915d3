/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the route of a path in the one table, part by part. */
#include <string.h>

#include "api/api_impl.h"
#include "api/dialect.h"

static const struct str prefix = STR_INIT("/api/v1");

/*
 * Compares a pattern with a path, both without the leading slash; gives the decoded parts for
 * {name}. A last {name*} takes the whole rest, slashes included.
 */
static bool
match(struct str pattern, struct str path, struct arena *arena, const char *args[PATH_ARGS_MAX])
{
	size_t n = 0;

	while (pattern.p && path.p) {
		struct str want = str_split_first(&pattern, '/');

		if (want.n > 2 && want.p[0] == '{' && want.p[want.n - 2] == '*') {
			args[n] = path.n > 0 ? http_percent_decode(arena, path, false) : NULL;
			return args[n] != NULL;
		}
		struct str part = str_split_first(&path, '/');

		if (want.n > 0 && want.p[0] == '{') {
			args[n] = part.n > 0 ? http_percent_decode(arena, part, false) : NULL;
			if (!args[n++])
				return false;
		} else if (!str_eq(want, part)) {
			return false;
		}
	}
	return !pattern.p && !path.p;
}

/* The path below the API's prefix, or as it is; without the leading slash. */
static struct str
below_prefix(struct str path, bool *ret_is_api)
{
	*ret_is_api =
		str_starts(path, prefix) && (path.n == prefix.n || path.p[prefix.n] == '/');
	size_t skip = *ret_is_api ? prefix.n : 0;

	path = str_from(path.p + skip, path.n - skip);
	if (path.n > 0)
		path = str_from(path.p + 1, path.n - 1);
	return path;
}

static const char *const method_names[HTTP_METHOD_COUNT] = { "GET, HEAD", "POST", "PUT",
	"DELETE", "PATCH" };

/* In one table. `rest` has no leading slash. */
static unsigned
find_in(const struct route *table, bool only_root, enum http_method method, struct str rest,
	struct arena *arena, const struct route **ret, const char *args[PATH_ARGS_MAX],
	const char **ret_allow)
{
	bool allowed[HTTP_METHOD_COUNT] = { false }, any = false;
	char text[64] = "";
	size_t n = 0;

	for (const struct route *route = table; route->path; route++) {
		struct str pattern = str_of(route->path + 1);

		if ((only_root && !route->at_root) || !match(pattern, rest, arena, args))
			continue;
		if (route->method == method) {
			*ret = route;
			return 0;
		}
		any = allowed[route->method] = true;
	}
	if (!any)
		return 404;
	for (int i = 0; i < HTTP_METHOD_COUNT; i++)
		if (allowed[i])
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "",
				method_names[i]);
	*ret_allow = arena_strdup(arena, text);
	return 405;
}

unsigned
route_find(enum http_method method, struct str path, struct arena *arena,
	const struct route **ret, const char *args[PATH_ARGS_MAX], const char **ret_allow)
{
	bool is_api;
	struct str rest = below_prefix(path, &is_api);

	return find_in(routes, !is_api, method, rest, arena, ret, args, ret_allow);
}

unsigned
route_find_dialect(const struct dialect *dialect, enum http_method method, struct str rest,
	struct arena *arena, const struct route **ret, const char *args[PATH_ARGS_MAX],
	const char **ret_allow)
{
	if (rest.n > 0)
		rest = str_from(rest.p + 1, rest.n - 1);
	return find_in(dialect->routes, false, method, rest, arena, ret, args, ret_allow);
}
