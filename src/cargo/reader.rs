//! Whether a procedural macro can read files or run programs: then stable Rust gives it no way to tell cargo which.
//!
//! Its library has the parts of the standard library that it uses, and no others, with their names. Those in [`OF_EVERY_MACRO`]
//! stand for backtraces and are in each (seen with 1.95 and 1.97, in debug and release builds).

use object::{Object, ObjectSymbol};

use crate::store::Ability;

/// What the names of such functions have in them.
const OF_FILES: [&str; 7] = [
    "std::fs::",
    "std::sys::fs::",
    "std::process::",
    "std::sys::process::",
    "std::net::",
    "std::sys::net::",
    "std::os::",
];

/// Functions of these that are in every macro: the name begins, or a part of it, with one of them.
const OF_EVERY_MACRO: [&str; 12] = [
    "<&std::fs::File as std::io::Read>::read_to_string",
    "std::fs::buffer_capacity_required",
    "std::io::default_read_to_end",
    "std::sync::once",
    "<std::sync::once",
    "<<std::sync::once",
    "std::process::abort",
    "<std::sys::fs::unix::File>::open",
    "std::sys::fs::metadata",
    "std::sys::fs::unix::canonicalize",
    "std::sys::fs::unix::readlink",
    "std::sys::fs::unix::try_statx",
];

/// The same, where types are named in the middle.
const WITH_TYPES: [&str; 4] = [
    "std::sys::helpers::small_c_string::run_with_cstr_allocating",
    "<std::sys::fs::unix::canonicalize as core::ops::function::Fn",
    "<std::sys::fs::unix::stat as core::ops::function::Fn",
    "core::ptr::drop_in_place",
];

/// Functions of the C library that every macro asks for.
const OF_C: [&str; 43] = [
    "__cxa_finalize",
    "__cxa_thread_atexit_impl",
    "__errno_location",
    "__gmon_start__",
    "__tls_get_addr",
    "__xpg_strerror_r",
    "abort",
    "bcmp",
    "calloc",
    "close",
    "dl_iterate_phdr",
    "free",
    "fstat64",
    "getcwd",
    "getenv",
    "getrandom",
    "gettid",
    "lseek64",
    "malloc",
    "memchr",
    "memcmp",
    "memcpy",
    "memmove",
    "memset",
    "mmap64",
    "munmap",
    "open64",
    "poll",
    "posix_memalign",
    "pthread_getspecific",
    "pthread_key_create",
    "pthread_key_delete",
    "pthread_self",
    "pthread_setspecific",
    "read",
    "readlink",
    "realloc",
    "realpath",
    "stat64",
    "statx",
    "strlen",
    "syscall",
    "write",
];

/// Functions by which programs are run.
const RUNS: [&str; 4] = ["posix_spawnp", "posix_spawn", "execvp", "fork"];

/// What the procedural macro in `library` can do. One that does not tell can do all.
pub(super) fn ability(library: &[u8]) -> Ability {
    let runs = |object: &object::File<'_>| {
        object.dynamic_symbols().any(|symbol| {
            let name = symbol.name().unwrap_or_default();
            symbol.is_undefined() && RUNS.contains(&name.split('@').next().unwrap_or(name))
        })
    };
    let asks = |object: &object::File<'_>| {
        // Without a table of names, as after `strip`, nothing is told.
        object.symbols().next().is_none()
            || object.symbols().filter_map(|symbol| symbol.name().ok()).any(is_of_variables)
    };
    let Ok(object) = object::File::parse(library) else {
        return Ability { reads: true, runs: true, asks: true };
    };
    Ability { reads: can_read(library), runs: runs(&object), asks: asks(&object) }
}

/// Whether the library of a procedural macro, `library`, can read what it wants. One that does not tell can.
fn can_read(library: &[u8]) -> bool {
    let Ok(object) = object::File::parse(library) else { return true };
    let mut names = 0_usize;
    for symbol in object.symbols() {
        let Ok(name) = symbol.name() else { return true };
        names += usize::from(symbol.is_definition());
        if is_of_files(name) {
            return true;
        }
    }
    // Without a table of names, as after `strip`, nothing is told.
    names == 0
        || object.dynamic_symbols().any(|symbol| symbol.is_undefined() && !symbol.name().is_ok_and(is_of_c))
}

fn is_of_files(name: &str) -> bool {
    // Cheaper than to write all names out: paths have their parts in them, however they are mangled.
    if !["2fs", "7process", "3net", "2os"].iter().any(|part| name.contains(part)) {
        return false;
    }
    let name = format!("{:#}", rustc_demangle::demangle(name));
    let is_known = OF_EVERY_MACRO.iter().chain(&WITH_TYPES).any(|known| name.starts_with(known));
    !is_known && OF_FILES.iter().any(|part| name.contains(part))
}

/// What asks for a variable as text. Backtraces of every macro ask for theirs in another way.
fn is_of_variables(name: &str) -> bool {
    name.contains("3env4_") && format!("{:#}", rustc_demangle::demangle(name)) == "std::env::_var"
}

fn is_of_c(name: &str) -> bool {
    let name = name.split('@').next().unwrap_or(name);
    name.is_empty()
        || name.starts_with("_ITM_")
        || name.starts_with("_Unwind_")
        || name == "writev"
        || OF_C.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_macro_has_is_told_from_what_reads_files() {
        for name in [
            "_RNvNtNtCsbHCSZZwvfLx_3std2fs14read_to_string5inner",
            "_ZN3std2fs14read_to_string5inner17h0123456789abcdefE",
            "_ZN3std7process7Command6output17h0123456789abcdefE",
            "_ZN3std2os4unix3net6stream10UnixStream7connect17h0123456789abcdefE",
        ] {
            assert!(is_of_files(name), "{name}");
        }
        for name in [
            "_ZN3std7process5abort17h0123456789abcdefE",
            "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
            "_ZN3std2fs24buffer_capacity_required17h0123456789abcdefE",
        ] {
            assert!(!is_of_files(name), "{name}");
        }
        assert!(is_of_variables("_ZN3std3env4_var17h0123456789abcdefE"));
        assert!(is_of_variables("_RNvNtCsjrHSEGnQ3l9_3std3env4__var"));
        assert!(!is_of_variables("_ZN3std3env7_var_os17h0123456789abcdefE"));
        assert!(is_of_c("open64") && is_of_c("_Unwind_Resume@GCC_3.0") && !is_of_c("opendir"));
    }

    #[test]
    fn what_does_not_tell_can_read() {
        assert!(can_read(b"") && can_read(b"\x7fELF"));
    }
}
