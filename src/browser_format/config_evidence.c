/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a browser test's config that says what is kept of a run: §7 of the document. */
#include <string.h>

#include "base/limits.h"
#include "browser_format/config_impl.h"

static const char *const console_fails[] = { "never", "exceptions", "errors", NULL };
static const char *const modes[] = { "off", "on", "on-failure", NULL };

/* A mode that stands alone: text or boolean. Anything else is an offence. */
static int
decode_mode(json_t *value, int otherwise, const char *pointer, const char *name,
	struct issues *issues)
{
	const char *text = json_string_value(value);

	if (!value || json_is_null(value))
		return otherwise;
	if (json_is_boolean(value))
		return json_is_true(value) ? EVIDENCE_ON : EVIDENCE_OFF;
	for (int i = 0; text && modes[i]; i++)
		if (strcmp(text, modes[i]) == 0)
			return i;
	issues_add_member(issues, pointer, name, ISSUE_INVALID,
		"must be off, on or on-failure, or a boolean");
	return otherwise;
}

/* `video` and `har`: a mode, or an object with one inside. */
struct recording {
	json_t *mode;
	int64_t width, height;
	bool redacts, has_bodies;
};

static int
decode_recording(struct recording *recording, json_t *value, const struct json_field *table,
	int otherwise, const char *pointer, const char *name, struct issues *issues)
{
	if (!json_is_object(value))
		return decode_mode(value, otherwise, pointer, name, issues);
	const char *inside = json_pointer_member(issues->arena, pointer, name);
	if (json_decode(value, table, recording, inside, issues) < 0)
		return otherwise;
	return decode_mode(recording->mode, EVIDENCE_ON, inside, "mode", issues);
}

static void
decode_recordings(struct browser_config *config, const struct config_evidence_raw *raw,
	const char *pointer, struct issues *issues)
{
	static const struct json_field video[] = {
		{ .name = "mode",
			.kind = FIELD_ANY,
			.offset = offsetof(struct recording, mode) },
		{ .name = "width",
			.kind = FIELD_INT,
			.offset = offsetof(struct recording, width),
			.min = 16,
			.max = 4096 },
		{ .name = "height",
			.kind = FIELD_INT,
			.offset = offsetof(struct recording, height),
			.min = 16,
			.max = 4096 },
		{ 0 },
	};
	static const struct json_field har[] = {
		{ .name = "mode",
			.kind = FIELD_ANY,
			.offset = offsetof(struct recording, mode) },
		{ .name = "redact",
			.kind = FIELD_FLAG,
			.offset = offsetof(struct recording, redacts) },
		{ .name = "bodies",
			.kind = FIELD_FLAG,
			.offset = offsetof(struct recording, has_bodies) },
		{ 0 },
	};
	struct recording film = { .width = 1280, .height = 720 }, log = { .redacts = true };

	config->screenshot = decode_mode(
		raw->screenshot, EVIDENCE_ON_FAILURE, pointer, "screenshot", issues);
	config->dom = decode_mode(raw->dom, EVIDENCE_ON_FAILURE, pointer, "dom", issues);
	config->video = decode_recording(
		&film, raw->video, video, EVIDENCE_OFF, pointer, "video", issues);
	config->har = decode_recording(
		&log, raw->har, har, EVIDENCE_ON_FAILURE, pointer, "har", issues);
	config->video_width = film.width;
	config->video_height = film.height;
	config->har_redacts = log.redacts;
	config->har_has_bodies = log.has_bodies;
}

static void
decode_console(struct browser_config *config, json_t *value, const char *pointer,
	struct issues *issues)
{
	struct policy {
		int fail_on;
		struct strs ignore;
	} policy = { 0 };
	static const struct json_field policy_fields[] = {
		{ .name = "failOn",
			.kind = FIELD_ENUM,
			.offset = offsetof(struct policy, fail_on),
			.names = console_fails },
		{ .name = "ignore",
			.kind = FIELD_STRS,
			.offset = offsetof(struct policy, ignore),
			.max = CONSOLE_IGNORE_MAX,
			.item_max = PATTERN_BYTES_MAX },
		{ 0 },
	};
	const char *text = json_string_value(value);
	const char *inside = json_pointer_member(issues->arena, pointer, "console");

	if (json_is_object(value)) {
		if (json_decode(value, policy_fields, &policy, inside, issues) < 0)
			return;
		config->console_fail = policy.fail_on;
		config->console_ignore = policy.ignore.item;
		config->n_console_ignore = policy.ignore.n;
		return;
	}
	for (int i = 0; text && console_fails[i]; i++)
		if (strcmp(text, console_fails[i]) == 0) {
			config->console_fail = i;
			return;
		}
	issues_add(issues, inside, ISSUE_INVALID,
		"must be never, exceptions, errors, or an object with failOn and ignore");
}

static void
decode_compare(struct browser_config *config, json_t *value, const char *pointer,
	struct issues *issues)
{
	static const struct json_field compare_fields[] = {
		{ .name = "threshold",
			.kind = FIELD_NUM,
			.offset = offsetof(struct config_compare, threshold),
			.min = 0,
			.max = 1 },
		{ .name = "maxDiffPixels",
			.kind = FIELD_INT,
			.offset = offsetof(struct config_compare, max_diff_pixels),
			.min = 0,
			.max = IMAGE_PIXELS_MAX },
		{ .name = "maxDiffRatio",
			.kind = FIELD_NUM,
			.offset = offsetof(struct config_compare, max_diff_ratio),
			.min = 0,
			.max = 1 },
		{ .name = "antialias",
			.kind = FIELD_FLAG,
			.offset = offsetof(struct config_compare, forgive_antialias) },
		{ .name = "update",
			.kind = FIELD_FLAG,
			.offset = offsetof(struct config_compare, update) },
		{ 0 },
	};

	/* Its offences are what the caller asks for. */
	(void)json_decode(value, compare_fields, &config->compare,
		json_pointer_member(issues->arena, pointer, "compare"), issues);
}

void
config_decode_evidence(struct browser_config *config, const struct config_evidence_raw *raw,
	const char *pointer, struct issues *issues)
{
	decode_recordings(config, raw, pointer, issues);
	if (raw->console)
		decode_console(config, raw->console, pointer, issues);
	if (raw->compare)
		decode_compare(config, raw->compare, pointer, issues);
}
