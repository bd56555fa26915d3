/* SPDX-License-Identifier: Apache-2.0 */
/* Proportional set sizes are summed, so that pages shared within a browser count once. */
#include "worker/memory.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/parse.h"
#include "worker/sweep.h"

enum { TEXT_BYTES_MAX = 64 * 1024, CHILDREN_MAX = 256, DEPTH_MAX = 16 };

int64_t
memory_line(struct str text, struct str name)
{
	while (text.p && text.n > 0) {
		struct str line = str_split_first(&text, '\n');
		struct str key = str_split_first(&line, ':');
		int64_t kib;

		if (!str_eq(key, name))
			continue;
		line = str_trim(line);
		if (parse_i64(str_split_first(&line, ' '), 0, INT64_MAX / 1024, &kib, NULL) < 0)
			return -1;
		return kib * 1024;
	}
	return -1;
}

static int64_t
read_line(const char *path, struct str name)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(TEXT_BYTES_MAX);

	if (file_read(path, TEXT_BYTES_MAX, &text, NULL) < 0)
		return -1;
	return memory_line(buf_str(&text), name);
}

int64_t
memory_available(void)
{
	return read_line("/proc/meminfo", STR("MemAvailable"));
}

static int64_t
sum_tree(pid_t pid, int depth)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/smaps_rollup", (int)pid);
	int64_t sum = read_line(path, STR("Pss"));
	pid_t children[CHILDREN_MAX];

	if (sum < 0)
		sum = 0; /* not ours to read, or gone */
	int n = depth < DEPTH_MAX ? sweep_children(pid, children, CHILDREN_MAX) : 0;
	for (int i = 0; i < n && i < CHILDREN_MAX; i++)
		sum += sum_tree(children[i], depth + 1);
	return sum;
}

int64_t
memory_of_tree(pid_t pid)
{
	return pid > 0 ? sum_tree(pid, 0) : 0;
}
