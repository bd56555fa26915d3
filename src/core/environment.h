/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is set for all of a project, and environments: where tests run. Both are documents; what
 * may stand in them is here. Pure.
 *
 * An environment holds secrets. They are write-only: whoever reads it gets ENVIRONMENT_MASK in
 * their place, and sending that back means what is stored.
 */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/json.h"
#include "core/job_json.h"

#define ENVIRONMENT_MASK "********"

extern const struct json_field environment_fields[];
extern const struct json_field environment_auth_fields[];    /* basicAuth */
extern const struct json_field environment_account_fields[]; /* account */
extern const struct json_field gate_fields[];                /* an item of gates */
extern const struct json_field project_fields[];

/* Checks an environment that is to be saved. -1: issues. */
int environment_read(json_t *environment, struct arena *arena, struct issues *issues,
	struct definition_head *ret) MUST_CHECK;

/* Puts the mask in the place of every secret. */
void environment_mask(json_t *environment);

/* Puts the secrets of `old` in the place of masks; a mask without one is an issue. `old` may be
 * NULL. */
int environment_unmask(json_t *environment, json_t *old, struct issues *issues) MUST_CHECK;

/* Checks the settings of a project; *ret_name is borrowed from the tree, NULL: not given. */
int project_read(json_t *settings, struct issues *issues, const char **ret_name) MUST_CHECK;
