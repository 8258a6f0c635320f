//! A table in C.

include!(concat!(env!("OUT_DIR"), "/made_at.rs"));

unsafe extern "C" {
    fn table_entry(number: i32) -> i32;
}

/// An entry of the table.
pub fn entry(number: i32) -> i32 {
    unsafe { table_entry(number) }
}
