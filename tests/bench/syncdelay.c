/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slower disk for everybody: preloaded (LD_PRELOAD), makes each fsync and fdatasync take
 * SYNC_DELAY_US microseconds longer, after the real one, in the thread that waits for it.
 * Covers the functions by which SQLite, beanstalkd, Redis and PostgreSQL make writes durable,
 * and the raw system calls behind them.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int fsync(int fd);
int fdatasync(int fd);
int syncfs(int fd);
int msync(void *start, size_t len, int flags);
long syscall(long number, ...);

static long
raw(long number, long a, long b, long c)
{
	static long (*real)(long, ...);

	if (!real)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return real(number, a, b, c);
}

static void
delay(void)
{
	static long delay_us = -1;
	struct timespec due;
	int saved = errno;

	if (delay_us < 0) {
		const char *text = getenv("SYNC_DELAY_US");

		if (!text || sscanf(text, "%ld", &delay_us) != 1 || delay_us < 0)
			delay_us = 4000;
	}
	/* Without this the kernel may add 50 us of its own. */
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	clock_gettime(CLOCK_MONOTONIC, &due);
	due.tv_nsec += delay_us * 1000;
	due.tv_sec += due.tv_nsec / 1000000000;
	due.tv_nsec %= 1000000000;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
		;
	errno = saved;
}

int
fsync(int fd)
{
	int r = (int)raw(SYS_fsync, fd, 0, 0);

	delay();
	return r;
}

int
fdatasync(int fd)
{
	int r = (int)raw(SYS_fdatasync, fd, 0, 0);

	delay();
	return r;
}

int
syncfs(int fd)
{
	int r = (int)raw(SYS_syncfs, fd, 0, 0);

	delay();
	return r;
}

int
msync(void *start, size_t len, int flags)
{
	int r = (int)raw(SYS_msync, (long)start, (long)len, flags);

	if (flags & MS_SYNC)
		delay();
	return r;
}

/* Only for programs that go past the C library; six arguments are what the kernel takes at
 * most. */
long
syscall(long number, ...)
{
	static long (*real)(long, ...);
	long arg[6], r;
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (!real)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	r = real(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	if (number == SYS_fsync || number == SYS_fdatasync || number == SYS_syncfs)
		delay();
	return r;
}
