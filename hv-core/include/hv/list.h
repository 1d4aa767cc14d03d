/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Circular doubly linked list with an embedded link; a head is a link too. */
#ifndef HV_LIST_H
#define HV_LIST_H

#include <hv/types.h>

struct list_head {
    struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name)                                                                                           \
    {                                                                                                                  \
        &(name), &(name)                                                                                               \
    }

static inline void list_init(struct list_head *h)
{
    h->next = h->prev = h;
}

static inline void list_insert_between(struct list_head *e, struct list_head *prev, struct list_head *next)
{
    e->next = next;
    e->prev = prev;
    prev->next = e;
    next->prev = e;
}

/* Put e right behind pos (behind the head: at the front). */
static inline void list_add(struct list_head *e, struct list_head *pos)
{
    list_insert_between(e, pos, pos->next);
}

/* Put e right before pos (before the head: at the end). */
static inline void list_add_tail(struct list_head *e, struct list_head *pos)
{
    list_insert_between(e, pos->prev, pos);
}

static inline void list_del_init(struct list_head *e)
{
    e->prev->next = e->next;
    e->next->prev = e->prev;
    list_init(e);
}

static inline bool list_empty(const struct list_head *h)
{
    return h->next == h;
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)
#define list_for_each(pos, head) for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)
/* Safe against removal of pos inside the loop. */
#define list_for_each_safe(pos, tmp, head)                                                                             \
    for ((pos) = (head)->next, (tmp) = (pos)->next; (pos) != (head); (pos) = (tmp), (tmp) = (pos)->next)

#endif
