/* SPDX-License-Identifier: MIT */
/*
 * Columns of text that are as wide as their widest cell, the last one free; a row may have lines
 * below it that belong to no column. Memory is taken as needed and given back by table_print().
 */
#ifndef TOOL_TABLE_H
#define TOOL_TABLE_H

enum { TABLE_COLUMNS_MAX = 10, TABLE_CELL_BYTES = 256 };

struct table {
	unsigned columns, rows, rows_room;
	struct table_row {
		char *cell[TABLE_COLUMNS_MAX];
		char *below;
	} *row;
};

/* The first row is the heading. Ends the program with a sentence when memory is short. */
void table_start_row(struct table *t);
__attribute__((format(printf, 2, 3))) void table_cell(struct table *t, const char *format, ...);
/* text may hold several lines; a copy is made. */
void table_below(struct table *t, const char *text);
void table_print(struct table *t);

#endif
