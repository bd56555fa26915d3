/* SPDX-License-Identifier: Apache-2.0 */
/* `proctor doctor`: shows what the checks found. */
#include <unistd.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/colour.h"
#include "cli/doctor.h"
#include "cli/paths.h"

static const struct {
	const char *word;
	enum colour colour;
} levels[] = {
	[FINDING_OK] = { "ok", COLOUR_GREEN },
	[FINDING_WARN] = { "warn", COLOUR_YELLOW },
	[FINDING_FAIL] = { "fail", COLOUR_RED },
};

static void
print_finding(const char *name, const struct finding *finding)
{
	bool colour = colour_wanted(STDOUT_FILENO);
	enum colour which = levels[finding->level].colour;

	cli_print("%s%-4s%s  %-11s %s\n", colour_begin(which, colour),
		levels[finding->level].word, colour_end(which, colour), name, finding->text);
	if (finding->mend)
		cli_print("%*s  %-11s   to mend it: %s\n", 4, "", "", finding->mend);
}

static json_t *
finding_json(const char *name, const struct finding *finding)
{
	json_t *object = json_pack("{s:s, s:s, s:s}", "name", name, "level",
		levels[finding->level].word, "text", finding->text);

	if (finding->mend)
		(void)json_object_set_new(object, "mend", json_string(finding->mend));
	return object;
}

int
cmd_doctor(struct cli *cli)
{
	_cleanup_(arena_deinit) struct arena arena;
	_cleanup_(json_unrefp) json_t *answer = json_pack("{s:[]}", "checks");
	struct doctor doctor = { .arena = &arena };
	bool has_failed = false;
	struct err ignored;

	arena_init(&arena, MIB(1));
	doctor.data_dir = paths_data_dir(&arena, cli_text(cli, "data"), &ignored);
	kind_places_init(&doctor.places, NULL, NULL, NULL);
	for (const struct doctor_check *check = doctor_checks; check->name; check++) {
		struct finding finding = check->look(&doctor);
		has_failed = has_failed || finding.level == FINDING_FAIL;
		if (cli->json)
			(void)json_array_append_new(json_object_get(answer, "checks"),
				finding_json(check->name, &finding));
		else
			print_finding(check->name, &finding);
	}
	kind_places_deinit(&doctor.places);
	if (cli->json) {
		(void)json_object_set_new(answer, "ok", json_boolean(!has_failed));
		cli_print_json(answer);
	}
	return has_failed ? CLI_ERRORED : CLI_OK;
}
