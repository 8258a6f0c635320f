#define TABLE_FIRST 7

int table_entry(int number);
