/* SPDX-License-Identifier: Apache-2.0 */
/* Private locations: workers that say where they are. And what this server has nobody for. */
#include <string.h>

#include "core/lane.h"
#include "dialects/octomind/service.h"

/* Value of the label `location`; empty: the worker is anywhere. */
static struct str
location_of(const struct worker_row *worker)
{
	struct str rest = str_of(worker->labels), prefix = STR("location=");

	while (rest.n > 0) {
		struct str label = str_split_first(&rest, '\n');

		if (str_starts(label, prefix))
			return str_from(label.p + prefix.n, label.n - prefix.n);
	}
	return (struct str) { 0 };
}

static bool
is_online(const struct worker_row *worker)
{
	return worker->state == WORKER_ONLINE || worker->state == WORKER_DRAINING;
}

/* A place is there as long as one of its workers is; the first of the best stands for all. */
static bool
is_shown(const struct worker_row *workers, size_t n, size_t at)
{
	struct str name = location_of(&workers[at]);

	for (size_t i = 0; name.n > 0 && i < n; i++) {
		bool better = is_online(&workers[i]) && !is_online(&workers[at]);
		bool as_good = is_online(&workers[i]) == is_online(&workers[at]);

		if (i != at && str_eq(location_of(&workers[i]), name) &&
			(better || (as_good && i < at)))
			return false;
	}
	return name.n > 0;
}

int
octo_locations(struct call *call, struct store_reader *reader, struct err *err)
{
	struct worker_row *workers;
	size_t n;
	struct jw jw = call_jw(call);

	if (read_workers(reader, call->project, true, call->arena, &workers, &n, err) < 0)
		return -1;
	jw_arr(&jw);
	for (size_t i = 0; i < n; i++) {
		struct str name = location_of(&workers[i]);

		if (!is_shown(workers, n, i))
			continue;
		jw_obj(&jw);
		jw_kstr(&jw, "status", is_online(&workers[i]) ? "ONLINE" : "OFFLINE");
		jw_kstr(&jw, "address", workers[i].name);
		jw_kstrn(&jw, "name", name.p, name.n);
		jw_end_obj(&jw);
	}
	jw_end_arr(&jw);
	return call_written(call, &jw, err);
}

/* Registering changes nothing: a worker is known from its first poll on. */
static int
read_known(struct call *call, struct store_reader *reader, struct err *err)
{
	const char *name = call->state;
	struct worker_row *workers;
	size_t n;
	struct jw jw = call_jw(call);

	if (read_workers(reader, call->project, true, call->arena, &workers, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!str_eqz(location_of(&workers[i]), name))
			continue;
		jw_obj(&jw);
		jw_kbool(&jw, "success", true);
		jw_end_obj(&jw);
		return call_written(call, &jw, err);
	}
	return err_set(err, ERR_NOT_FOUND,
		"no worker has the label location=%.100s; start one with it, it registers itself",
		name);
}

void
octo_location_register(struct call *call)
{
	struct octo_issues issues = { .arena = call->arena };
	const char *name;

	if (!octo_body(call))
		return;
	name = octo_text(call->json, "name", true, &issues);
	if (issues.n > 0) {
		octo_refuse(call, &issues);
		return;
	}
	call->state = arena_strdup(call->arena, name);
	call_read(call, read_known, NULL);
}

/* --- What needs an agent that looks around --- */

void
octo_no_agent(struct call *call)
{
	struct jw jw = call_jw(call);

	jw_obj(&jw);
	jw_kstr(&jw, "error", "not_implemented");
	jw_kstr(&jw, "message",
		"this server makes no test cases of its own: write them, or push them");
	jw_end_obj(&jw);
	octo_reply(call, &jw, 501);
}

int
octo_test_plan(struct call *call, struct store_reader *reader, struct err *err)
{
	(void)reader;
	return err_set(err, ERR_NOT_FOUND, "there is no test plan \"%.60s\"", call->arg[1]);
}
