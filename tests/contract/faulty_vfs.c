/* SPDX-License-Identifier: Apache-2.0 */
#include "faulty_vfs.h"

#include <assert.h>
#include <sqlite3.h>
#include <stddef.h>

struct faulty_file {
	sqlite3_file base;   /* first */
	sqlite3_file *inner; /* behind this struct */
};

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *inner;
	unsigned countdown; /* 0: never fails */
	bool is_down;       /* has failed and goes on failing */
} layer;

static sqlite3_file *
inner_of(sqlite3_file *file)
{
	return ((struct faulty_file *)file)->inner;
}

static bool
fails(void)
{
	if (layer.countdown > 0 && --layer.countdown == 0)
		layer.is_down = true;
	return layer.is_down;
}

static int
file_close(sqlite3_file *file)
{
	return inner_of(file)->pMethods->xClose(inner_of(file));
}

static int
file_read(sqlite3_file *file, void *data, int n, sqlite3_int64 at)
{
	return inner_of(file)->pMethods->xRead(inner_of(file), data, n, at);
}

static int
file_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
{
	if (fails()) {
		/* As a full disk does: a part arrives. */
		(void)inner_of(file)->pMethods->xWrite(inner_of(file), data, n / 2, at);
		return SQLITE_IOERR_WRITE;
	}
	return inner_of(file)->pMethods->xWrite(inner_of(file), data, n, at);
}

static int
file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return inner_of(file)->pMethods->xTruncate(inner_of(file), size);
}

static int
file_sync(sqlite3_file *file, int flags)
{
	if (fails())
		return SQLITE_IOERR_FSYNC;
	return inner_of(file)->pMethods->xSync(inner_of(file), flags);
}

static int
file_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	return inner_of(file)->pMethods->xFileSize(inner_of(file), ret);
}

static int
file_lock(sqlite3_file *file, int level)
{
	return inner_of(file)->pMethods->xLock(inner_of(file), level);
}

static int
file_unlock(sqlite3_file *file, int level)
{
	return inner_of(file)->pMethods->xUnlock(inner_of(file), level);
}

static int
file_check_lock(sqlite3_file *file, int *ret)
{
	return inner_of(file)->pMethods->xCheckReservedLock(inner_of(file), ret);
}

static int
file_control(sqlite3_file *file, int op, void *argument)
{
	return inner_of(file)->pMethods->xFileControl(inner_of(file), op, argument);
}

static int
file_sector_size(sqlite3_file *file)
{
	return inner_of(file)->pMethods->xSectorSize(inner_of(file));
}

static int
file_characteristics(sqlite3_file *file)
{
	return inner_of(file)->pMethods->xDeviceCharacteristics(inner_of(file));
}

static int
file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret)
{
	return inner_of(file)->pMethods->xShmMap(inner_of(file), page, size, extend, ret);
}

static int
file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return inner_of(file)->pMethods->xShmLock(inner_of(file), offset, n, flags);
}

static void
file_shm_barrier(sqlite3_file *file)
{
	inner_of(file)->pMethods->xShmBarrier(inner_of(file));
}

static int
file_shm_unmap(sqlite3_file *file, int remove)
{
	return inner_of(file)->pMethods->xShmUnmap(inner_of(file), remove);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

static int
vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *ret_flags)
{
	struct faulty_file *faulty = (struct faulty_file *)file;
	(void)vfs;
	faulty->inner = (sqlite3_file *)(faulty + 1);
	int rc = layer.inner->xOpen(layer.inner, name, faulty->inner, flags, ret_flags);
	faulty->base.pMethods = faulty->inner->pMethods ? &methods : NULL;
	return rc;
}

void
faulty_vfs_install(void)
{
	layer.inner = sqlite3_vfs_find(NULL);
	assert(layer.inner);
	layer.vfs = *layer.inner;
	layer.vfs.pNext = NULL;
	layer.vfs.zName = "faulty";
	layer.vfs.szOsFile = (int)sizeof(struct faulty_file) + layer.inner->szOsFile;
	layer.vfs.xOpen = vfs_open;
	int rc = sqlite3_vfs_register(&layer.vfs, 1);
	assert(rc == SQLITE_OK);
	faulty_vfs_arm(0);
}

void
faulty_vfs_remove(void)
{
	(void)sqlite3_vfs_unregister(&layer.vfs);
	(void)sqlite3_vfs_register(layer.inner, 1);
}

void
faulty_vfs_arm(unsigned nth)
{
	layer.countdown = nth;
	layer.is_down = false;
}

bool
faulty_vfs_hit(void)
{
	return layer.is_down;
}
