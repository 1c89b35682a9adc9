/* The clock on the wall, moved by as many seconds as a file says; what measures durations
   goes on as it is. For LD_PRELOAD. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = syscall(SYS_clock_gettime, clock, time);
    const char *path = getenv("IRONHULL_TEST_CLOCK");
    if (result != 0 || path == NULL || clock != CLOCK_REALTIME)
        return result;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    char text[32] = {0};
    if (file >= 0) {
        if (read(file, text, sizeof text - 1) > 0)
            time->tv_sec += atol(text);
        close(file);
    }
    return result;
}
