/* SPDX-License-Identifier: MIT */
/*
 * A doubly linked list whose links live in the members. A link that is in no list points to
 * itself, so removing twice is harmless and "am I queued" is a question with an answer.
 */
#ifndef STACK_BASE_LIST_H
#define STACK_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define container_of(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Is this link in some list? The same question as list_empty, asked of a member. */
static inline bool list_linked(const struct list *l)
{
	return l->next != l;
}

static inline void list_insert_before(struct list *where, struct list *item)
{
	item->prev = where->prev;
	item->next = where;
	where->prev->next = item;
	where->prev = item;
}

static inline void list_append(struct list *head, struct list *item)
{
	list_insert_before(head, item);
}

static inline void list_prepend(struct list *head, struct list *item)
{
	list_insert_before(head->next, item);
}

static inline void list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

static inline struct list *list_first(const struct list *head)
{
	return list_empty(head) ? NULL : head->next;
}

static inline struct list *list_take_first(struct list *head)
{
	struct list *item = list_first(head);

	if (item)
		list_remove(item);
	return item;
}

#define list_for_each(it, head) for (struct list *it = (head)->next; it != (head); it = it->next)

/* The body may remove or free the item. */
#define list_for_each_safe(it, head)                                                               \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head);                  \
	    it = it##_next, it##_next = it->next)

#endif
