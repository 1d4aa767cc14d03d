/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "find_box.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEEPEST 2u /* BOX.tar has BOX/sys, newer ones BOX/fsroot/sys */

static bool has(const char *dir, const char *name)
{
    char path[4200];
    struct stat st;
    return (size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) < sizeof(path) && stat(path, &st) == 0;
}

/* A folder in dir; not one by a link. */
static bool folder(const char *dir, const char *name, char *path, size_t room)
{
    struct stat st;
    return *name != '.' && (size_t)snprintf(path, room, "%s/%s", dir, name) < room && lstat(path, &st) == 0 &&
           S_ISDIR(st.st_mode);
}

static bool find(const char *dir, const char *name, unsigned depth, char *root, size_t room)
{
    char path[4200];
    struct dirent **in = NULL;
    bool found = false;
    if (!depth) {
        snprintf(root, room, "%s", dir);
        return strlen(dir) < room && has(dir, name);
    }
    int nr = scandir(dir, &in, NULL, alphasort);
    for (int i = 0; i < nr; i++) {
        if (!found && folder(dir, in[i]->d_name, path, sizeof(path)))
            found = find(path, name, depth - 1, root, room);
        free(in[i]);
    }
    free(in);
    return found;
}

enum box_files find_box(const char *dir, char *root, size_t room)
{
    static const struct {
        const char *name;
        enum box_files is;
    } by[] = {{"sys/devices/system/cpu", BOX_SYSFS}, {"hwloc-cpuid-info", BOX_CPUID}, {"sys", BOX_SYSFS}};
    for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++)
        for (unsigned depth = 0; depth <= DEEPEST; depth++)
            if (find(dir, by[i].name, depth, root, room))
                return by[i].is;
    return BOX_NONE;
}
