/* A clock that a test can set: preloaded, it adds the nanoseconds in the file RTA_CLOCK to what the kernel tells of the time of day.
   The monotonic clock is left alone. Waits until a time of day follow the clock that was set, as the kernel's would: a step ahead
   ends them, a step back makes them longer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define SLICE (SECOND / 20) /* how often a wait looks at the clock */

typedef int (*Wait)(void *, void *, const struct timespec *);
static _Atomic int64_t *ahead;

__attribute__((constructor)) static void map(void) {
    int file = open(getenv("RTA_CLOCK"), O_RDONLY | O_CLOEXEC);
    void *found = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) ahead = found;
    close(file);
}

static int64_t kernel(clockid_t clock) {
    struct timespec now;
    syscall(SYS_clock_gettime, clock, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

static int64_t now(void) { return kernel(CLOCK_REALTIME) + (ahead ? *ahead : 0); }

static struct timespec split(int64_t time) { return (struct timespec){time / SECOND, time % SECOND}; }

int clock_gettime(clockid_t clock, struct timespec *found) {
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return (int)syscall(SYS_clock_gettime, clock, found);
    *found = split(now());
    return 0;
}

int timespec_get(struct timespec *found, int base) {
    *found = split(now());
    return base;
}

int gettimeofday(struct timeval *restrict found, void *restrict zone) {
    (void)zone;
    int64_t time = now();
    *found = (struct timeval){time / SECOND, time % SECOND / 1000};
    return 0;
}

time_t time(time_t *found) {
    time_t seconds = now() / SECOND;
    if (found) *found = seconds;
    return seconds;
}

/* Wait in slices of the kernel's time; `over` is what the function returns when its time is up. */
static int wait(Wait real, void *condition, void *mutex, const struct timespec *until, int over) {
    int64_t end = until->tv_sec * SECOND + until->tv_nsec;
    if (end < SECOND * SECOND) return real(condition, mutex, until); /* a time of the monotonic clock */
    for (;;) {
        int64_t left = end - now();
        if (left <= 0) return over;
        struct timespec slice = split(kernel(CLOCK_REALTIME) + (left < SLICE ? left : SLICE));
        int result = real(condition, mutex, &slice);
        if (result != over) return result;
    }
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
    static Wait real;
    if (!real) real = (Wait)dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    return wait(real, condition, mutex, until, ETIMEDOUT);
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until) {
    static Wait real;
    if (!real) real = (Wait)dlsym(RTLD_NEXT, "cnd_timedwait");
    return wait(real, condition, mutex, until, thrd_timedout);
}
