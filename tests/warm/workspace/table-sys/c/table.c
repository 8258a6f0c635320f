#include "table.h"

int table_entry(int number) { return TABLE_FIRST + number; }
