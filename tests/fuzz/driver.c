/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays a corpus without a fuzzing engine: each file as it is, and then a thousand variants
 * of it (bytes changed, cut, doubled, joined with another file) from a fixed seed, so that a
 * run is the same everywhere.
 *
 *   fuzz_NAME [-variants=N] FILE|FOLDER...
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/rand.h"

enum {
	VARIANTS_DEFAULT = 1000,
	EDITS_MAX = 3,
	INPUT_BYTES_MAX = 1024 * 1024,
	VARIANT_BYTES_MAX = 2 * INPUT_BYTES_MAX,
};

struct corpus {
	struct buf *inputs;
	size_t n;
};

static void
corpus_add_file(struct corpus *corpus, const char *path)
{
	struct buf input = BUF_INIT(INPUT_BYTES_MAX);
	struct err err;

	if (file_read(path, INPUT_BYTES_MAX, &input, &err) < 0) {
		fprintf(stderr, "%s: %s\n", path, err.text);
		exit(1);
	}
	corpus->inputs = xreallocarray(corpus->inputs, corpus->n + 1, sizeof *corpus->inputs);
	corpus->inputs[corpus->n++] = input;
}

static void
corpus_add(struct corpus *corpus, const char *path)
{
	struct dirent **entries;
	struct stat st;
	int n;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
		corpus_add_file(corpus, path);
		return;
	}
	n = scandir(path, &entries, NULL, alphasort);
	if (n < 0) {
		perror(path);
		exit(1);
	}
	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.') {
			char *inner = xasprintf("%s/%s", path, entries[i]->d_name);

			corpus_add(corpus, inner);
			free(inner);
		}
		free(entries[i]);
	}
	free(entries);
}

/* Exactly as many bytes as there are, so that a read behind them is found. */
static void
one_input(const char *data, size_t len)
{
	uint8_t *exact = xmalloc(len ? len : 1);

	if (len > 0)
		memcpy(exact, data, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

/* --- Variants --- */

static size_t
place(struct rng *rng, const struct buf *buf)
{
	return buf->len > 0 ? (size_t)rng_below(rng, buf->len) : 0;
}

static void
edit(struct buf *buf, struct rng *rng, const struct corpus *corpus)
{
	static const char *const words[] = { "\"", "{", "}", "[", "]", "\\", "\n", "\0", "\xff",
		"9999999999999999999", "-1", "null", "${{", "<", "&#0;", "not ok",
		"\xf0\x9f\x98\x80" };
	const struct buf *other = &corpus->inputs[rng_below(rng, corpus->n)];
	size_t at = place(rng, buf), len;

	switch (rng_below(rng, 6)) {
	case 0: /* another byte */
		if (buf->len > 0)
			buf->data[at] = (char)rng_below(rng, 256);
		break;
	case 1: /* a part less */
		len = place(rng, buf) / 4;
		if (at + len <= buf->len && buf->len > 0) {
			memmove(buf->data + at, buf->data + at + len, buf->len - at - len);
			buf->len -= len;
		}
		break;
	case 2: /* the end off */
		buf->len = at;
		break;
	case 3: { /* a part twice */
		len = buf->len - at < 64 ? buf->len - at : 64;
		char copy[64];

		if (len > 0)
			memcpy(copy, buf->data + at, len);
		(void)buf_add(buf, copy, len); /* over the limit: as it is */
		break;
	}
	case 4: { /* a word of the format */
		const char *word = words[rng_below(rng, ARRAY_LEN(words))];

		(void)buf_add(buf, word, *word ? strlen(word) : 1);
		break;
	}
	default: /* the rest of another file */
		buf->len = at;
		if (other->len > 0) {
			at = place(rng, other);
			(void)buf_add(buf, other->data + at, other->len - at);
		}
	}
}

static void
variants(const struct corpus *corpus, size_t at, long count)
{
	struct rng rng;

	rng_seed(&rng, at + 1);
	for (long i = 0; i < count; i++) {
		struct buf buf = BUF_INIT(VARIANT_BYTES_MAX);

		if (corpus->inputs[at].len > 0 &&
			buf_add(&buf, corpus->inputs[at].data, corpus->inputs[at].len) < 0)
			abort();
		for (uint64_t n = 1 + rng_below(&rng, EDITS_MAX); n > 0; n--)
			edit(&buf, &rng, corpus);
		one_input(buf.data, buf.len);
		buf_deinit(&buf);
	}
}

int
main(int argc, char **argv)
{
	struct corpus corpus = { 0 };
	long count = VARIANTS_DEFAULT;

	for (int i = 1; i < argc; i++)
		if (sscanf(argv[i], "-variants=%ld", &count) != 1)
			corpus_add(&corpus, argv[i]);
	if (corpus.n == 0) {
		fprintf(stderr, "no input\n");
		return 1;
	}
	one_input("", 0);
	for (size_t i = 0; i < corpus.n; i++) {
		one_input(corpus.inputs[i].data, corpus.inputs[i].len);
		variants(&corpus, i, count);
	}
	printf("%zu inputs, %ld variants of each\n", corpus.n, count);

	for (size_t i = 0; i < corpus.n; i++)
		buf_deinit(&corpus.inputs[i]);
	free(corpus.inputs);
	return 0;
}
