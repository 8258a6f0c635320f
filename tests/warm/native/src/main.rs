//! Uses something of each dependency.

use std::ffi::CStr;

#[derive(serde::Serialize)]
struct Told {
    versions: Vec<String>,
}

fn told() -> Told {
    // SAFETY: it returns a static string.
    let sqlite = unsafe { CStr::from_ptr(libsqlite3_sys::sqlite3_libversion()) };
    let packed = zstd::encode_all(&[7; 1000][..], 3).unwrap();
    assert_eq!(zstd::decode_all(&packed[..]).unwrap(), [7; 1000]);
    let (ring, aws) = (
        ring::digest::digest(&ring::digest::SHA256, b"x"),
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"x"),
    );
    assert_eq!(ring.as_ref(), aws.as_ref());
    // SAFETY: the context is static.
    let secp = unsafe { secp256k1_sys::secp256k1_context_no_precomp.cast::<u8>() };
    Told { versions: vec![sqlite.to_str().unwrap().to_owned(), format!("{}", !secp.is_null())] }
}

fn main() {
    println!("{}", told().versions.join(" "));
}

#[test]
fn all_of_it_works() {
    assert!(told().versions[0].starts_with("3."));
}
