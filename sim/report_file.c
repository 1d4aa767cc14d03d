/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int report_make_dir(const char *path, struct fault *f)
{
    char p[4096];
    if (snprintf(p, sizeof(p), "%s/", path) >= (int)sizeof(p))
        return fault_set(f, EXIT_BAD_INPUT, "%s: the name is too long", path);
    for (char *s = p + 1; (s = strchr(s, '/')); s++) {
        *s = 0;
        if (mkdir(p, 0777) && errno != EEXIST)
            return fault_set(f, EXIT_BAD_INPUT, "%s: %s", p, strerror(errno));
        *s = '/';
    }
    if (access(path, W_OK | X_OK))
        return fault_set(f, EXIT_BAD_INPUT, "%s: cannot write there: %s", path, strerror(errno));
    return EXIT_DONE;
}

int report_open(struct report_file *o, const char *dir, const char *name, struct fault *f)
{
    o->f = NULL;
    if (snprintf(o->path, sizeof(o->path), "%s/%s", dir, name) >= (int)sizeof(o->path))
        return fault_set(f, EXIT_BAD_INPUT, "%s: the name is too long", dir);
    snprintf(o->temp, sizeof(o->temp), "%s.tmp", o->path);
    o->f = fopen(o->temp, "we");
    return o->f ? EXIT_DONE : fault_set(f, EXIT_BAD_INPUT, "%s: cannot write there: %s", o->path, strerror(errno));
}

int report_close(struct report_file *o, struct fault *f)
{
    bool bad = fflush(o->f) || ferror(o->f);
    bad |= fclose(o->f) != 0;
    if (bad || f->code != EXIT_DONE || rename(o->temp, o->path)) {
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", o->path, strerror(errno));
        unlink(o->temp);
    }
    return f->code;
}

static int copy_script(const char *templates, const char *name, const char *dir, struct fault *f)
{
    char from[4096], buf[4096];
    snprintf(from, sizeof(from), "%s/%s", templates, name);
    FILE *in = fopen(from, "re");
    if (!in)
        return fault_set(f, EXIT_HOST_FAILED, "%s: %s", from, strerror(errno));
    struct report_file o;
    if (report_open(&o, dir, name, f) == EXIT_DONE) {
        size_t n;
        while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
            fwrite(buf, 1, n, o.f);
        report_close(&o, f);
    }
    fclose(in);
    return f->code;
}

static int run_gnuplot(const char *dir, const char *script, struct fault *f)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDONLY);
        if (null >= 0)
            dup2(null, STDIN_FILENO);
        if (chdir(dir))
            _exit(126);
        execlp("gnuplot", "gnuplot", script, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 127))
        return fault_set(f, EXIT_HOST_FAILED, "cannot run gnuplot (package gnuplot-nox)");
    if (status)
        return fault_set(f, EXIT_HOST_FAILED, "gnuplot failed on %s/%s", dir, script);
    return EXIT_DONE;
}

int report_run_script(const char *templates, const char *script, const char *dir, struct fault *f)
{
    if (copy_script(templates, script, dir, f) == EXIT_DONE)
        run_gnuplot(dir, script, f);
    return f->code;
}
