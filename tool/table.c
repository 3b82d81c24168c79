/* SPDX-License-Identifier: MIT */
/* See table.h. */
#include "tool/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/command.h"

static void *need(void *memory)
{
	if (!memory)
		exit(complain("no memory for the table"));
	return memory;
}

void table_start_row(struct table *t)
{
	if (t->rows == t->rows_room) {
		t->rows_room = t->rows_room ? 2 * t->rows_room : 64;
		t->row = need(realloc(t->row, t->rows_room * sizeof(*t->row)));
	}
	t->row[t->rows++] = (struct table_row){.below = NULL};
	t->columns = 0;
}

void table_cell(struct table *t, const char *format, ...)
{
	char text[TABLE_CELL_BYTES];
	va_list list;

	if (t->columns == TABLE_COLUMNS_MAX)
		return;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	t->row[t->rows - 1].cell[t->columns++] = need(strdup(text));
}

void table_below(struct table *t, const char *text)
{
	t->row[t->rows - 1].below = need(strdup(text));
}

static int width_of(const struct table *t, unsigned column)
{
	size_t widest = 0;

	for (unsigned i = 0; i < t->rows; i++) {
		const char *cell = t->row[i].cell[column];

		if (cell && strlen(cell) > widest)
			widest = strlen(cell);
	}
	return (int)widest;
}

/* No white space at the end of a line: empty cells at the right are not padded. */
static void print_row(const struct table_row *row, const int *widths)
{
	unsigned last = 0;

	for (unsigned i = 0; i < TABLE_COLUMNS_MAX; i++)
		if (row->cell[i] && *row->cell[i])
			last = i;
	for (unsigned i = 0; i <= last; i++)
		printf("%s%-*s", i ? "  " : "", i < last ? widths[i] : 0, row->cell[i] ? row->cell[i] : "");
	putchar('\n');
	if (row->below)
		fputs(row->below, stdout);
}

void table_print(struct table *t)
{
	int widths[TABLE_COLUMNS_MAX];

	for (unsigned i = 0; i < TABLE_COLUMNS_MAX; i++)
		widths[i] = width_of(t, i);
	for (unsigned i = 0; i < t->rows; i++) {
		print_row(&t->row[i], widths);
		for (unsigned j = 0; j < TABLE_COLUMNS_MAX; j++)
			free(t->row[i].cell[j]);
		free(t->row[i].below);
	}
	free(t->row);
	*t = (struct table){.row = NULL};
}
