/* SPDX-License-Identifier: Apache-2.0 */
/* A test takes along what it uses, so that its body says everything and stays small. */
#include "browser_format/library.h"

#include <string.h>

#include "base/json.h"

struct loan {
	json_t *library; /* of the test, owned: its own entries and the lent ones */
	const struct libraries *around;
	bool wants_all;
};

json_t *
library_find(json_t *own, const struct libraries *around, const char *name)
{
	json_t *entry = json_object_get(own, name);

	for (size_t i = 0; around && !entry && i < LIBRARIES_MAX; i++)
		entry = json_object_get(around->around[i], name);
	return entry;
}

static json_t *
name_of(json_t *use)
{
	return json_is_object(use) ? json_object_get(use, "steps") : use;
}

const char *
library_used(json_t *use)
{
	const char *name = json_string_value(name_of(use));

	return name && !strstr(name, "{{") ? name : NULL;
}

static void lend_for(struct loan *loan, json_t *tree);

static void
lend(struct loan *loan, json_t *use)
{
	const char *name = library_used(use);

	if (!name) {
		loan->wants_all |= json_is_string(name_of(use));
		return;
	}
	json_t *entry = library_find(loan->library, loan->around, name);

	if (!entry || json_object_get(loan->library, name))
		return;
	(void)json_object_set(loan->library, name, entry);
	lend_for(loan, entry);
}

/* Whatever is called `use`, at any depth: one too many does no harm. */
static void
lend_for(struct loan *loan, json_t *tree)
{
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach(tree, key, value)
	{
		if (strcmp(key, "use") == 0)
			lend(loan, value);
		lend_for(loan, value);
	}
	json_array_foreach(tree, i, value)
	{
		lend_for(loan, value);
	}
}

void
library_lend(json_t *test, const struct libraries *around)
{
	json_t *own = json_object_get(test, "library");
	struct loan loan = { .around = around };

	if (own && !json_is_object(own))
		return;
	loan.library = own ? json_copy(own) : json_object();
	lend_for(&loan, test); /* its own entries are in it */
	for (size_t i = 0; loan.wants_all && i < LIBRARIES_MAX; i++)
		(void)json_object_update_missing(loan.library, around->around[i]);
	if (json_object_size(loan.library) > json_object_size(own))
		(void)json_object_set(test, "library", loan.library);
	json_decref(loan.library);
}
