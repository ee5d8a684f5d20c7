/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A circular doubly linked list whose links live inside the listed objects. */

#include "attr.h"

#include <stdbool.h>

struct list {
	struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Append ITEM at the end of the list HEAD; ITEM must be in no list. */
static inline void list_append(struct list *head, struct list *item)
{
	item->prev = head->prev;
	item->next = head;
	head->prev->next = item;
	head->prev = item;
}

/* Put ITEM in front of all others of the list HEAD; ITEM must be in no list. */
static inline void list_prepend(struct list *head, struct list *item)
{
	list_append(head->next, item);
}

/* Take ITEM out of its list; harmless when it is in none but was list_init()ed. */
static inline void list_del(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

/* NOLINTBEGIN(bugprone-macro-parentheses): names of variables cannot stand in parentheses */
#define list_entry(ptr, type, m) CONTAINER_OF(ptr, type, m)
#define list_for_each(it, head)  for (struct list *it = (head)->next; it != (head); it = it->next)
/* The current item may be removed from the list inside the loop. */
#define list_for_each_safe(it, nxt, head)                                   \
	for (struct list *it = (head)->next, *nxt = it->next; it != (head); \
	     it = nxt, nxt = it->next)
/* NOLINTEND(bugprone-macro-parentheses) */
