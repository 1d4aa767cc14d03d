/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "in_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* It says nothing and leaves no core; its signals are its own. */
static _Noreturn void run_child(int (*what)(void *arg), void *arg)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGXCPU, SIGINT, SIGTERM};
    const struct rlimit none = {0, 0}, time = {IN_CHILD_SECONDS, IN_CHILD_SECONDS + 1};
    int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        signal(signals[i], SIG_DFL);
    setrlimit(RLIMIT_CORE, &none);
    if (quiet >= 0) {
        dup2(quiet, STDOUT_FILENO);
        dup2(quiet, STDERR_FILENO);
    }
    setrlimit(RLIMIT_CPU, &time);
    _exit(what(arg) & 63);
}

int in_child(int (*what)(void *arg), void *arg, const char *name, const char *library, struct fault *f)
{
    int status = 0;
    pid_t child = fork(), done;
    if (child == 0)
        run_child(what, arg);
    if (child < 0) {
        fault_set(f, EXIT_HOST_FAILED, "fork: %s", strerror(errno));
        return -1;
    }
    while ((done = waitpid(child, &status, 0)) < 0 && errno == EINTR)
        ;
    if (done == child && WIFEXITED(status) && WEXITSTATUS(status) < 64)
        return WEXITSTATUS(status);
    if (done == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        fault_set(f, EXIT_BAD_INPUT, "%s: %s is not done with it after %u s of computing", name, library,
                  IN_CHILD_SECONDS);
    else if (done == child)
        fault_set(f, EXIT_BAD_INPUT, "%s: %s crashes on it%s%s", name, library, WIFSIGNALED(status) ? ": " : "",
                  WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "");
    else
        fault_set(f, EXIT_HOST_FAILED, "waitpid: %s", strerror(errno));
    return -1;
}
